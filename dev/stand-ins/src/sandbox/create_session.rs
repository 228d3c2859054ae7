//! Creates a session and checks its parameters:
//! <https://docs.stripe.com/api/checkout/sessions/create>.

use jiff::{SignedDuration, Timestamp};
use salon::money::{Currency, Money};
use serde::Deserialize;

use super::api_error::ApiError;
use super::checkout_session::{
    CARD, CheckoutSession, LineItem, PaymentStatus, SessionStatus, UiMode,
};
use super::params::{Metadata, Params};
use super::random_id;

const MIN_LIFETIME: SignedDuration = SignedDuration::from_mins(30);
const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
const MAX_LINE_ITEMS: usize = 100;
/// Stripe's maximum: eight digits of minor units.
const MAX_CHARGE: i64 = 99_999_999;

/// This version of the API has no `payment_method_types`.
const KNOWN: &str = "\
    adaptive_pricing allowed_payment_method_types cancel_url client_reference_id custom_text \
    customer_email expand expires_at line_items metadata mode payment_intent_data return_url success_url ui_mode";

/// A boolean in a form.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Switch {
    True,
    False,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CaptureMethod {
    Automatic,
    AutomaticAsync,
    Manual,
}

/// Creates an open session from a request. `public_url` is the sandbox's URL for browsers.
pub(super) fn create(
    params: &Params<'_>,
    now: Timestamp,
    public_url: &str,
) -> Result<CheckoutSession, ApiError> {
    params.only(KNOWN)?;
    if params.required("mode", params.text("mode", 100)?)? != "payment" {
        return Err(params.invalid("mode", "must be payment: the sandbox supports no other."));
    }
    let ui_mode = params.word("ui_mode")?.unwrap_or(UiMode::HostedPage);
    let (done, other): (&str, &[&str]) = match ui_mode {
        UiMode::HostedPage => ("success_url", &["return_url"]),
        UiMode::EmbeddedPage | UiMode::Elements => ("return_url", &["success_url", "cancel_url"]),
    };
    params.none_of(other, "cannot be set with this ui_mode.")?;
    let (line_items, total) = line_items(params)?;
    if let Some(pricing) = params.object("adaptive_pricing")? {
        pricing.only("enabled")?;
        if pricing.word("enabled")? == Some(Switch::True) {
            let message = "must be false: the sandbox converts no currencies.";
            return Err(pricing.invalid("enabled", message));
        }
    }
    let (payment_metadata, is_manual) = payment_data(params)?;
    let allowed = params.texts("allowed_payment_method_types")?;
    let id = random_id("cs_test_", 58);
    let secret = || random_id(&format!("{id}_secret_"), 32);
    Ok(CheckoutSession {
        ui_mode,
        status: SessionStatus::Open,
        payment_status: PaymentStatus::Unpaid,
        payment_intent: None,
        line_items,
        total,
        created: now,
        expires_at: expires_at(params, now)?,
        client_reference_id: params.text("client_reference_id", 200)?,
        metadata: params.metadata("metadata")?,
        payment_metadata,
        is_manual,
        submit_message: submit_message(params)?,
        customer_email: params.email("customer_email")?,
        payment_method_types: offered_methods(total.currency(), allowed.as_deref())?,
        allowed_payment_method_types: allowed
            .map(|allowed| allowed.into_iter().map(str::to_owned).collect()),
        page: format!("{public_url}/pay/{id}"),
        done_url: params.required(done, params.url(done)?)?,
        cancel_url: params.url("cancel_url")?,
        is_being_paid: false,
        client_secret: (ui_mode != UiMode::HostedPage).then(secret),
        id,
    })
}

/// Returns the methods that a session offers: of cards and the currency's bank debit, those
/// that the session allows. Fails if none remains.
fn offered_methods(
    currency: Currency,
    allowed: Option<&[&str]>,
) -> Result<Vec<&'static str>, ApiError> {
    let debit = match currency.code() {
        "aud" => Some("au_becs_debit"),
        "cad" => Some("acss_debit"),
        "eur" => Some("sepa_debit"),
        "gbp" => Some("bacs_debit"),
        "nzd" => Some("nz_bank_account"),
        "usd" => Some("us_bank_account"),
        _ => None,
    };
    let is_allowed = |method: &&str| allowed.is_none_or(|allowed| allowed.contains(method));
    let offered: Vec<_> = [Some(CARD), debit].into_iter().flatten().filter(is_allowed).collect();
    if offered.is_empty() {
        return Err(ApiError::malformed("No payment method is left for this session."));
    }
    Ok(offered)
}

fn expires_at(params: &Params<'_>, now: Timestamp) -> Result<Timestamp, ApiError> {
    let Some(seconds) = params.integer("expires_at", 0)? else {
        return Ok(now + MAX_LIFETIME);
    };
    match Timestamp::from_second(seconds) {
        Ok(at) if (now + MIN_LIFETIME..=now + MAX_LIFETIME).contains(&at) => Ok(at),
        Ok(_) | Err(_) => {
            Err(params.invalid("expires_at", "must be 30 minutes to 24 hours from now."))
        }
    }
}

/// Returns the text beside the payment button.
fn submit_message(params: &Params<'_>) -> Result<Option<String>, ApiError> {
    let Some(texts) = params.object("custom_text")? else { return Ok(None) };
    texts.only("submit")?;
    let Some(submit) = texts.object("submit")? else { return Ok(None) };
    submit.only("message")?;
    submit.text("message", 1_200)
}

/// Returns the payment's metadata, and whether it is captured by the merchant.
fn payment_data(params: &Params<'_>) -> Result<(Metadata, bool), ApiError> {
    let Some(data) = params.object("payment_intent_data")? else {
        return Ok((Metadata::new(), false));
    };
    data.only("capture_method metadata")?;
    let capture_method = data.word("capture_method")?.unwrap_or(CaptureMethod::AutomaticAsync);
    Ok((data.metadata("metadata")?, capture_method == CaptureMethod::Manual))
}

fn line_items(params: &Params<'_>) -> Result<(Vec<LineItem>, Money), ApiError> {
    let field = "line_items";
    let items = params.objects(field)?;
    if items.len() > MAX_LINE_ITEMS {
        let message = format!("has more than {MAX_LINE_ITEMS} items.");
        return Err(params.invalid(field, &message));
    }
    let items: Vec<_> = items.iter().map(line_item).collect::<Result<_, _>>()?;
    let currency = params.required(field, items.first().map(|(_, currency)| *currency))?;
    if items.iter().any(|(_, other)| *other != currency) {
        return Err(params.invalid(field, "must all have the same currency."));
    }
    let items: Vec<_> = items.into_iter().map(|(item, _)| item).collect();
    let amount = |item: &LineItem| item.unit_amount.saturating_mul(item.quantity);
    let total = Money::new(items.iter().map(amount).fold(0, i64::saturating_add), currency);
    let minimum = currency.minimum_charge();
    if total.amount() < minimum.amount() {
        let message = format!("The total of {total} is under the minimum of {minimum}.");
        return Err(ApiError::malformed(message).coded("amount_too_small"));
    }
    if total.amount() > MAX_CHARGE {
        let message = "The total is over eight digits.";
        return Err(ApiError::malformed(message).coded("amount_too_large"));
    }
    Ok((items, total))
}

fn line_item(item: &Params<'_>) -> Result<(LineItem, Currency), ApiError> {
    item.only("price_data quantity")?;
    let data = item.required("price_data", item.object("price_data")?)?;
    data.only("currency product_data unit_amount")?;
    let code = data.required("currency", data.text("currency", 10)?)?;
    let currency = Currency::from_code(&code)
        .ok_or_else(|| data.invalid("currency", "is not a currency that this project knows."))?;
    let unit_amount = data.required("unit_amount", data.integer("unit_amount", 0)?)?;
    let quantity = item.required("quantity", item.integer("quantity", 1)?)?;
    let product = data.required("product_data", data.object("product_data")?)?;
    product.only("description name")?;
    let name = product.required("name", product.text("name", 250)?)?;
    let description = product.text("description", 5_000)?;
    Ok((LineItem { name, description, unit_amount, quantity }, currency))
}
