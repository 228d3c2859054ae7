//! Payments: <https://docs.stripe.com/api/payment_intents/object>, and their
//! charges: <https://docs.stripe.com/api/charges/object>.

use jiff::Timestamp;
use salon::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checkout_session::{CARD, CheckoutSession, MethodName};
use super::params::Metadata;
use super::sandbox_dispute::{Dispute, DisputeStatus};
use super::sandbox_options::Refunds;
use super::{random_id, stored};

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Payment {
    /// `pi_…`
    pub id: String,
    /// `ch_…`
    pub charge: String,
    #[serde(with = "stored::money")]
    pub amount: Money,
    /// The refunded amount in minor units.
    pub refunded: i64,
    pub state: PaymentState,
    /// `card` or a bank debit.
    #[serde(with = "stored::method")]
    pub method: MethodName,
    pub created: Timestamp,
    /// The session's `payment_intent_data[metadata]`.
    pub metadata: Metadata,
    /// Whether it was authorised first.
    pub(super) is_manual: bool,
    /// How its refunds end, if its card overrides it.
    pub(super) refunds: Option<Refunds>,
    /// The last dispute.
    pub dispute: Option<Dispute>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum PaymentState {
    Processing,
    /// It can be captured or cancelled.
    Authorised,
    Succeeded,
    Failed,
    /// The merchant has given up an authorised payment.
    Cancelled,
}

impl Payment {
    pub(super) fn new(
        session: &CheckoutSession,
        method: &'static str,
        state: PaymentState,
        now: Timestamp,
    ) -> Self {
        Self {
            id: random_id("pi_", 24),
            charge: random_id("ch_", 24),
            amount: session.total,
            refunded: 0,
            state,
            method,
            created: now,
            metadata: session.payment_metadata.clone(),
            is_manual: session.is_manual,
            refunds: None,
            dispute: None,
        }
    }

    /// Returns how a refund ends, given the account's setting. Refunds of debits are pending
    /// first, because banks take days.
    pub(super) fn refunds_as(&self, refunds: Refunds) -> Refunds {
        match (self.refunds, refunds) {
            (Some(of_card), _) => of_card,
            (None, Refunds::Ok) if self.method != CARD => Refunds::Pending,
            (None, refunds) => refunds,
        }
    }

    /// Returns whether a dispute has taken the money back, for now or for good.
    pub(super) fn is_charged_back(&self) -> bool {
        self.dispute.as_ref().is_some_and(|dispute| dispute.status != DisputeStatus::Won)
    }

    /// Returns the `PaymentIntent`, without most fields that are always null here.
    pub(super) fn to_json(&self) -> Value {
        let status = match self.state {
            PaymentState::Processing => "processing",
            PaymentState::Authorised => "requires_capture",
            PaymentState::Cancelled => "canceled",
            PaymentState::Succeeded => "succeeded",
            PaymentState::Failed => "requires_payment_method",
        };
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount.amount(),
            "amount_capturable": if self.state == PaymentState::Authorised { self.amount.amount() } else { 0 },
            "amount_received": self.received(),
            "capture_method": if self.is_manual { "manual" } else { "automatic_async" },
            "confirmation_method": "automatic",
            "created": self.created.as_second(),
            "currency": self.amount.currency().code(),
            "latest_charge": self.charge,
            "livemode": false,
            "metadata": self.metadata,
            "payment_method_types": [self.method],
            "status": status,
        })
    }

    pub(super) fn charge_json(&self) -> Value {
        let status = match self.state {
            PaymentState::Processing => "pending",
            PaymentState::Authorised | PaymentState::Cancelled | PaymentState::Succeeded => {
                "succeeded"
            }
            PaymentState::Failed => "failed",
        };
        json!({
            "id": self.charge,
            "object": "charge",
            "amount": self.amount.amount(),
            "amount_captured": self.received(),
            "amount_refunded": self.refunded,
            "billing_details": {},
            "captured": self.state == PaymentState::Succeeded,
            "created": self.created.as_second(),
            "currency": self.amount.currency().code(),
            "disputed": self.dispute.is_some(),
            "livemode": false,
            "metadata": self.metadata,
            "paid": self.state == PaymentState::Succeeded,
            "payment_intent": self.id,
            "refunded": self.refunded == self.amount.amount(),
            "status": status,
        })
    }

    fn received(&self) -> i64 {
        if self.state == PaymentState::Succeeded { self.amount.amount() } else { 0 }
    }
}
