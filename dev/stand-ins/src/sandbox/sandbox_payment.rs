//! Payments: <https://docs.stripe.com/api/payment_intents/object>, and their
//! charges: <https://docs.stripe.com/api/charges/object>.

use jiff::Timestamp;
use salon::money::Money;
use serde_json::{Value, json};

use super::checkout_session::CheckoutSession;
use super::params::Metadata;
use super::sandbox_options::Refunds;
use super::{ids, payment_methods};

#[derive(Clone, Debug)]
pub struct Payment {
    /// `pi_…`
    pub id: String,
    /// `ch_…`
    pub charge: String,
    /// `cs_…`
    pub session: String,
    pub amount: Money,
    /// The refunded amount in minor units.
    pub refunded: i64,
    pub state: PaymentState,
    /// `card` or a bank debit.
    pub method: &'static str,
    pub created: Timestamp,
    /// The session's `payment_intent_data[metadata]`.
    pub metadata: Metadata,
    pub description: Option<String>,
    pub receipt_email: Option<String>,
    /// How its refunds end, if its card overrides it.
    pub(super) refunds: Option<Refunds>,
    email: Option<String>,
    client_secret: String,
}

/// The state of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// The bank has not decided.
    Processing,
    Succeeded,
    Failed,
}

impl Payment {
    /// Creates the payment of a session.
    pub(super) fn of(
        session: &CheckoutSession,
        method: &'static str,
        state: PaymentState,
        now: Timestamp,
    ) -> Self {
        let id = ids::random("pi_", 24);
        Self {
            charge: ids::random("ch_", 24),
            session: session.id.clone(),
            amount: session.total,
            refunded: 0,
            state,
            method,
            created: now,
            metadata: session.payment_metadata.clone(),
            description: session.payment_description.clone(),
            receipt_email: session.receipt_email.clone(),
            refunds: None,
            email: session.customer_email.clone(),
            client_secret: ids::random(&format!("{id}_secret_"), 24),
            id,
        }
    }

    /// Returns how a refund ends, given the account's setting. Refunds of debits are pending
    /// first, because banks take days.
    pub(super) fn refunds_as(&self, refunds: Refunds) -> Refunds {
        match (self.refunds, refunds) {
            (Some(of_card), _) => of_card,
            (None, Refunds::Ok) if self.method != payment_methods::CARD => Refunds::Pending,
            (None, refunds) => refunds,
        }
    }

    /// Returns the `PaymentIntent`.
    pub(super) fn to_json(&self) -> Value {
        let (status, received) = match self.state {
            PaymentState::Processing => ("processing", 0),
            PaymentState::Succeeded => ("succeeded", self.amount.amount()),
            PaymentState::Failed => ("requires_payment_method", 0),
        };
        let object = json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount.amount(),
            "amount_capturable": 0,
            "amount_received": received,
            "capture_method": "automatic_async",
            "client_secret": self.client_secret,
            "confirmation_method": "automatic",
            "created": self.created.as_second(),
            "currency": self.amount.currency().code(),
            "description": self.description,
            "latest_charge": self.charge,
            "livemode": false,
            "metadata": self.metadata,
            "payment_method_types": [self.method],
            "receipt_email": self.receipt_email,
            "status": status,
        });
        with_nulls(object, INTENT_NULLS)
    }

    /// Returns the charge.
    pub(super) fn charge_json(&self) -> Value {
        let amount = self.amount.amount();
        let (status, captured) = match self.state {
            PaymentState::Processing => ("pending", 0),
            PaymentState::Succeeded => ("succeeded", amount),
            PaymentState::Failed => ("failed", 0),
        };
        let object = json!({
            "id": self.charge,
            "object": "charge",
            "amount": amount,
            "amount_captured": captured,
            "amount_refunded": self.refunded,
            "billing_details": {
                "address": null,
                "email": self.email,
                "name": null,
                "phone": null,
                "tax_id": null,
            },
            "captured": self.state == PaymentState::Succeeded,
            "created": self.created.as_second(),
            "currency": self.amount.currency().code(),
            "description": self.description,
            "disputed": false,
            "fraud_details": {},
            "livemode": false,
            "metadata": self.metadata,
            "paid": self.state == PaymentState::Succeeded,
            "payment_intent": self.id,
            "receipt_email": self.receipt_email,
            "refunded": self.refunded == amount,
            "status": status,
        });
        with_nulls(object, CHARGE_NULLS)
    }
}

/// Fields that are always null here.
const INTENT_NULLS: &str = "\
    canceled_at cancellation_reason customer last_payment_error next_action payment_method \
    setup_future_usage shipping";
const CHARGE_NULLS: &str = "\
    application_fee_amount balance_transaction customer failure_balance_transaction failure_code \
    failure_message outcome payment_method payment_method_details receipt_number receipt_url \
    review shipping source statement_descriptor statement_descriptor_suffix transfer_data \
    transfer_group";

/// Adds fields that are null.
pub(super) fn with_nulls(mut object: Value, fields: &str) -> Value {
    for field in fields.split_whitespace() {
        object[field] = Value::Null;
    }
    object
}
