//! Payments with Stripe. No other module uses async-stripe.
//!
//! async-stripe builds the requests, and our [`StripeClient`] sends them. The
//! crate's own client opens a connection for every call and ignores
//! `Retry-After`. Ours pools connections and has one deadline for all attempts.
//!
//! Sessions and refunds are parsed into our own types. Webhook events contain
//! them too, in the API version of the account, and async-stripe's types would
//! be half of the program (`docs/decisions/0012-own-types-for-answers.md`).

mod bare_deposit;
#[cfg(test)]
mod form;
mod payment_intent;
mod secret_key;
mod session_list;
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
pub use payment_intent::{PaymentIntent, PaymentIntentStatus};
pub use secret_key::{SecretKey, SecretKeyError};
pub use session_list::{SessionPage, SessionQuery};
pub use session_request::{NewSession, SessionRequest};
pub use stripe_api::Payments;
pub use stripe_base_url::{StripeBaseUrl, StripeBaseUrlError};
pub use stripe_client::{STRIPE_RETRIES, StripeClient};
pub use stripe_error::{StripeError, StripeErrorDetails};
pub use stripe_refunds::{Refund, RefundRequest, RefundStatus};
pub use stripe_session::{Session, SessionStatus};
