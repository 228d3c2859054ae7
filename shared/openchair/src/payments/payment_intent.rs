//! Authorised payments: collecting them, and giving them up.

use serde::Deserialize;
use stripe_client_core::{RequestBuilder, StripeMethod};

use crate::payments::stripe_metadata::Metadata;

/// A payment at Stripe, whose id is `pi_…`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "PaymentIntentObject")]
pub struct PaymentIntent {
    pub status: PaymentIntentStatus,
    /// The booking. `None` if the payment is not for a booking of this salon.
    pub booking_id: Option<String>,
}

/// The status of a payment
/// (<https://docs.stripe.com/payments/paymentintents/lifecycle>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentIntentStatus {
    /// It is authorised and can be collected.
    RequiresCapture,
    /// It is collected.
    Succeeded,
    /// It can no longer be collected.
    Canceled,
    /// Stripe is at work, or waits for the client. Also any status that we do not know.
    #[serde(other)]
    Pending,
}

/// The fields of Stripe's object that we use
/// (<https://docs.stripe.com/api/payment_intents/object>).
#[derive(Deserialize)]
struct PaymentIntentObject {
    status: PaymentIntentStatus,
    metadata: Option<Metadata>,
}

impl From<PaymentIntentObject> for PaymentIntent {
    fn from(object: PaymentIntentObject) -> Self {
        Self { status: object.status, booking_id: Metadata::booking_id(object.metadata) }
    }
}

/// What is done with a payment.
#[derive(Clone, Copy, Debug)]
pub(super) enum PaymentIntentCall {
    Read,
    Capture,
    Cancel,
}

impl PaymentIntentCall {
    pub(super) fn request(self, payment: &str) -> RequestBuilder {
        let (method, path) = match self {
            Self::Read => (StripeMethod::Get, ""),
            Self::Capture => (StripeMethod::Post, "/capture"),
            Self::Cancel => (StripeMethod::Post, "/cancel"),
        };
        RequestBuilder::new(method, format!("/payment_intents/{payment}{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_parsed() {
        let cases = [
            ("requires_capture", PaymentIntentStatus::RequiresCapture),
            ("succeeded", PaymentIntentStatus::Succeeded),
            ("canceled", PaymentIntentStatus::Canceled),
            ("processing", PaymentIntentStatus::Pending),
            ("on_its_way", PaymentIntentStatus::Pending),
        ];
        for (word, status) in cases {
            let object = serde_json::json!({"id": "pi_1", "status": word});
            let payment: PaymentIntent = serde_json::from_value(object).unwrap();
            assert_eq!(payment, PaymentIntent { status, booking_id: None }, "{word}");
        }
        let object = serde_json::json!({"status": "canceled", "metadata": {"booking_id": "b1"}});
        let payment: PaymentIntent = serde_json::from_value(object).unwrap();
        assert_eq!(payment.booking_id.as_deref(), Some("b1"));
    }
}
