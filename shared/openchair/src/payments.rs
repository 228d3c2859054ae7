//! Payments: the only module that knows Stripe.
//!
//! The request builders are async-stripe's; the client that sends them is our
//! own. The crate's client opens a connection for every call and never reads
//! `Retry-After`; [`Client`] keeps its connections and bounds the whole call
//! by one deadline. Sessions and refunds are read by our own types too: events
//! hold them as well, in whichever version of the API the account is set to,
//! and async-stripe's types would be half of the program
//! (`docs/decisions/0012-own-types-for-answers.md`).

mod answer;
mod api_base;
mod bare_deposit;
mod bookings;
mod client;
mod error;
#[cfg(test)]
mod form;
mod metadata;
mod refund;
mod retry;
mod secret_key;
mod session;
mod session_request;
#[cfg(test)]
mod stripe_mock;
pub mod webhook;

pub use api_base::{ApiBase, ApiBaseError};
pub use bare_deposit::{BareDeposit, create_bare_deposit};
pub use bookings::Payments;
pub use client::Client;
pub use error::{ErrorAnswer, StripeError};
pub use refund::{Refund, RefundRequest, RefundStatus};
pub use retry::RetryPolicy;
pub use secret_key::{SecretKey, SecretKeyError};
pub use session::{Session, SessionStatus};
pub use session_request::{NewSession, SessionRequest};
