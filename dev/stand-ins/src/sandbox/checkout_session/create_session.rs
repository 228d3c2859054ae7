//! Creates a session and checks its parameters:
//! <https://docs.stripe.com/api/checkout/sessions/create>.

use jiff::{SignedDuration, Timestamp};
use salon::money::{Currency, Money};

use super::{CheckoutSession, LineItem, PaymentStatus, SessionStatus, UiMode, Urls};
use crate::sandbox::api_error::ApiError;
use crate::sandbox::params::{Metadata, Params};
use crate::sandbox::{ids, payment_methods};

const MIN_LIFETIME: SignedDuration = SignedDuration::from_mins(30);
const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
const MAX_LINE_ITEMS: usize = 100;
/// Stripe's maximum: eight digits of minor units.
const MAX_CHARGE: i64 = 99_999_999;

/// Supported parameters, and those that change only the look of Stripe's own page.
const KNOWN: &str = "\
    adaptive_pricing after_expiration allowed_payment_method_types billing_address_collection \
    branding_settings cancel_url client_reference_id consent_collection custom_text \
    customer_creation customer_email excluded_payment_method_types expand expires_at \
    integration_identifier line_items locale metadata mode name_collection origin_context \
    payment_intent_data payment_method_collection permissions phone_number_collection \
    redirect_on_completion return_url saved_payment_method_options submit_type success_url \
    tax_id_collection ui_mode wallet_options";

/// Parameters that would change the amount, the customer or the kind of payment.
const UNSUPPORTED: &str = "\
    allow_promotion_codes automatic_tax currency custom_fields customer customer_account \
    customer_update discounts invoice_creation managed_payments optional_items \
    payment_method_configuration payment_method_data payment_method_options setup_intent_data \
    shipping_address_collection shipping_options subscription_data";

/// Creates an open session from a request. `public_url` is the sandbox's URL for browsers.
pub(in crate::sandbox) fn create(
    params: &Params<'_>,
    now: Timestamp,
    public_url: &str,
) -> Result<CheckoutSession, ApiError> {
    // This version of the API has no `payment_method_types`, so neither list has it.
    params.only(KNOWN, UNSUPPORTED)?;
    match params.one_of("mode", &["payment", "setup", "subscription"])? {
        Some("payment") => {}
        Some(_) => return Err(ApiError::unsupported("mode")),
        None => return Err(ApiError::missing("mode")),
    }
    let ui_mode = params.one_of("ui_mode", &UiMode::WORDS)?;
    let ui_mode = ui_mode.map_or(UiMode::HostedPage, UiMode::from_word);

    let allowed = methods(params, "allowed_payment_method_types")?;
    let excluded = methods(params, "excluded_payment_method_types")?.unwrap_or_default();
    let redirect_on_completion = redirect_on_completion(params, ui_mode)?;
    let may_redirect = payment_methods::may_redirect(allowed.as_deref(), &excluded);
    let urls = urls(params, ui_mode, redirect_on_completion, may_redirect)?;

    let (line_items, total) = line_items(params)?;
    let payment = payment_data(params)?;
    let id = ids::random("cs_test_", 58);
    let secret = || ids::random(&format!("{id}_secret_"), 32);
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
        payment_metadata: payment.metadata,
        payment_description: payment.description,
        receipt_email: payment.receipt_email,
        customer_email: email(params, "customer_email")?,
        payment_method_types: payment_methods::offered(
            total.currency(),
            allowed.as_deref(),
            &excluded,
        )?,
        declines: 0,
        page: format!("{public_url}/pay/{id}"),
        urls,
        client_secret: (ui_mode != UiMode::HostedPage).then(secret),
        redirect_on_completion,
        allowed_payment_method_types: allowed,
        excluded_payment_method_types: excluded,
        customer_creation: params
            .one_of("customer_creation", &["always", "if_required"])?
            .unwrap_or("if_required"),
        locale: params.text("locale", 10)?,
        submit_type: params
            .one_of("submit_type", &["auto", "book", "donate", "pay", "subscribe"])?,
        id,
    })
}

fn methods(params: &Params<'_>, field: &str) -> Result<Option<Vec<String>>, ApiError> {
    let Some(names) = params.texts(field)? else {
        return Ok(None);
    };
    for (i, name) in names.iter().enumerate() {
        if !payment_methods::is_known(name) {
            let message = format!("Stripe has no payment method {name}.");
            return Err(ApiError::invalid(format!("{field}[{i}]"), message));
        }
    }
    Ok(Some(names.into_iter().map(str::to_owned).collect()))
}

fn redirect_on_completion(
    params: &Params<'_>,
    ui_mode: UiMode,
) -> Result<Option<&'static str>, ApiError> {
    let field = "redirect_on_completion";
    let word = params.one_of(field, &["always", "if_required", "never"])?;
    match ui_mode {
        UiMode::EmbeddedPage => Ok(Some(word.unwrap_or("always"))),
        UiMode::HostedPage | UiMode::Elements if word.is_some() => Err(forbidden(field, ui_mode)),
        UiMode::HostedPage | UiMode::Elements => Ok(None),
    }
}

fn urls(
    params: &Params<'_>,
    ui_mode: UiMode,
    redirect_on_completion: Option<&'static str>,
    may_redirect: bool,
) -> Result<Urls, ApiError> {
    let never = redirect_on_completion == Some("never");
    let (required, forbidden_here): (Option<&str>, &[&str]) = match ui_mode {
        UiMode::HostedPage => (Some("success_url"), &["return_url"]),
        UiMode::EmbeddedPage if never => (None, &["success_url", "cancel_url", "return_url"]),
        UiMode::EmbeddedPage => (Some("return_url"), &["success_url", "cancel_url"]),
        UiMode::Elements => (may_redirect.then_some("return_url"), &["success_url", "cancel_url"]),
    };
    if let Some(field) = forbidden_here.iter().find(|field| params.has(field)) {
        return Err(forbidden(field, ui_mode));
    }
    if let Some(field) = required.filter(|field| !params.has(field)) {
        return Err(ApiError::missing(field));
    }
    Ok(Urls {
        success: params.url("success_url")?,
        cancel: params.url("cancel_url")?,
        back: params.url("return_url")?,
    })
}

fn forbidden(field: &str, ui_mode: UiMode) -> ApiError {
    let mode = ui_mode.word();
    let message = format!("{field} cannot be set with these parameters and ui_mode {mode}.");
    ApiError::invalid(field, message)
}

fn expires_at(params: &Params<'_>, now: Timestamp) -> Result<Timestamp, ApiError> {
    let field = "expires_at";
    let Some(seconds) = params.integer(field)? else {
        return Ok(now + MAX_LIFETIME);
    };
    let at = Timestamp::from_second(seconds)
        .map_err(|_| ApiError::invalid(field, "expires_at must be seconds since 1970."))?;
    if at < now + MIN_LIFETIME {
        let message = "expires_at must be at least 30 minutes from now.";
        return Err(ApiError::invalid(field, message));
    }
    if at > now + MAX_LIFETIME {
        let message = "expires_at must be at most 24 hours from now.";
        return Err(ApiError::invalid(field, message));
    }
    Ok(at)
}

fn email(params: &Params<'_>, field: &str) -> Result<Option<String>, ApiError> {
    let email = params.text(field, 800)?;
    let plausible = |email: &str| {
        email.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !host.contains('@')
        }) && !email.contains(char::is_whitespace)
    };
    match email {
        Some(email) if !plausible(&email) => {
            let message = format!("{email} is not an e-mail address.");
            Err(ApiError::invalid(params.name(field), message).coded("email_invalid"))
        }
        email => Ok(email),
    }
}

/// The parameters of the future payment.
#[derive(Default)]
struct PaymentData {
    metadata: Metadata,
    description: Option<String>,
    receipt_email: Option<String>,
}

fn payment_data(params: &Params<'_>) -> Result<PaymentData, ApiError> {
    let Some(data) = params.object("payment_intent_data")? else {
        return Ok(PaymentData::default());
    };
    data.only("description metadata receipt_email statement_descriptor statement_descriptor_suffix", "application_fee_amount capture_method on_behalf_of setup_future_usage shipping transfer_data transfer_group")?;
    Ok(PaymentData {
        metadata: data.metadata("metadata")?,
        description: data.text("description", 1_000)?,
        receipt_email: email(&data, "receipt_email")?,
    })
}

fn line_items(params: &Params<'_>) -> Result<(Vec<LineItem>, Money), ApiError> {
    let field = "line_items";
    let items = params.objects(field)?;
    if items.is_empty() {
        return Err(ApiError::missing(field));
    }
    if items.len() > MAX_LINE_ITEMS {
        let message = format!("A session has at most {MAX_LINE_ITEMS} line items.");
        return Err(ApiError::invalid(field, message));
    }
    let mut currency: Option<Currency> = None;
    let mut total: i64 = 0;
    let mut line_items = Vec::new();
    for item in &items {
        let (line_item, its_currency) = line_item(item)?;
        if *currency.get_or_insert(its_currency) != its_currency {
            let message = "All line items must have the same currency.";
            return Err(ApiError::invalid(field, message));
        }
        total = line_item
            .unit_amount
            .checked_mul(line_item.quantity)
            .and_then(|amount| total.checked_add(amount))
            .unwrap_or(i64::MAX);
        line_items.push(line_item);
    }
    let currency = currency.ok_or_else(|| ApiError::missing(field))?;
    let total = Money::new(total, currency);
    let minimum = currency.minimum_charge();
    if total.amount() < minimum.amount() {
        let message = format!("The total of {total} is under the minimum of {minimum}.");
        return Err(ApiError::malformed(message).coded("amount_too_small"));
    }
    if total.amount() > MAX_CHARGE {
        let message = "The total is over eight digits.";
        return Err(ApiError::malformed(message).coded("amount_too_large"));
    }
    Ok((line_items, total))
}

fn line_item(item: &Params<'_>) -> Result<(LineItem, Currency), ApiError> {
    item.only("metadata price price_data quantity", "adjustable_quantity tax_rates")?;
    if let Some(price) = item.text("price", 5_000)? {
        // The sandbox has no catalog of prices.
        return Err(ApiError::no_such("price", &item.name("price"), &price));
    }
    let Some(data) = item.object("price_data")? else {
        return Err(ApiError::missing(item.name("price_data")));
    };
    data.only(
        "currency product product_data tax_behavior unit_amount",
        "recurring unit_amount_decimal",
    )?;
    let code = required(data.text("currency", 10)?, &data, "currency")?;
    let currency = Currency::from_code(&code).ok_or_else(|| {
        let allowed: Vec<_> = Currency::codes().collect();
        ApiError::not_one_of(data.name("currency"), &allowed)
    })?;
    let unit_amount = required(data.integer("unit_amount")?, &data, "unit_amount")?;
    if unit_amount < 0 {
        let name = data.name("unit_amount");
        let message = format!("{name} must not be negative.");
        return Err(ApiError::invalid(name, message).coded("parameter_invalid_integer"));
    }
    let quantity = required(item.integer("quantity")?, item, "quantity")?;
    if quantity < 1 {
        let name = item.name("quantity");
        let message = format!("{name} must be at least 1.");
        return Err(ApiError::invalid(name, message).coded("parameter_invalid_integer"));
    }
    if let Some(product) = data.text("product", 5_000)? {
        return Err(ApiError::no_such("product", &data.name("product"), &product));
    }
    let Some(product) = data.object("product_data")? else {
        return Err(ApiError::missing(data.name("product_data")));
    };
    product.only("description images metadata name tax_code unit_label", "tax_details")?;
    let line_item = LineItem {
        name: required(product.text("name", 250)?, &product, "name")?,
        description: product.text("description", 5_000)?,
        unit_amount,
        quantity,
        id: ids::random("li_", 24),
        price: ids::random("price_", 24),
        product: ids::random("prod_", 14),
        metadata: item.metadata("metadata")?,
    };
    Ok((line_item, currency))
}

fn required<T>(value: Option<T>, params: &Params<'_>, field: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::missing(params.name(field)))
}
