//! Events: <https://docs.stripe.com/api/events>.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{API_VERSION, random_id, stored};

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SandboxEvent {
    /// `evt_…`
    pub id: String,
    pub kind: EventType,
    /// The id of the session, charge, refund, dispute or warning.
    pub object: String,
    pub created: Timestamp,
    #[serde(with = "stored::shared_text")]
    body: Arc<str>,
}

/// The event types to which the functions' endpoint subscribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum EventType {
    /// The payer is done. The money may arrive later.
    SessionCompleted,
    /// The money of a debit has arrived.
    SessionAsyncPaymentSucceeded,
    SessionAsyncPaymentFailed,
    SessionExpired,
    ChargeRefunded,
    RefundCreated,
    /// A refund's status changed.
    RefundUpdated,
    /// The refunded money came back to the merchant.
    RefundFailed,
    /// The payer's bank has taken the money back.
    DisputeCreated,
    DisputeClosed,
    EarlyFraudWarning,
}

/// The API request that caused an event. Empty if a timer or the payer caused it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause {
    pub(super) request: Option<String>,
    pub(super) idempotency_key: Option<String>,
}

impl EventType {
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
            Self::DisputeCreated => "charge.dispute.created",
            Self::DisputeClosed => "charge.dispute.closed",
            Self::EarlyFraudWarning => "radar.early_fraud_warning.created",
        }
    }
}

impl SandboxEvent {
    /// Creates an event of an object. `before` has the previous values of changed fields.
    pub(super) fn new(
        kind: EventType,
        created: Timestamp,
        cause: &Cause,
        object: &Value,
        before: Option<Value>,
    ) -> Self {
        let id = random_id("evt_", 24);
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
        // Indented like Stripe's. A signature check on re-serialized JSON fails.
        let body = format!("{envelope:#}").into();
        Self { id, kind, object: object_id, created, body }
    }

    /// Returns the event as the API lists it.
    pub(super) fn to_json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Returns the body of the webhook.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}
