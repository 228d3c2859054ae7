//! Payments: the only module that knows Stripe.
//!
//! The request builders are async-stripe's; the client that sends them is our
//! own. The crate's client opens a connection for every call and never reads
//! `Retry-After`; [`StripeClient`] keeps its connections and bounds the whole call
//! by one deadline. Sessions and refunds are read by our own types too: events
//! hold them as well, in whichever version of the API the account is set to,
//! and async-stripe's types would be half of the program
//! (`docs/decisions/0012-own-types-for-answers.md`).

mod bare_deposit;
#[cfg(test)]
mod form;
mod retry;
mod secret_key;
mod session_request;
mod stripe_api;
mod stripe_base_url;
mod stripe_client;
mod stripe_error;
mod stripe_metadata;
#[cfg(test)]
mod stripe_mock;
mod stripe_refunds;
mod stripe_response;
mod stripe_session;
pub mod webhook;

pub use bare_deposit::{BareDeposit, create_bare_deposit};
pub use retry::RetryPolicy;
pub use secret_key::{SecretKey, SecretKeyError};
pub use session_request::{NewSession, SessionRequest};
pub use stripe_api::Payments;
pub use stripe_base_url::{StripeBaseUrl, StripeBaseUrlError};
pub use stripe_client::StripeClient;
pub use stripe_error::{StripeError, StripeErrorDetails};
pub use stripe_refunds::{Refund, RefundRequest, RefundStatus};
pub use stripe_session::{Session, SessionStatus};
