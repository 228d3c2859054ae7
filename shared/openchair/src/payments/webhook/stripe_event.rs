//! Parsing of Stripe's webhook events.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::payments::stripe_metadata::{Metadata, Reference};
use crate::payments::stripe_refunds::Refund;
use crate::payments::stripe_session::Session;
use salon::booking::WarningKind;

/// A webhook event.
#[derive(Clone, Debug)]
pub struct StripeEvent {
    /// Stripe's id: `evt_…`. A redelivery has the same id.
    pub id: String,
    /// Stripe's event type, such as `checkout.session.completed`.
    pub kind: String,
    /// Whether the money is real.
    pub live: bool,
    /// The connected account that the event is about. `None` for the account of the endpoint
    /// itself (<https://docs.stripe.com/connect/webhooks>).
    pub account: Option<String>,
    pub subject: Subject,
}

/// The object that an event is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A session, in its state at that time.
    Session { change: SessionChange, session: Box<Session> },
    /// A refund, in its state at that time.
    Refund(Refund),
    /// A payment that was refunded, partly or fully.
    ChargeRefunded {
        /// The payment: `pi_…`.
        payment: Option<String>,
        /// The booking. `None` if the payment is not ours.
        booking_id: Option<String>,
        /// The total of all refunds so far, in minor units.
        amount_refunded: i64,
        /// Whether the whole payment is refunded.
        fully: bool,
    },
    /// A dispute or an early fraud warning. It does not name a booking.
    Warning {
        kind: WarningKind,
        /// Stripe's id of the dispute or the warning.
        id: String,
        /// The payment: `pi_…`.
        payment: Option<String>,
    },
    /// An event that concerns no booking.
    Other,
}

impl Subject {
    /// Returns the id of the booking.
    #[must_use]
    pub fn booking_id(&self) -> Option<&str> {
        match self {
            Self::Session { session, .. } => session.booking_id.as_deref(),
            Self::Refund(refund) => refund.booking_id.as_deref(),
            Self::ChargeRefunded { booking_id, .. } => booking_id.as_deref(),
            Self::Warning { .. } | Self::Other => None,
        }
    }
}

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// The client has finished. The session says whether it is paid.
    Completed,
    /// A delayed payment has arrived.
    PaymentSucceeded,
    /// A delayed payment has failed.
    PaymentFailed,
    /// It was not paid in time, or we expired it.
    Expired,
}

/// A body that is not an event in Stripe's format.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be read")]
pub struct StripeEventError(#[from] serde_json::Error);

/// Parses the body of an event. Verify its signature first.
///
/// Unknown fields and types are ignored, so that events of newer API versions can
/// be parsed.
///
/// # Errors
/// If a field that we use is missing or has another type.
pub fn parse_event(body: &[u8]) -> Result<StripeEvent, StripeEventError> {
    #[derive(Deserialize)]
    struct Envelope {
        id: String,
        livemode: bool,
        account: Option<String>,
        #[serde(rename = "type")]
        kind: String,
    }

    let Envelope { id, livemode, account, kind } = serde_json::from_slice(body)?;
    let session = |change| -> Result<Option<Subject>, StripeEventError> {
        let session: Option<Session> = parse_object(body)?;
        Ok(session.map(|session| Subject::Session { change, session: Box::new(session) }))
    };
    let subject = match kind.as_str() {
        "checkout.session.completed" => session(SessionChange::Completed)?,
        "checkout.session.async_payment_succeeded" => session(SessionChange::PaymentSucceeded)?,
        "checkout.session.async_payment_failed" => session(SessionChange::PaymentFailed)?,
        "checkout.session.expired" => session(SessionChange::Expired)?,
        "refund.created" | "refund.updated" | "refund.failed" => {
            parse_object(body)?.map(Subject::Refund)
        }
        "charge.refunded" => parse_object(body)?.map(|charge: Charge| Subject::ChargeRefunded {
            payment: charge.payment_intent.map(String::from),
            booking_id: Metadata::booking_id(charge.metadata),
            amount_refunded: charge.amount_refunded,
            fully: charge.refunded,
        }),
        "charge.dispute.created" => Some(warning(WarningKind::Dispute, body)?),
        "radar.early_fraud_warning.created" => Some(warning(WarningKind::EarlyFraudWarning, body)?),
        _ => None,
    };
    let subject = subject.unwrap_or(Subject::Other);
    Ok(StripeEvent { id, kind, live: livemode, account, subject })
}

#[derive(Deserialize)]
struct WithData<T> {
    data: Data<T>,
}

#[derive(Deserialize)]
struct Data<T> {
    object: T,
}

/// Parses the object of an event, if its metadata contains a booking id. Objects
/// of others on the same account are ignored, whatever their format.
fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Result<Option<T>, StripeEventError> {
    #[derive(Deserialize)]
    struct WithMetadata {
        metadata: Option<Metadata>,
    }

    let marked: WithData<WithMetadata> = serde_json::from_slice(body)?;
    if Metadata::booking_id(marked.data.object.metadata).is_none() {
        return Ok(None);
    }
    let event: WithData<T> = serde_json::from_slice(body)?;
    Ok(Some(event.data.object))
}

/// Parses a dispute (<https://docs.stripe.com/api/disputes/object>) or an early fraud warning
/// (<https://docs.stripe.com/api/radar/early_fraud_warnings/object>). The payment's metadata
/// is not copied to them.
fn warning(kind: WarningKind, body: &[u8]) -> Result<Subject, StripeEventError> {
    #[derive(Deserialize)]
    struct Warning {
        id: String,
        payment_intent: Option<Reference>,
    }

    let event: WithData<Warning> = serde_json::from_slice(body)?;
    let Warning { id, payment_intent } = event.data.object;
    Ok(Subject::Warning { kind, id, payment: payment_intent.map(String::from) })
}

/// The fields of a charge that we use. Its metadata is copied from the payment
/// (<https://docs.stripe.com/metadata#copy-metadata-to-another-object>).
#[derive(Deserialize)]
struct Charge {
    payment_intent: Option<Reference>,
    metadata: Option<Metadata>,
    amount_refunded: i64,
    refunded: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::payments::stripe_refunds::RefundStatus;
    use crate::payments::stripe_session::SessionStatus;

    /// Returns an event in Stripe's format, of a newer API version.
    fn event(kind: &str, object: &Value) -> Vec<u8> {
        let event = json!({
            "id": "evt_1", "object": "event", "api_version": "2031-01-01.later",
            "created": 1_795_516_500, "data": {"object": object, "previous_attributes": {}},
            "livemode": true, "pending_webhooks": 1,
            "request": {"id": null, "idempotency_key": "checkout-b1-1"}, "type": kind,
        });
        serde_json::to_vec(&event).unwrap()
    }

    fn session() -> Value {
        json!({
            "id": "cs_live_1", "object": "checkout.session", "amount_total": 5000,
            "client_secret": null, "expires_at": 1_795_516_500, "livemode": true,
            "metadata": {"booking_id": "b1"}, "new_field": [1], "payment_intent": "pi_1",
            "payment_status": "paid", "status": "complete", "url": null,
        })
    }

    fn refund() -> Value {
        json!({
            "id": "re_1", "object": "refund", "amount": 2500, "metadata": {"booking_id": "b1"},
            "payment_intent": "pi_1", "status": "failed",
        })
    }

    fn charge() -> Value {
        json!({
            "id": "ch_1", "object": "charge", "amount": 5000, "amount_refunded": 2500,
            "metadata": {"booking_id": "b1"}, "payment_intent": "pi_1", "refunded": false,
        })
    }

    #[test]
    fn a_session_event_contains_the_change_and_the_session() {
        let cases = [
            ("checkout.session.completed", SessionChange::Completed),
            ("checkout.session.async_payment_succeeded", SessionChange::PaymentSucceeded),
            ("checkout.session.async_payment_failed", SessionChange::PaymentFailed),
            ("checkout.session.expired", SessionChange::Expired),
        ];
        for (kind, expected) in cases {
            let event = parse_event(&event(kind, &session())).unwrap();
            assert_eq!((event.id.as_str(), event.live), ("evt_1", true));
            let Subject::Session { change, session } = event.subject else {
                panic!("{kind} is about a session");
            };
            assert_eq!(change, expected);
            assert_eq!(
                (session.id.as_str(), session.status),
                ("cs_live_1", SessionStatus::Complete)
            );
            assert!(session.paid);
            assert_eq!(session.payment.as_deref(), Some("pi_1"));
            assert_eq!(session.booking_id.as_deref(), Some("b1"));
        }
    }

    #[test]
    fn a_refund_event_contains_the_refunds_status() {
        for kind in ["refund.created", "refund.updated", "refund.failed"] {
            let event = parse_event(&event(kind, &refund())).unwrap();
            let Subject::Refund(refund) = event.subject else {
                panic!("{kind} is about a refund");
            };
            assert_eq!((refund.id.as_str(), refund.status), ("re_1", RefundStatus::Failed));
        }
    }

    #[test]
    fn a_charge_event_contains_the_refunded_amount() {
        for payment in [json!("pi_1"), json!({"id": "pi_1", "object": "payment_intent"})] {
            let mut charge = charge();
            charge["payment_intent"] = payment;
            let event = parse_event(&event("charge.refunded", &charge)).unwrap();
            let Subject::ChargeRefunded { payment, booking_id, amount_refunded, fully } =
                event.subject
            else {
                panic!("it is about a charge");
            };
            assert_eq!(payment.as_deref(), Some("pi_1"));
            assert_eq!(booking_id.as_deref(), Some("b1"));
            assert_eq!((amount_refunded, fully), (2_500, false));
        }
    }

    #[test]
    fn a_dispute_and_a_fraud_warning_contain_their_payment() {
        let cases = [
            ("charge.dispute.created", WarningKind::Dispute),
            ("radar.early_fraud_warning.created", WarningKind::EarlyFraudWarning),
        ];
        for (event_type, expected) in cases {
            let object = json!({"id": "du_1", "charge": "ch_1", "payment_intent": "pi_1"});
            let event = parse_event(&event(event_type, &object)).unwrap();
            let Subject::Warning { kind, id, payment } = event.subject else {
                panic!("{event_type} is a warning");
            };
            assert_eq!((kind, id.as_str(), payment.as_deref()), (expected, "du_1", Some("pi_1")));
        }
    }

    #[test]
    fn an_event_of_a_connected_account_names_it() {
        let mut event: Value = serde_json::from_slice(&event("a.b", &json!({}))).unwrap();
        assert_eq!(parse_event(event.to_string().as_bytes()).unwrap().account, None);
        event["account"] = "acct_1".into();
        let parsed = parse_event(event.to_string().as_bytes()).unwrap();
        assert_eq!(parsed.account.as_deref(), Some("acct_1"));
    }

    #[test]
    fn an_event_of_an_unknown_type_is_accepted_with_any_content() {
        let thin = json!({"id": "evt_1", "livemode": true, "type": "v2.core.thin"}).to_string();
        let other = event("customer.created", &json!(["anything"]));
        for (body, expected) in [(thin.as_bytes(), "v2.core.thin"), (&other, "customer.created")] {
            let event = parse_event(body).unwrap();
            assert!(matches!(event.subject, Subject::Other), "{expected} concerns no booking");
            assert_eq!(event.kind, expected);
        }
    }

    #[test]
    fn an_object_without_a_booking_id_is_ignored_whatever_its_format() {
        let cases = [
            ("checkout.session.completed", json!({"id": "cs_1", "metadata": {"order": "7"}})),
            ("checkout.session.expired", json!({"id": "cs_1", "metadata": null})),
            ("refund.updated", json!({"id": "re_1"})),
            ("charge.refunded", json!({"id": "ch_1", "metadata": {}})),
        ];
        for (kind, object) in cases {
            let subject = parse_event(&event(kind, &object)).unwrap().subject;
            assert!(matches!(subject, Subject::Other), "{kind}");
        }
    }

    #[test]
    fn an_event_without_a_field_that_we_use_is_an_error() {
        let cases = [
            ("checkout.session.completed", session(), "payment_status"),
            ("checkout.session.completed", session(), "status"),
            ("refund.updated", refund(), "amount"),
            ("charge.refunded", charge(), "refunded"),
            ("charge.refunded", charge(), "amount_refunded"),
        ];
        for (kind, mut object, field) in cases {
            object.as_object_mut().unwrap().remove(field);
            let error = parse_event(&event(kind, &object)).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(field), "{kind} without {field}: {cause}");
        }
        for body in ["", "[]", "{}", "null", r#"{"id": "evt_1", "type": "charge.refunded"}"#] {
            assert!(parse_event(body.as_bytes()).is_err(), "{body}");
        }
    }
}
