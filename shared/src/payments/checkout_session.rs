//! Checkout sessions: Stripe's name for one visit to pay.

use std::fmt;

use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAllowedPaymentMethodTypes as AllowedMethod,
    CreateCheckoutSessionLineItems as LineItem,
    CreateCheckoutSessionLineItemsPriceData as PriceData, ProductData,
};
use stripe_client_core::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_shared::{CheckoutSession, CheckoutSessionMode, CheckoutSessionUiMode};

use crate::domain::money::Money;
use crate::payments::client::Client;
use crate::payments::error::StripeError;

/// A deposit that reserves nothing.
#[derive(Clone, Copy, Debug)]
pub struct BareDeposit<'a> {
    /// What is charged.
    pub amount: Money,
    /// What the client reads next to the amount.
    pub product_name: &'a str,
    /// The page that a payment method leads back to.
    pub return_url: &'a str,
}

/// A session that Stripe has created.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedSession {
    /// Stripe's id: `cs_…`.
    pub id: String,
    /// What the page needs to take the payment itself. It belongs to the
    /// client and to no log.
    pub client_secret: Option<String>,
    /// Stripe's own page for the payment.
    pub url: Option<String>,
}

/// Creates a session that takes a deposit in the salon's own page.
///
/// Every call makes a new session: its idempotency key is random, and covers
/// the repeats within this call only.
///
/// # Errors
/// See [`StripeError`].
pub async fn create_bare_deposit(
    client: &Client,
    deposit: &BareDeposit<'_>,
) -> Result<CreatedSession, StripeError> {
    let session = bare_deposit(deposit)
        .customize()
        .request_strategy(RequestStrategy::Idempotent(random_key("deposit")))
        .send(client)
        .await?;
    let session = CreatedSession::from(session);
    if session.client_secret.is_none() {
        let reason = format!("session {} has no client secret", session.id);
        return Err(StripeError::Unreadable { reason });
    }
    Ok(session)
}

/// Builds the request for a bare deposit.
///
/// Stripe documents the return URL as required in this mode where a payment
/// method may redirect, and ignores none elsewhere
/// (<https://docs.stripe.com/api/checkout/sessions/create>). Without an expiry
/// the session is open for 24 hours.
pub(super) fn bare_deposit(deposit: &BareDeposit<'_>) -> CreateCheckoutSession {
    CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .ui_mode(CheckoutSessionUiMode::Elements)
        .allowed_payment_method_types(cards_and_wallets())
        .line_items([line_item(deposit.amount, deposit.product_name)])
        .return_url(deposit.return_url)
}

/// Lists the payment methods that are settled at once.
///
/// Apple Pay and Google Pay are cards to Stripe. The list replaces
/// `payment_method_types`, which this version of the API refuses
/// (<https://docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions>).
pub(super) fn cards_and_wallets() -> [AllowedMethod; 1] {
    [AllowedMethod::Card]
}

pub(super) fn line_item(amount: Money, product_name: &str) -> LineItem {
    let Ok(currency) = amount.currency().code().parse();
    let price = PriceData {
        currency,
        product: None,
        product_data: Some(ProductData::new(product_name)),
        recurring: None,
        tax_behavior: None,
        unit_amount: Some(amount.amount()),
        unit_amount_decimal: None,
    };
    let mut item = LineItem::new();
    item.price_data = Some(price);
    item.quantity = Some(1);
    item
}

/// Makes an idempotency key that nobody has used: 128 random bits.
///
/// From the operating system's generator, as the TLS library uses it. A
/// generator seeded from the clock could draw the same key in two containers,
/// and Stripe would hand one client's session to another.
pub(super) fn random_key(operation: &str) -> IdempotencyKey {
    let mut bytes = [0; 16];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .expect("the operating system has random bytes");
    let key = format!("{operation}-{:032x}", u128::from_be_bytes(bytes));
    IdempotencyKey::new(key).expect("the key is shorter than 255 characters")
}

impl From<CheckoutSession> for CreatedSession {
    fn from(session: CheckoutSession) -> Self {
        Self { id: session.id.to_string(), client_secret: session.client_secret, url: session.url }
    }
}

/// Shows the id, and neither secret nor address.
impl fmt::Debug for CreatedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedSession").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::domain::money::Currency;
    use crate::misbehaving_server::{MisbehavingServer, answer};
    use crate::payments::{RetryPolicy, SecretKey, form};

    fn deposit(code: &str, amount: i64) -> BareDeposit<'static> {
        let currency = Currency::from_code(code).unwrap();
        BareDeposit {
            amount: Money::new(amount, currency),
            product_name: "Deposit, Müller & Søn",
            return_url: "https://salon.example/booked?from=checkout",
        }
    }

    /// Returns the form's fields, decoded and sorted.
    fn fields(request: &CreateCheckoutSession) -> Vec<(String, String)> {
        form::fields(&request.build().body.unwrap())
    }

    #[test]
    fn a_bare_deposit_asks_for_one_item_by_card_in_our_own_page() {
        let fields = fields(&bare_deposit(&deposit("usd", 5_000)));
        let expected = [
            ("allowed_payment_method_types[0]", "card"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][product_data][name]", "Deposit, Müller & Søn"),
            ("line_items[0][price_data][unit_amount]", "5000"),
            ("line_items[0][quantity]", "1"),
            ("mode", "payment"),
            ("return_url", "https://salon.example/booked?from=checkout"),
            ("ui_mode", "elements"),
        ];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    /// Creates a bare deposit at a server that answers with a session.
    async fn create(client_secret: &str) -> Result<CreatedSession, StripeError> {
        let session = format!(
            r#"{{"id": "cs_test_1", "object": "checkout.session", "client_secret": {client_secret},
                "automatic_tax": {{"enabled": false, "liability": null, "status": null}},
                "created": 1795478400, "expires_at": 1795564800, "custom_fields": [],
                "custom_text": {{}}, "livemode": false, "mode": "payment",
                "payment_method_types": ["card"], "payment_status": "unpaid",
                "shipping_options": [], "ui_mode": "elements", "url": null}}"#
        );
        let server = MisbehavingServer::start(&[answer(200, &[], &session)]).await;
        let key = SecretKey::new(SecretString::from("sk_test_1")).unwrap();
        let base = server.base().parse().unwrap();
        let client = Client::new(&key, base, RetryPolicy::default());
        create_bare_deposit(&client, &deposit("usd", 5_000)).await
    }

    #[tokio::test]
    async fn a_created_session_brings_its_id_and_client_secret() {
        let session = create(r#""cs_test_1_secret_2""#).await.unwrap();
        assert_eq!(session.id, "cs_test_1");
        assert_eq!(session.client_secret.as_deref(), Some("cs_test_1_secret_2"));
        assert_eq!(session.url, None);
    }

    #[tokio::test]
    async fn a_session_without_a_client_secret_is_of_no_use_to_the_page() {
        let error = create("null").await.unwrap_err();
        assert!(matches!(error, StripeError::Unreadable { .. }), "{error:?}");
    }

    #[test]
    fn every_currency_reaches_stripe_under_its_code() {
        for code in Currency::codes() {
            let fields = fields(&bare_deposit(&deposit(code, 5_000)));
            let sent = fields.iter().find(|(name, _)| name.ends_with("[currency]"));
            assert_eq!(sent.map(|(_, value)| value.as_str()), Some(code));
        }
    }

    #[test]
    fn no_two_requests_share_an_idempotency_key() {
        let (first, second) = (random_key("deposit"), random_key("deposit"));
        assert_ne!(first, second);
        assert_eq!(first.as_str().len(), "deposit-".len() + 32);
    }

    #[test]
    fn a_session_is_shown_without_its_secret() {
        let session = CreatedSession {
            id: "cs_test_1".to_owned(),
            client_secret: Some("cs_test_1_secret_hidden".to_owned()),
            url: Some("https://checkout.stripe.com/c/pay/hidden".to_owned()),
        };
        assert_eq!(format!("{session:?}"), "CreatedSession { id: \"cs_test_1\", .. }");
    }
}
