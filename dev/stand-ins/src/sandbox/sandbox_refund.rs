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

/// Money that went back.
#[derive(Clone, Debug)]
pub struct Refund {
    /// `re_…`
    pub id: String,
    /// How much.
    pub amount: Money,
    /// The `pi_…` that it comes from.
    pub payment_intent: String,
    /// When.
    pub created: Timestamp,
    /// Whether the payer gets it.
    pub status: RefundStatus,
    /// The merchant's reason.
    pub reason: Option<&'static str>,
    /// The merchant's metadata on the refund.
    pub metadata: Metadata,
    charge: String,
    by_card: bool,
}

/// Whether the payer gets the money of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The bank has not decided.
    Pending,
    /// The payer must say where to.
    RequiresAction,
    /// They do, as far as Stripe knows: it may fail even now.
    Succeeded,
    /// The bank sent it back.
    Failed,
    /// It was called off.
    Canceled,
}

impl RefundStatus {
    /// Returns Stripe's word for it.
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

    /// Says whether the money has left the merchant, or is about to.
    pub(super) fn is_money_away(self) -> bool {
        match self {
            Self::Pending | Self::RequiresAction | Self::Succeeded => true,
            Self::Failed | Self::Canceled => false,
        }
    }
}

const UNSUPPORTED: [&str; 8] = [
    "currency",
    "customer",
    "expand",
    "instructions_email",
    "origin",
    "refund_application_fee",
    "reverse_transfer",
    "created",
];

/// Refunds a payment, in full or the amount asked for.
///
/// # Errors
/// If the request breaks a rule, or there is not so much to give back.
pub(super) fn create(ledger: &mut Ledger, params: &Params<'_>) -> Result<Refund, ApiError> {
    params.only(&["amount", "charge", "metadata", "payment_intent", "reason"], &UNSUPPORTED)?;
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
        let message = format!("A refund of {amount} is more than the {left} that is left.");
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

/// Lists refunds, newest first, of one payment or of all.
///
/// # Errors
/// If the request breaks a rule.
pub(super) fn list(ledger: &Ledger, params: &Params<'_>) -> Result<Value, ApiError> {
    params.only(&[&["charge", "payment_intent"], &list::PAGE[..]].concat(), &UNSUPPORTED)?;
    let payment = named_payment(ledger, params)?.map(|payment| payment.id.as_str());
    let of_payment = |refund: &&Refund| payment.is_none_or(|id| refund.payment_intent == id);
    let all: Vec<_> = ledger.refunds().filter(of_payment).collect();
    list::page(&all, params, "refund", "/v1/refunds")
}

/// Finds the payment that a request names by itself or by its charge.
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

    /// Returns the object as the API gives it.
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
        // Like Stripe's, it has these only while they say something.
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
