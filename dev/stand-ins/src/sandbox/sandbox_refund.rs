//! Refunds: <https://docs.stripe.com/api/refunds>.

use jiff::Timestamp;
use salon::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::checkout_session::CARD;
use super::params::{Metadata, Params};
use super::sandbox_ledger::{Ledger, Refused};
use super::sandbox_options::Refunds;
use super::sandbox_payment::PaymentState;
use super::v1_lists::named_payment;
use super::{random_id, stored};

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Refund {
    /// `re_…`
    pub id: String,
    #[serde(with = "stored::money")]
    pub amount: Money,
    /// `pi_…`
    pub payment_intent: String,
    pub created: Timestamp,
    pub status: RefundStatus,
    pub metadata: Metadata,
    charge: String,
    by_card: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    Pending,
    /// Succeeded as far as Stripe knows. It may still fail.
    Succeeded,
    Failed,
}

/// Refunds the requested amount of a payment, or all that is left.
pub(super) fn create(ledger: &mut Ledger, params: &Params<'_>) -> Result<Refund, ApiError> {
    params.only("amount metadata payment_intent")?;
    let asked = params.integer("amount", 1)?;
    let metadata = params.metadata("metadata")?;
    let payment = params.required("payment_intent", named_payment(ledger, params)?)?.id.clone();
    make(ledger, &payment, asked, metadata)
}

/// Refunds a payment without metadata, as the Dashboard does.
pub(super) fn by_hand(
    ledger: &mut Ledger,
    payment: &str,
    amount: Option<i64>,
) -> Result<Refund, Refused> {
    if amount.is_some_and(|amount| amount < 1) {
        return Err(Refused::NotRefundable);
    }
    make(ledger, payment, amount, Metadata::new()).map_err(|_| Refused::NotRefundable)
}

fn make(
    ledger: &mut Ledger,
    payment: &str,
    asked: Option<i64>,
    metadata: Metadata,
) -> Result<Refund, ApiError> {
    let payment = ledger.payment(payment);
    let payment = payment.ok_or_else(|| ApiError::internal("This is a bug in the sandbox."))?;
    if payment.state != PaymentState::Succeeded {
        let message = format!("{} has no successful charge to refund.", payment.id);
        return Err(ApiError::refused(message)
            .of("payment_intent")
            .coded("payment_intent_unexpected_state"));
    }
    if payment.is_charged_back() {
        let message = format!("The charge {} has been charged back.", payment.charge);
        return Err(ApiError::refused(message).coded("charge_disputed"));
    }
    let left = payment.amount.amount() - payment.refunded;
    if left == 0 {
        let message = format!("The charge {} has been refunded already.", payment.charge);
        return Err(ApiError::refused(message).coded("charge_already_refunded"));
    }
    let currency = payment.amount.currency();
    let amount = Money::new(asked.unwrap_or(left), currency);
    if amount.amount() > left {
        let left = Money::new(left, currency);
        let message = format!("The refund of {amount} exceeds the remaining {left}.");
        return Err(ApiError::refused(message).of("amount"));
    }
    if ledger.refunds_of(payment) == Refunds::Refused {
        let message = "Insufficient funds in your Stripe account.";
        return Err(ApiError::refused(message).coded("balance_insufficient"));
    }
    let refund = Refund {
        id: random_id("re_", 24),
        amount,
        payment_intent: payment.id.clone(),
        created: ledger.now(),
        status: RefundStatus::Pending,
        metadata,
        charge: payment.charge.clone(),
        by_card: payment.method == CARD,
    };
    Ok(ledger.refund(refund))
}

impl Refund {
    /// Returns Stripe's JSON, without most fields that are always null here.
    pub(super) fn to_json(&self) -> Value {
        let mut object = json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount.amount(),
            "charge": self.charge,
            "created": self.created.as_second(),
            "currency": self.amount.currency().code(),
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "status": self.status,
        });
        // As at Stripe, these fields exist only while they apply.
        match self.status {
            RefundStatus::Pending => object["pending_reason"] = json!("processing"),
            RefundStatus::Succeeded => {}
            RefundStatus::Failed => {
                let reason = if self.by_card { "expired_or_canceled_card" } else { "declined" };
                object["failure_reason"] = json!(reason);
            }
        }
        object
    }
}
