//! Refunds: <https://docs.stripe.com/api/refunds>.

use jiff::Timestamp;
use salon::money::Money;
use serde::Serialize;
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::checkout_session::CARD;
use super::params::{Metadata, Params};
use super::random_id;
use super::sandbox_ledger::Ledger;
use super::sandbox_payment::{Payment, PaymentState};

#[derive(Clone, Debug)]
pub struct Refund {
    /// `re_…`
    pub id: String,
    pub amount: Money,
    /// `pi_…`
    pub payment_intent: String,
    pub created: Timestamp,
    pub status: RefundStatus,
    pub metadata: Metadata,
    charge: String,
    by_card: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    let payment = params.required("payment_intent", named_payment(ledger, params)?)?;
    if payment.state != PaymentState::Succeeded {
        let message = format!("{} has no successful charge to refund.", payment.id);
        return Err(ApiError::refused(message)
            .of("payment_intent")
            .coded("payment_intent_unexpected_state"));
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

/// Lists the refunds of one payment or of all, newest first:
/// <https://docs.stripe.com/api/pagination>.
pub(super) fn list(ledger: &Ledger, params: &Params<'_>) -> Result<Value, ApiError> {
    params.only("limit payment_intent starting_after")?;
    let payment = named_payment(ledger, params)?.map(|payment| payment.id.as_str());
    let limit = params.integer("limit", 1)?.unwrap_or(10);
    let limit = usize::try_from(limit).ok().filter(|limit| *limit <= 100);
    let limit = limit.ok_or_else(|| params.invalid("limit", "must be at most 100."))?;
    let of_payment = |refund: &&Refund| payment.is_none_or(|id| refund.payment_intent == id);
    let all: Vec<_> = ledger.refunds().filter(of_payment).collect();
    let start = match params.text("starting_after", 5_000)? {
        None => 0,
        Some(id) => match all.iter().position(|refund| refund.id == id) {
            None => return Err(ApiError::no_such("refund", "starting_after", &id)),
            Some(position) => position + 1,
        },
    };
    let rest = &all[start..];
    let data: Vec<_> = rest.iter().take(limit).map(|refund| refund.to_json()).collect();
    let has_more = rest.len() > limit;
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": "/v1/refunds"}))
}

fn named_payment<'l>(
    ledger: &'l Ledger,
    params: &Params<'_>,
) -> Result<Option<&'l Payment>, ApiError> {
    let field = "payment_intent";
    let Some(id) = params.text(field, 5_000)? else {
        return Ok(None);
    };
    let payment = ledger.payment(&id);
    payment.map(Some).ok_or_else(|| ApiError::no_such("payment intent", field, &id))
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
