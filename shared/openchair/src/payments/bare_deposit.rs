//! A deposit without a booking.

use stripe_checkout::checkout_session::CreateCheckoutSession;
use stripe_client_core::StripeRequest;
use stripe_shared::{CheckoutSessionMode, CheckoutSessionUiMode};

use crate::payments::session_request::{SessionRequest, cards_and_wallets, line_item};
use crate::payments::stripe_api::Payments;
use crate::payments::stripe_client::{StripeClient, random_key};
use crate::payments::stripe_error::StripeError;
use crate::payments::stripe_session::Session;
use salon::money::Money;

/// A deposit without a booking: nothing is reserved.
#[derive(Clone, Copy, Debug)]
pub struct BareDeposit<'a> {
    pub amount: Money,
    /// The text next to the amount.
    pub product_name: &'a str,
    /// The page to which a redirecting payment method returns.
    pub return_url: &'a str,
}

/// Creates a session for a deposit on the salon's own page. The session has a
/// client secret.
///
/// Every call creates a new session: the idempotency key is random, and covers
/// only the retries within the call.
///
/// # Errors
/// See [`StripeError`].
pub async fn create_bare_deposit(
    client: &StripeClient,
    deposit: &BareDeposit<'_>,
) -> Result<Session, StripeError> {
    let session = client.open(&bare_deposit(deposit)).await?;
    if session.client_secret.is_none() {
        let reason = format!("session {} has no client secret", session.id);
        return Err(StripeError::Unreadable { reason });
    }
    Ok(session)
}

/// Builds the request for a bare deposit.
///
/// Stripe requires the return URL in this mode if a payment method may redirect
/// (<https://docs.stripe.com/api/checkout/sessions/create>). Without an expiry
/// the session is open for 24 hours.
pub(super) fn bare_deposit(deposit: &BareDeposit<'_>) -> SessionRequest {
    let request = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .ui_mode(CheckoutSessionUiMode::Elements)
        .allowed_payment_method_types(cards_and_wallets())
        .line_items([line_item(deposit.amount, deposit.product_name)])
        .return_url(deposit.return_url);
    let form = request.build().body.unwrap_or_default();
    SessionRequest::from_parts(random_key("deposit"), form)
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret, SecretString};

    use super::*;
    use crate::payments::{STRIPE_RETRIES, SecretKey, form};
    use salon::money::Currency;
    use testing::misbehaving_server::{MisbehavingServer, answer};

    fn deposit(code: &str, amount: i64) -> BareDeposit<'static> {
        let currency = Currency::from_code(code).unwrap();
        BareDeposit {
            amount: Money::new(amount, currency),
            product_name: "Deposit, Müller & Søn",
            return_url: "https://salon.example/booked?from=checkout",
        }
    }

    #[test]
    fn a_bare_deposit_has_one_item_paid_by_card_on_our_own_page() {
        let fields = form::fields(bare_deposit(&deposit("usd", 5_000)).form());
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
        assert_eq!(fields, form::expected(&expected));
    }

    /// Creates a bare deposit on a server that returns a session.
    async fn create(client_secret: &str) -> Result<Session, StripeError> {
        let session = format!(
            r#"{{"id": "cs_test_1", "status": "open", "payment_status": "unpaid",
                "client_secret": {client_secret}, "livemode": false, "expires_at": 1795564800}}"#
        );
        let server = MisbehavingServer::start(&[answer(200, &[], &session)]).await;
        let key = SecretKey::new(SecretString::from("sk_test_1")).unwrap();
        let base = server.base().parse().unwrap();
        let client = StripeClient::new(&key, base, STRIPE_RETRIES);
        create_bare_deposit(&client, &deposit("usd", 5_000)).await
    }

    #[tokio::test]
    async fn a_created_session_has_an_id_and_a_client_secret() {
        let session = create(r#""cs_test_1_secret_2""#).await.unwrap();
        assert_eq!(session.id, "cs_test_1");
        let secret = session.client_secret.unwrap();
        assert_eq!(secret.expose_secret(), "cs_test_1_secret_2");
    }

    #[tokio::test]
    async fn a_session_without_a_client_secret_is_an_error() {
        let error = create("null").await.unwrap_err();
        assert!(matches!(error, StripeError::Unreadable { .. }), "{error:?}");
    }

    #[test]
    fn every_currency_is_sent_by_its_code() {
        for code in Currency::codes() {
            let fields = form::fields(bare_deposit(&deposit(code, 5_000)).form());
            let sent = fields.iter().find(|(name, _)| name.ends_with("[currency]"));
            assert_eq!(sent.map(|(_, value)| value.as_str()), Some(code));
        }
    }

    #[test]
    fn no_two_requests_share_an_idempotency_key() {
        let request = || bare_deposit(&deposit("usd", 5_000));
        let (first, second) = (request(), request());
        assert_eq!(first.form(), second.form());
        assert_ne!(first.key(), second.key());
        assert_eq!(first.key().len(), "deposit-".len() + 32);
    }
}
