//! Payments: <https://docs.stripe.com/api/payment_intents/object>, and their
//! charges: <https://docs.stripe.com/api/charges/object>.

use jiff::Timestamp;
use salon::money::Money;
use serde_json::{Value, json};

use super::checkout_session::CheckoutSession;
use super::params::Metadata;
use super::sandbox_options::Refunds;
use super::{ids, payment_methods};

/// What a payer has paid, or is about to.
#[derive(Clone, Debug)]
pub struct Payment {
    /// `pi_…`
    pub id: String,
    /// `ch_…`
    pub charge: String,
    /// The `cs_…` that led to it.
    pub session: String,
    /// How much.
    pub amount: Money,
    /// How much of it went back, in minor units.
    pub refunded: i64,
    /// Whether the money is there.
    pub state: PaymentState,
    /// `card`, or a bank debit.
    pub method: &'static str,
    /// When the payer committed to it.
    pub created: Timestamp,
    /// The session's `payment_intent_data[metadata]`.
    pub metadata: Metadata,
    /// The merchant's description of it.
    pub description: Option<String>,
    /// Where Stripe sends the receipt.
    pub receipt_email: Option<String>,
    /// What becomes of its refunds, if its card decides that.
    pub(super) refunds: Option<Refunds>,
    email: Option<String>,
    client_secret: String,
}

/// Whether a payment's money is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// The bank has not decided.
    Processing,
    /// It is.
    Succeeded,
    /// The bank refused.
    Failed,
}

impl Payment {
    /// Makes the payment of a session.
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

    /// Says what becomes of a refund, where the account is set to `refunds`.
    /// Banks take days to send a debit back.
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
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount.amount(),
            "amount_capturable": 0,
            "amount_received": received,
            "canceled_at": null,
            "cancellation_reason": null,
            "capture_method": "automatic_async",
            "client_secret": self.client_secret,
            "confirmation_method": "automatic",
            "created": self.created.as_second(),
            "currency": self.amount.currency().code(),
            "customer": null,
            "description": self.description,
            "last_payment_error": null,
            "latest_charge": self.charge,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": null,
            "payment_method": null,
            "payment_method_types": [self.method],
            "receipt_email": self.receipt_email,
            "setup_future_usage": null,
            "shipping": null,
            "status": status,
        })
    }

    /// Returns the charge.
    pub(super) fn charge_json(&self) -> Value {
        let amount = self.amount.amount();
        let (status, captured) = match self.state {
            PaymentState::Processing => ("pending", 0),
            PaymentState::Succeeded => ("succeeded", amount),
            PaymentState::Failed => ("failed", 0),
        };
        json!({
            "id": self.charge,
            "object": "charge",
            "amount": amount,
            "amount_captured": captured,
            "amount_refunded": self.refunded,
            "application_fee_amount": null,
            "balance_transaction": null,
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
            "customer": null,
            "description": self.description,
            "disputed": false,
            "failure_balance_transaction": null,
            "failure_code": null,
            "failure_message": null,
            "fraud_details": {},
            "livemode": false,
            "metadata": self.metadata,
            "outcome": null,
            "paid": self.state == PaymentState::Succeeded,
            "payment_intent": self.id,
            "payment_method": null,
            "payment_method_details": null,
            "receipt_email": self.receipt_email,
            "receipt_number": null,
            "receipt_url": null,
            "refunded": self.refunded == amount,
            "review": null,
            "shipping": null,
            "source": null,
            "statement_descriptor": null,
            "statement_descriptor_suffix": null,
            "status": status,
            "transfer_data": null,
            "transfer_group": null,
        })
    }
}
