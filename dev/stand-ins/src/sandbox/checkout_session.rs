//! Checkout Sessions: <https://docs.stripe.com/api/checkout/sessions>.

mod create_session;
mod session_json;

use jiff::Timestamp;
use salon::money::Money;
use serde_json::Value;

pub(super) use self::create_session::create;
use super::api_error::ApiError;
use super::list;
use super::params::{Metadata, Params};
use super::sandbox_ledger::Ledger;

/// A Checkout Session in `payment` mode.
#[derive(Clone, Debug)]
pub struct CheckoutSession {
    /// `cs_test_…`
    pub id: String,
    pub ui_mode: UiMode,
    pub status: SessionStatus,
    pub payment_status: PaymentStatus,
    /// `pi_…`, once the payer has committed to pay.
    pub payment_intent: Option<String>,
    pub line_items: Vec<LineItem>,
    pub total: Money,
    pub created: Timestamp,
    pub expires_at: Timestamp,
    pub client_reference_id: Option<String>,
    pub metadata: Metadata,
    /// The metadata of the future payment.
    pub payment_metadata: Metadata,
    /// The description of the future payment.
    pub payment_description: Option<String>,
    pub receipt_email: Option<String>,
    pub customer_email: Option<String>,
    /// The offered methods, a subset of the allowed ones.
    pub payment_method_types: Vec<&'static str>,
    /// The number of declined attempts.
    pub declines: u32,
    /// The URL of its payment page. Every mode has one.
    pub page: String,
    urls: Urls,
    client_secret: Option<String>,
    redirect_on_completion: Option<&'static str>,
    allowed_payment_method_types: Option<Vec<String>>,
    excluded_payment_method_types: Vec<String>,
    customer_creation: &'static str,
    locale: Option<String>,
    submit_type: Option<&'static str>,
}

#[derive(Clone, Debug, Default)]
struct Urls {
    success: Option<String>,
    cancel: Option<String>,
    back: Option<String>,
}

#[derive(Clone, Debug)]
pub struct LineItem {
    pub name: String,
    pub description: Option<String>,
    /// In minor units.
    pub unit_amount: i64,
    pub quantity: i64,
    id: String,
    price: String,
    product: String,
    metadata: Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UiMode {
    /// On Stripe's page.
    HostedPage,
    /// On Stripe's page, embedded in the merchant's.
    EmbeddedPage,
    /// On the merchant's page, built with Stripe's elements.
    Elements,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    Open,
    /// The payer is done. [`PaymentStatus`] tells whether the money has arrived.
    Complete,
    /// Not paid in time, or expired by the merchant.
    Expired,
}

/// Whether the money has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    Unpaid,
    Paid,
}

impl UiMode {
    const WORDS: [&'static str; 3] = ["hosted_page", "embedded_page", "elements"];

    fn from_word(word: &str) -> Self {
        match word {
            "embedded_page" => Self::EmbeddedPage,
            "elements" => Self::Elements,
            _ => Self::HostedPage,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::HostedPage => "hosted_page",
            Self::EmbeddedPage => "embedded_page",
            Self::Elements => "elements",
        }
    }
}

impl SessionStatus {
    pub(super) const WORDS: [&'static str; 3] = ["open", "complete", "expired"];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// Lists sessions, newest first: all, or those with a payment or status.
pub(super) fn list(ledger: &Ledger, params: &Params<'_>) -> Result<Value, ApiError> {
    params.only(
        &format!("payment_intent status {}", list::PAGE),
        "created customer customer_account customer_details expand payment_link subscription",
    )?;
    let status = params.one_of("status", &SessionStatus::WORDS)?;
    let has_status =
        |session: &&CheckoutSession| status.is_none_or(|status| session.status.word() == status);
    let all: Vec<_> = match params.text("payment_intent", 5_000)? {
        Some(id) => {
            let payment = ledger.payment(&id).filter(|payment| payment.id == id);
            let payment = payment
                .ok_or_else(|| ApiError::no_such("payment intent", "payment_intent", &id))?;
            ledger.session(&payment.session).filter(has_status).into_iter().collect()
        }
        None => ledger.sessions().filter(has_status).collect(),
    };
    list::page(&all, params, "checkout session", "/v1/checkout/sessions")
}

impl CheckoutSession {
    /// Returns the URL to which the payer is redirected after paying, if there is one.
    pub(super) fn url_after_payment(&self) -> Option<String> {
        let url = self.urls.success.as_ref().or(self.urls.back.as_ref())?;
        Some(url.replace("{CHECKOUT_SESSION_ID}", &self.id))
    }

    /// Returns the URL for a payer who leaves without paying.
    pub(super) fn url_to_leave(&self) -> Option<&str> {
        self.urls.cancel.as_deref()
    }
}
