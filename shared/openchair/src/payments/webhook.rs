//! Stripe's events: whether they are Stripe's, and what they say.
//!
//! async-stripe's verifier also reads the whole event, and so fails on one of a
//! newer API version. Here the signature is checked first, on the bytes as they
//! came; then only the fields that are used are read.

mod stripe_event;
mod stripe_signature;
mod webhook_secrets;

pub use stripe_event::{SessionChange, StripeEvent, StripeEventError, Subject, parse_event};
pub use stripe_signature::{SignatureError, verify_signature};
pub use webhook_secrets::{WebhookSecrets, WebhookSecretsError};
