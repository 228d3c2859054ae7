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
    /// Where the payer pays.
    pub ui_mode: UiMode,
    /// Whether it can be paid, has been, or no longer can.
    pub status: SessionStatus,
    /// Whether the money is there.
    pub payment_status: PaymentStatus,
    /// `pi_…`, from the moment the payer commits to pay.
    pub payment_intent: Option<String>,
    /// What is bought.
    pub line_items: Vec<LineItem>,
    /// The sum of the line items.
    pub total: Money,
    /// When it was created.
    pub created: Timestamp,
    /// When it stops being payable.
    pub expires_at: Timestamp,
    /// The merchant's own reference.
    pub client_reference_id: Option<String>,
    /// The merchant's metadata on the session.
    pub metadata: Metadata,
    /// The merchant's metadata on the payment to come.
    pub payment_metadata: Metadata,
    /// The merchant's description of the payment to come.
    pub payment_description: Option<String>,
    /// Where Stripe is to send a receipt.
    pub receipt_email: Option<String>,
    /// The payer's address, if the merchant knows it.
    pub customer_email: Option<String>,
    /// The methods offered: a subset of what the merchant allows.
    pub payment_method_types: Vec<&'static str>,
    /// How many attempts to pay were declined.
    pub declines: u32,
    /// The address of its payment page, whatever its mode.
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

/// One thing that is bought.
#[derive(Clone, Debug)]
pub struct LineItem {
    /// Its name, as the payer reads it.
    pub name: String,
    /// A longer text for the payer.
    pub description: Option<String>,
    /// The price of one.
    pub unit_amount: i64,
    /// How many.
    pub quantity: i64,
    id: String,
    price: String,
    product: String,
    metadata: Metadata,
}

/// Where a session is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UiMode {
    /// On a page of Stripe's.
    HostedPage,
    /// On a page of Stripe's inside the merchant's.
    EmbeddedPage,
    /// On the merchant's page, built of Stripe's elements.
    Elements,
}

/// Whether a session can be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// It can.
    Open,
    /// The payer has done their part; see [`PaymentStatus`] for the money.
    Complete,
    /// It was not paid in time, or was expired by the merchant.
    Expired,
}

/// Whether the money is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Not, or not yet.
    Unpaid,
    /// It is.
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

    /// Returns Stripe's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// Lists sessions, newest first: all, or those of a payment or a status.
///
/// # Errors
/// If the request breaks a rule.
pub(super) fn list(ledger: &Ledger, params: &Params<'_>) -> Result<Value, ApiError> {
    params.only(
        &[&["payment_intent", "status"], &list::PAGE[..]].concat(),
        &[
            "created",
            "customer",
            "customer_account",
            "customer_details",
            "expand",
            "payment_link",
            "subscription",
        ],
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
    /// Returns where the payer goes after paying, with the session's id filled
    /// in; `None` if the merchant wants them to stay.
    pub(super) fn url_after_payment(&self) -> Option<String> {
        let url = self.urls.success.as_ref().or(self.urls.back.as_ref())?;
        Some(url.replace("{CHECKOUT_SESSION_ID}", &self.id))
    }

    /// Returns where a payer goes who leaves.
    pub(super) fn url_to_leave(&self) -> Option<&str> {
        self.urls.cancel.as_deref()
    }
}
