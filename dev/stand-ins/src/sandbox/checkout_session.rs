//! Checkout Sessions: <https://docs.stripe.com/api/checkout/sessions>.

use jiff::Timestamp;
use salon::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::params::Metadata;
use super::stored;

pub(super) const CARD: &str = "card";
/// All methods that a session may offer.
pub(super) const METHODS: [&str; 7] = [
    CARD,
    "acss_debit",
    "au_becs_debit",
    "bacs_debit",
    "nz_bank_account",
    "sepa_debit",
    "us_bank_account",
];

/// The name of a payment method: `card`, or a bank debit. A derived `Deserialize` would borrow a field
/// of the plain type from its input.
pub type MethodName = &'static str;

/// A Checkout Session in `payment` mode.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CheckoutSession {
    /// `cs_test_…`
    pub id: String,
    pub ui_mode: UiMode,
    pub status: SessionStatus,
    pub payment_status: PaymentStatus,
    /// `pi_…`, once the payer has committed to pay.
    pub payment_intent: Option<String>,
    pub line_items: Vec<LineItem>,
    #[serde(with = "stored::money")]
    pub total: Money,
    pub created: Timestamp,
    pub expires_at: Timestamp,
    pub client_reference_id: Option<String>,
    pub metadata: Metadata,
    /// The metadata of the future payment.
    pub payment_metadata: Metadata,
    /// The text beside the payment button.
    pub submit_message: Option<String>,
    /// Whether the payment is only authorised, and captured by the merchant.
    pub is_manual: bool,
    pub customer_email: Option<String>,
    /// The offered methods, a subset of the allowed ones.
    #[serde(with = "stored::methods")]
    pub payment_method_types: Vec<MethodName>,
    pub(super) allowed_payment_method_types: Option<Vec<String>>,
    /// The URL of its payment page. Every mode has one.
    pub(super) page: String,
    /// Where the payer goes after paying: `success_url` or `return_url`.
    pub(super) done_url: String,
    pub(super) cancel_url: Option<String>,
    pub(super) client_secret: Option<String>,
    /// Whether a payer is paying at this moment.
    pub(super) is_being_paid: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LineItem {
    pub name: String,
    pub description: Option<String>,
    /// In minor units.
    pub unit_amount: i64,
    pub quantity: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UiMode {
    /// On Stripe's page.
    HostedPage,
    /// On Stripe's page, embedded in the merchant's.
    EmbeddedPage,
    /// On the merchant's page, built with Stripe's elements.
    Elements,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    Open,
    /// The payer is done. [`PaymentStatus`] tells whether the money has arrived.
    Complete,
    /// Not paid in time, or expired by the merchant.
    Expired,
}

/// Whether the money has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Unpaid,
    Paid,
}

impl CheckoutSession {
    /// Returns the URL to which the payer is redirected after paying.
    pub(super) fn url_after_payment(&self) -> String {
        self.done_url.replace("{CHECKOUT_SESSION_ID}", &self.id)
    }

    /// Returns the offered bank debit.
    pub(super) fn debit(&self) -> Option<&'static str> {
        self.payment_method_types.iter().find(|method| **method != CARD).copied()
    }

    /// Returns Stripe's JSON, without most fields that are always null here.
    pub(super) fn to_json(&self) -> Value {
        let is_hosted = self.ui_mode == UiMode::HostedPage;
        let is_open = self.status == SessionStatus::Open;
        json!({
            "id": self.id,
            "object": "checkout.session",
            "allowed_payment_method_types": self.allowed_payment_method_types,
            "amount_subtotal": self.total.amount(),
            "amount_total": self.total.amount(),
            "automatic_tax": {"enabled": false},
            "cancel_url": self.cancel_url,
            "client_reference_id": self.client_reference_id,
            "client_secret": self.client_secret,
            "created": self.created.as_second(),
            "currency": self.total.currency().code(),
            "custom_fields": [],
            "custom_text": {"submit": self.submit_message.as_ref().map(|message| json!({"message": message}))},
            "customer_email": self.customer_email,
            "expires_at": self.expires_at.as_second(),
            "livemode": false,
            "metadata": self.metadata,
            "mode": "payment",
            "payment_intent": self.payment_intent,
            "payment_method_types": self.payment_method_types,
            "payment_status": self.payment_status,
            "return_url": (!is_hosted).then_some(&self.done_url),
            "shipping_options": [],
            "status": self.status,
            "success_url": is_hosted.then_some(&self.done_url),
            "ui_mode": self.ui_mode,
            "url": (is_hosted && is_open).then_some(&self.page),
        })
    }
}
