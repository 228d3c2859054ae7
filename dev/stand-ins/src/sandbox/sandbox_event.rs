//! Events: <https://docs.stripe.com/api/events>.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{API_VERSION, ids};

/// Something that a merchant is told of.
#[derive(Clone, Debug)]
pub struct SandboxEvent {
    /// `evt_…`
    pub id: String,
    /// What happened.
    pub kind: EventType,
    /// The id of the session, charge or refund that it happened to.
    pub object: String,
    /// When.
    pub created: Timestamp,
    body: Arc<str>,
}

/// What can happen: the types that the functions' endpoint is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// A payer has done their part; the money may come later.
    SessionCompleted,
    /// The money of a debit is there.
    SessionAsyncPaymentSucceeded,
    /// The bank refused a debit.
    SessionAsyncPaymentFailed,
    /// A session can no longer be paid.
    SessionExpired,
    /// Some or all of a charge goes back.
    ChargeRefunded,
    /// A refund was made.
    RefundCreated,
    /// A refund has another status than before.
    RefundUpdated,
    /// The money of a refund came back to the merchant.
    RefundFailed,
}

/// The API request that made something happen; nobody's, if time did or a payer.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause {
    pub(super) request: Option<String>,
    pub(super) idempotency_key: Option<String>,
}

impl EventType {
    /// Returns Stripe's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SessionCompleted => "checkout.session.completed",
            Self::SessionAsyncPaymentSucceeded => "checkout.session.async_payment_succeeded",
            Self::SessionAsyncPaymentFailed => "checkout.session.async_payment_failed",
            Self::SessionExpired => "checkout.session.expired",
            Self::ChargeRefunded => "charge.refunded",
            Self::RefundCreated => "refund.created",
            Self::RefundUpdated => "refund.updated",
            Self::RefundFailed => "refund.failed",
        }
    }
}

impl SandboxEvent {
    /// Makes an event of an object as it stands; `before` has what was
    /// otherwise, if the object was there already.
    pub(super) fn new(
        kind: EventType,
        created: Timestamp,
        cause: &Cause,
        object: &Value,
        before: Option<Value>,
    ) -> Self {
        let id = ids::random("evt_", 24);
        let object_id = object["id"].as_str().unwrap_or_default().to_owned();
        let mut data = json!({"object": object});
        if let Some(before) = before {
            data["previous_attributes"] = before;
        }
        let envelope = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": created.as_second(),
            "data": data,
            "livemode": false,
            "pending_webhooks": 1,
            "request": {"id": cause.request, "idempotency_key": cause.idempotency_key},
            "type": kind.word(),
        });
        // Indented like Stripe's: whoever checks the signature of what they
        // parsed and wrote again will find out here.
        let body = format!("{envelope:#}").into();
        Self { id, kind, object: object_id, created, body }
    }

    /// Returns the bytes that an endpoint receives.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}
