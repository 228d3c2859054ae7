//! Refunds: <https://docs.stripe.com/api/refunds>.

use jiff::Timestamp;
use salon::money::Money;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::list::{self, Listed};
use super::params::{Metadata, Params};
use super::sandbox_ledger::Ledger;
use super::sandbox_payment::{Payment, PaymentState};
use super::{ids, payment_methods};

#[derive(Clone, Debug)]
pub struct Refund {
    /// `re_…`
    pub id: String,
    pub amount: Money,
    /// `pi_…`
    pub payment_intent: String,
    pub created: Timestamp,
    pub status: RefundStatus,
    pub reason: Option<&'static str>,
    pub metadata: Metadata,
    charge: String,
    by_card: bool,
}

/// The status of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The bank has not decided.
    Pending,
    /// The payer must enter an account.
    RequiresAction,
    /// Succeeded as far as Stripe knows. It may still fail.
    Succeeded,
    /// The bank returned the money.
    Failed,
    Canceled,
}

impl RefundStatus {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Returns whether the amount counts as refunded.
    pub(super) fn counts_as_refunded(self) -> bool {
        match self {
            Self::Pending | Self::RequiresAction | Self::Succeeded => true,
            Self::Failed | Self::Canceled => false,
        }
    }
}

const UNSUPPORTED: &str = "\
    currency customer expand instructions_email origin refund_application_fee reverse_transfer \
    created";

/// Refunds the requested amount of a payment, or all that is left.
pub(super) fn create(ledger: &mut Ledger, params: &Params<'_>) -> Result<Refund, ApiError> {
    params.only("amount charge metadata payment_intent reason", UNSUPPORTED)?;
    let asked = params.integer("amount")?;
    if asked.is_some_and(|amount| amount < 1) {
        let message = "amount must be at least 1.";
        return Err(ApiError::invalid("amount", message).coded("parameter_invalid_integer"));
    }
    let reason = params.one_of("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let metadata = params.metadata("metadata")?;
    let payment =
        named_payment(ledger, params)?.ok_or_else(|| ApiError::missing("payment_intent"))?;

    if payment.state != PaymentState::Succeeded {
        let message = format!("{} has no successful charge to refund.", payment.id);
        return Err(ApiError::refused(Some("payment_intent"), message)
            .coded("payment_intent_unexpected_state"));
    }
    let left = payment.amount.amount() - payment.refunded;
    if left == 0 {
        let message = format!("The charge {} has been refunded already.", payment.charge);
        return Err(ApiError::refused(None, message).coded("charge_already_refunded"));
    }
    let currency = payment.amount.currency();
    let amount = Money::new(asked.unwrap_or(left), currency);
    if amount.amount() > left {
        let left = Money::new(left, currency);
        let message = format!("The refund of {amount} exceeds the remaining {left}.");
        return Err(ApiError::refused(Some("amount"), message));
    }
    let refund = Refund {
        id: ids::random("re_", 24),
        amount,
        payment_intent: payment.id.clone(),
        created: ledger.now(),
        status: RefundStatus::Pending,
        reason,
        metadata,
        charge: payment.charge.clone(),
        by_card: payment.method == payment_methods::CARD,
    };
    Ok(ledger.refund(refund))
}

/// Lists the refunds of one payment or of all, newest first.
pub(super) fn list(ledger: &Ledger, params: &Params<'_>) -> Result<Value, ApiError> {
    params.only(&format!("charge payment_intent {}", list::PAGE), UNSUPPORTED)?;
    let payment = named_payment(ledger, params)?.map(|payment| payment.id.as_str());
    let of_payment = |refund: &&Refund| payment.is_none_or(|id| refund.payment_intent == id);
    let all: Vec<_> = ledger.refunds().filter(of_payment).collect();
    list::page(&all, params, "refund", "/v1/refunds")
}

/// Finds the payment that a request names by `payment_intent` or `charge`.
fn named_payment<'l>(
    ledger: &'l Ledger,
    params: &Params<'_>,
) -> Result<Option<&'l Payment>, ApiError> {
    let find = |field: &'static str, what: &str, id: &str| {
        let payment = ledger.payment(id);
        payment.map(Some).ok_or_else(|| ApiError::no_such(what, field, id))
    };
    match (params.text("payment_intent", 5_000)?, params.text("charge", 5_000)?) {
        (Some(_), Some(_)) => {
            let message = "Give payment_intent or charge, not both.";
            Err(ApiError::malformed(message).coded("parameters_exclusive"))
        }
        (Some(id), None) => find("payment_intent", "payment intent", &id),
        (None, Some(id)) => find("charge", "charge", &id),
        (None, None) => Ok(None),
    }
}

impl Listed for Refund {
    fn id(&self) -> &str {
        &self.id
    }

    fn to_json(&self) -> Value {
        let mut object = json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount.amount(),
            "balance_transaction": null,
            "charge": self.charge,
            "created": self.created.as_second(),
            "currency": self.amount.currency().code(),
            "destination_details": null,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": self.status.word(),
            "transfer_reversal": null,
        });
        // As at Stripe, these fields exist only while they apply.
        match self.status {
            RefundStatus::Failed => {
                let reason = if self.by_card { "expired_or_canceled_card" } else { "declined" };
                object["failure_reason"] = json!(reason);
            }
            RefundStatus::Pending => object["pending_reason"] = json!("processing"),
            RefundStatus::RequiresAction | RefundStatus::Succeeded | RefundStatus::Canceled => {}
        }
        object
    }
}
