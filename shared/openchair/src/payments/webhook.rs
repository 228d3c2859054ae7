//! Stripe's webhook events: their signatures and their content.
//!
//! async-stripe's verifier also parses the whole event, and so fails on an event
//! of a newer API version. Here the signature of the received bytes is verified
//! first. Then only the fields that we use are parsed.

mod stripe_event;
mod stripe_signature;
mod webhook_secrets;

pub use stripe_event::{SessionChange, StripeEvent, StripeEventError, Subject, parse_event};
pub use stripe_signature::{SignatureError, verify_signature};
pub use webhook_secrets::{WebhookSecrets, WebhookSecretsError};
