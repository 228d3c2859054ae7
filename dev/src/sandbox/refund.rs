//! Refunds: <https://docs.stripe.com/api/refunds>.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::domain::money::Money;

use super::api_error::ApiError;
use super::ids;
use super::ledger::{Ledger, Payment, PaymentState};
use super::params::{Metadata, Params};

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
    /// The merchant's reason.
    pub reason: Option<&'static str>,
    /// The merchant's metadata on the refund.
    pub metadata: Metadata,
    charge: String,
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
pub(super) fn create(
    ledger: &mut Ledger,
    params: &Params<'_>,
    now: Timestamp,
) -> Result<Refund, ApiError> {
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
        created: now,
        reason,
        metadata,
        charge: payment.charge.clone(),
    };
    ledger.refund(refund.clone());
    Ok(refund)
}

/// Lists refunds, newest first, of one payment or of all.
///
/// # Errors
/// If the request breaks a rule.
pub(super) fn list(ledger: &Ledger, params: &Params<'_>) -> Result<Value, ApiError> {
    params.only(
        &["charge", "ending_before", "limit", "payment_intent", "starting_after"],
        &UNSUPPORTED,
    )?;
    let limit = params.integer("limit")?.unwrap_or(10);
    let limit =
        usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
            ApiError::invalid("limit", "limit must be 1 to 100.").coded("parameter_invalid_integer")
        })?;
    let payment = named_payment(ledger, params)?.map(|payment| payment.id.as_str());
    let of_payment = |refund: &&Refund| payment.is_none_or(|id| refund.payment_intent == id);
    let all: Vec<_> = ledger.refunds().filter(of_payment).collect();

    let cursor = |field: &str| -> Result<Option<usize>, ApiError> {
        let Some(id) = params.text(field, 5_000)? else {
            return Ok(None);
        };
        let place = all.iter().position(|refund| refund.id == id);
        let place = place.ok_or_else(|| ApiError::no_such("refund", field, &id))?;
        Ok(Some(place))
    };
    let (page, has_more) = match (cursor("starting_after")?, cursor("ending_before")?) {
        (Some(_), Some(_)) => {
            let message = "Give starting_after or ending_before, not both.";
            return Err(ApiError::malformed(message).coded("parameters_exclusive"));
        }
        (None, Some(before)) => {
            let first = before.saturating_sub(limit);
            (&all[first..before], first > 0)
        }
        (after, None) => {
            let rest = &all[after.map_or(0, |place| place + 1)..];
            (&rest[..limit.min(rest.len())], rest.len() > limit)
        }
    };
    let data: Vec<_> = page.iter().map(|refund| refund.to_json()).collect();
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": "/v1/refunds"}))
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

impl Refund {
    /// Returns the object as the API gives it.
    pub(super) fn to_json(&self) -> Value {
        json!({
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
            "status": "succeeded",
            "transfer_reversal": null,
        })
    }
}
