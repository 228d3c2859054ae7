//! Stripe's events: whether they are Stripe's, and what they say.
//!
//! async-stripe's verifier also reads the whole event, and so fails on one of a
//! newer API version. Here the signature is checked first, on the bytes as they
//! came; then only the fields that are used are read.

mod event;
mod secrets;
mod signature;

pub use event::{Event, EventError, SessionChange, Subject, parse_event};
pub use secrets::{WebhookSecrets, WebhookSecretsError};
pub use signature::{SignatureError, verify};
