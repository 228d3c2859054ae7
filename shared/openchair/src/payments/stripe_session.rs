//! Checkout sessions, in responses and in events.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

use crate::payments::stripe_metadata::{Metadata, Reference};

/// A Checkout session, in which a client pays once.
#[derive(Clone, Deserialize)]
#[serde(from = "SessionObject")]
pub struct Session {
    /// Stripe's id: `cs_…`.
    pub id: String,
    pub status: SessionStatus,
    /// Whether the money has arrived. A complete session may still wait for it.
    pub paid: bool,
    /// Whether the payment of a complete session has failed. Always false in an
    /// event, whose type says so instead.
    pub failed: bool,
    /// The payment: `pi_…`. An open session may have none.
    pub payment: Option<String>,
    /// The charged amount, in minor units.
    pub amount: Option<i64>,
    /// Its currency: `usd`.
    pub currency: Option<String>,
    /// The booking. `None` if somebody else opened the session.
    pub booking_id: Option<String>,
    /// Whether the money is real.
    pub live: bool,
    /// Lets our own page take the payment. Only the client may see it. `None` with
    /// Stripe's own page, and in events.
    pub client_secret: Option<SecretString>,
    /// The URL of Stripe's own page, while the session is open.
    pub url: Option<String>,
    /// The end of the time to pay.
    pub expires_at: Timestamp,
}

/// The status of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// It can be paid.
    Open,
    /// The client has finished. The money may still be on its way.
    Complete,
    /// It was not paid, and can no longer be.
    Expired,
}

/// Hides the client secret and the URL.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("paid", &self.paid)
            .field("failed", &self.failed)
            .field("payment", &self.payment)
            .field("amount", &self.amount)
            .field("currency", &self.currency)
            .field("booking_id", &self.booking_id)
            .field("live", &self.live)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The statuses of a payment that has failed
/// (<https://docs.stripe.com/payments/paymentintents/lifecycle>).
const FAILED_STATUSES: [&str; 2] = ["requires_payment_method", "canceled"];

/// The fields of Stripe's object that we use
/// (<https://docs.stripe.com/api/checkout/sessions/object>).
#[derive(Deserialize)]
struct SessionObject {
    id: String,
    status: SessionStatus,
    payment_status: PaymentStatus,
    payment_intent: Option<Reference>,
    amount_total: Option<i64>,
    currency: Option<String>,
    metadata: Option<Metadata>,
    livemode: bool,
    client_secret: Option<String>,
    url: Option<String>,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    expires_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PaymentStatus {
    Paid,
    NoPaymentRequired,
    Unpaid,
}

impl From<SessionObject> for Session {
    fn from(object: SessionObject) -> Self {
        let paid = match object.payment_status {
            PaymentStatus::Paid | PaymentStatus::NoPaymentRequired => true,
            PaymentStatus::Unpaid => false,
        };
        let status = object.payment_intent.as_ref().and_then(Reference::status);
        let has_failed = status.is_some_and(|status| FAILED_STATUSES.contains(&status));
        Self {
            id: object.id,
            status: object.status,
            paid,
            failed: object.status == SessionStatus::Complete && !paid && has_failed,
            payment: object.payment_intent.map(String::from),
            amount: object.amount_total,
            currency: object.currency,
            booking_id: Metadata::booking_id(object.metadata),
            live: object.livemode,
            client_secret: object.client_secret.map(SecretString::from),
            url: object.url,
            expires_at: object.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};

    use super::*;

    /// Returns some fields of a session, as in a response of Stripe.
    fn object() -> Value {
        json!({
            "id": "cs_test_1",
            "object": "checkout.session",
            "amount_total": 5000,
            "client_reference_id": "b1",
            "client_secret": "cs_test_1_secret_hidden",
            "currency": "usd",
            "customer_details": {"email": "hidden@example.com"},
            "expires_at": 1_795_516_500,
            "livemode": false,
            "metadata": {"booking_id": "b1", "other": "x"},
            "payment_intent": null,
            "payment_status": "unpaid",
            "status": "open",
            "url": "https://checkout.stripe.com/c/pay/hidden",
        })
    }

    /// Parses the session with one changed field.
    fn read(field: &str, value: Value) -> Result<Session, serde_json::Error> {
        let mut object = object();
        object[field] = value;
        serde_json::from_value(object)
    }

    #[test]
    fn every_field_of_a_session_is_parsed() {
        let session: Session = serde_json::from_value(object()).unwrap();
        assert_eq!(session.id, "cs_test_1");
        assert_eq!(session.status, SessionStatus::Open);
        assert!(!session.paid);
        assert_eq!(session.payment, None);
        assert_eq!(session.amount, Some(5_000));
        assert_eq!(session.currency.as_deref(), Some("usd"));
        assert_eq!(session.booking_id.as_deref(), Some("b1"));
        assert!(!session.live);
        let secret = session.client_secret.as_ref().map(ExposeSecret::expose_secret);
        assert_eq!(secret, Some("cs_test_1_secret_hidden"));
        assert_eq!(session.url.as_deref(), Some("https://checkout.stripe.com/c/pay/hidden"));
        assert_eq!(session.expires_at, "2026-11-24T10:35:00Z".parse().unwrap());
    }

    #[test]
    fn the_payment_status_says_whether_a_session_is_paid() {
        let cases = [("paid", true), ("no_payment_required", true), ("unpaid", false)];
        for (word, paid) in cases {
            let session = read("payment_status", word.into()).unwrap();
            assert_eq!(session.paid, paid, "{word}");
        }
        assert!(read("payment_status", "perhaps".into()).is_err());
    }

    #[test]
    fn an_unknown_session_status_is_an_error() {
        let cases = [
            ("open", SessionStatus::Open),
            ("complete", SessionStatus::Complete),
            ("expired", SessionStatus::Expired),
        ];
        for (word, status) in cases {
            assert_eq!(read("status", word.into()).unwrap().status, status);
        }
        for strange in ["paused".into(), Value::Null] {
            assert!(read("status", strange).is_err());
        }
    }

    #[test]
    fn a_payment_is_an_id_or_an_object() {
        let cases = [
            (json!("pi_1"), Some("pi_1")),
            (json!({"id": "pi_1", "object": "payment_intent", "amount": 5000}), Some("pi_1")),
            (Value::Null, None),
        ];
        for (value, payment) in cases {
            let session = read("payment_intent", value.clone()).unwrap();
            assert_eq!(session.payment.as_deref(), payment, "{value}");
        }
    }

    #[test]
    fn a_session_without_metadata_of_ours_has_no_booking() {
        for metadata in [json!({}), json!({"order": "7"}), Value::Null] {
            assert_eq!(read("metadata", metadata).unwrap().booking_id, None);
        }
    }

    #[test]
    fn a_session_is_printed_without_its_secret_and_url() {
        let session: Session = serde_json::from_value(object()).unwrap();
        let shown = format!("{session:?}");
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
