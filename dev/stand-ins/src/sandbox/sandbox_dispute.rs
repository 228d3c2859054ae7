//! What a payer's bank does after a payment: disputes
//! (<https://docs.stripe.com/api/disputes/object>) and early fraud warnings
//! (<https://docs.stripe.com/api/radar/early_fraud_warnings/object>).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::random_id;
use super::sandbox_event::EventType;
use super::sandbox_ledger::{Ledger, Refused};
use super::sandbox_payment::{Payment, PaymentState};

/// A payer's complaint to their bank, which takes the payment back until it is decided.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Dispute {
    /// `du_…`
    pub id: String,
    pub reason: DisputeReason,
    pub status: DisputeStatus,
    pub created: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeReason {
    Fraudulent,
    ProductNotReceived,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    NeedsResponse,
    /// The merchant keeps the money.
    Won,
    Lost,
}

impl Dispute {
    fn to_json(&self, payment: &Payment) -> Value {
        json!({
            "id": self.id,
            "object": "dispute",
            "amount": payment.amount.amount(),
            "balance_transactions": [],
            "charge": payment.charge,
            "created": self.created.as_second(),
            "currency": payment.amount.currency().code(),
            "evidence": {},
            "is_charge_refundable": false,
            "livemode": false,
            "metadata": {},
            "payment_intent": payment.id,
            "reason": self.reason,
            "status": self.status,
        })
    }
}

impl Ledger {
    /// Opens a dispute on a payment that has succeeded.
    pub(super) fn dispute(&mut self, payment: &str, reason: DisputeReason) -> Result<(), Refused> {
        let created = self.now();
        let payment = self.succeeded_mut(payment)?;
        if payment.dispute.is_some() {
            return Err(Refused::Disputed);
        }
        let status = DisputeStatus::NeedsResponse;
        let dispute = Dispute { id: random_id("du_", 24), reason, status, created };
        let object = dispute.to_json(payment);
        payment.dispute = Some(dispute);
        self.emit(EventType::DisputeCreated, &object, None);
        Ok(())
    }

    /// Decides an open dispute.
    pub(super) fn close_dispute(&mut self, payment: &str, is_won: bool) -> Result<(), Refused> {
        let payment = self.succeeded_mut(payment)?;
        let dispute = payment.dispute.as_mut();
        let dispute = dispute.filter(|it| it.status == DisputeStatus::NeedsResponse);
        let dispute = dispute.ok_or(Refused::NoDispute)?;
        dispute.status = if is_won { DisputeStatus::Won } else { DisputeStatus::Lost };
        let dispute = dispute.clone();
        let object = dispute.to_json(payment);
        self.emit(EventType::DisputeClosed, &object, None);
        Ok(())
    }

    /// Warns that a payment is probably a fraud, and may be disputed.
    pub(super) fn warn_of_fraud(&mut self, payment: &str) -> Result<(), Refused> {
        let created = self.now();
        let payment = self.succeeded_mut(payment)?;
        let object = json!({
            "id": random_id("issfr_", 24),
            "object": "radar.early_fraud_warning",
            // Whether a refund could still avoid a dispute.
            "actionable": payment.dispute.is_none() && payment.refunded < payment.amount.amount(),
            "charge": payment.charge,
            "created": created.as_second(),
            "fraud_type": "unauthorized_use_of_card",
            "livemode": false,
            "payment_intent": payment.id,
        });
        self.emit(EventType::EarlyFraudWarning, &object, None);
        Ok(())
    }

    fn succeeded_mut(&mut self, payment: &str) -> Result<&mut Payment, Refused> {
        let payment = self.payments.get_mut(payment).ok_or(Refused::Unknown)?;
        if payment.state != PaymentState::Succeeded {
            return Err(Refused::NotPaid(payment.state));
        }
        Ok(payment)
    }
}
