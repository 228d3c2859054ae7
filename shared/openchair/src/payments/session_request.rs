//! Opening a session for a booking's deposit.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAllowedPaymentMethodTypes as AllowedMethod,
    CreateCheckoutSessionLineItems as LineItem,
    CreateCheckoutSessionLineItemsPriceData as PriceData,
    CreateCheckoutSessionPaymentIntentData as PaymentIntentData, ProductData,
};
use stripe_client_core::StripeRequest;
use stripe_shared::{CheckoutSessionMode, CheckoutSessionUiMode};

use crate::payments::stripe_metadata::BOOKING_ID;
use salon::booking::Checkout;
use salon::money::Money;
use salon::payment_ui::PaymentUi;

/// What a session is opened for.
#[derive(Clone, Copy)]
pub struct NewSession<'a> {
    /// The booking that is paid for. Stripe returns it with the session, its
    /// payment and its refunds.
    pub booking_id: &'a str,
    /// The number of the attempt, counted from 1. A next one may be made only
    /// where Stripe's answer proves that the one before created nothing.
    pub attempt: u32,
    /// The page on which the client pays.
    pub ui: PaymentUi,
    /// What is charged.
    pub amount: Money,
    /// What the client reads next to the amount.
    pub product_name: &'a str,
    /// The page that Stripe returns to, with the booking id in it.
    pub return_url: &'a str,
    /// Where Stripe sends the receipt.
    pub customer_email: Option<&'a str>,
    /// Until when the session can be paid: Stripe takes 30 minutes to 24 hours
    /// from its creation. Cut to the second.
    pub expires_at: Timestamp,
    /// Whether to offer payment methods too that take days to settle.
    pub delayed_methods: bool,
}

/// A request to open a session, as it is sent.
///
/// It is kept with the booking, so that a repeat is the same to the byte, by
/// another version of this code too: other parameters under the same key are
/// an error at Stripe.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRequest {
    key: String,
    form: String,
}

impl SessionRequest {
    /// Builds the request.
    #[must_use]
    pub fn new(session: &NewSession<'_>) -> Self {
        let form = create(session).build().body.unwrap_or_default();
        Self { key: format!("checkout-{}-{}", session.booking_id, session.attempt), form }
    }

    /// Restores a request from what was kept of it.
    #[must_use]
    pub const fn from_parts(key: String, form: String) -> Self {
        Self { key, form }
    }

    /// Returns the idempotency key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the form, encoded. The client's e-mail address is in it.
    #[must_use]
    pub fn form(&self) -> &str {
        &self.form
    }
}

/// The request that opens the session of a booking, exactly as it was first sent.
impl From<&Checkout> for SessionRequest {
    fn from(checkout: &Checkout) -> Self {
        Self::from_parts(checkout.idempotency_key.clone(), checkout.form.clone())
    }
}

/// Shows the key only: the form is personal.
impl fmt::Debug for SessionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRequest").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Without a list of payment methods Stripe offers those that the account has
/// switched on (<https://docs.stripe.com/payments/payment-methods/dynamic-payment-methods>).
fn create(session: &NewSession<'_>) -> CreateCheckoutSession {
    let booking = || HashMap::from([(BOOKING_ID.to_owned(), session.booking_id.to_owned())]);
    let mut payment = PaymentIntentData::new();
    payment.metadata = Some(booking());
    let mut request = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .client_reference_id(session.booking_id)
        .metadata(booking())
        .payment_intent_data(payment)
        .line_items([line_item(session.amount, session.product_name)])
        .expires_at(session.expires_at.as_second());
    if !session.delayed_methods {
        request = request.allowed_payment_method_types(cards_and_wallets());
    }
    if let Some(email) = session.customer_email {
        request = request.customer_email(email);
    }
    match session.ui {
        PaymentUi::Hosted => request
            .ui_mode(CheckoutSessionUiMode::HostedPage)
            .success_url(session.return_url)
            .cancel_url(session.return_url),
        PaymentUi::Embedded => {
            request.ui_mode(CheckoutSessionUiMode::EmbeddedPage).return_url(session.return_url)
        }
        PaymentUi::Elements => {
            request.ui_mode(CheckoutSessionUiMode::Elements).return_url(session.return_url)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::form;
    use salon::money::Currency;

    const RETURN_URL: &str = "https://salon.example/booked?booking=b1";

    fn deposit(ui: PaymentUi) -> NewSession<'static> {
        NewSession {
            booking_id: "b1",
            attempt: 1,
            ui,
            amount: Money::new(5_000, Currency::from_code("usd").unwrap()),
            product_name: "Deposit, Müller & Søn",
            return_url: RETURN_URL,
            customer_email: None,
            expires_at: "2026-11-24T10:35:00.9Z".parse().unwrap(),
            delayed_methods: false,
        }
    }

    /// Returns the fields of a session by card, and those given.
    fn by_card(more: &[(&str, &str)]) -> Vec<(String, String)> {
        let usual = [
            ("allowed_payment_method_types[0]", "card"),
            ("client_reference_id", "b1"),
            ("expires_at", "1795516500"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][product_data][name]", "Deposit, Müller & Søn"),
            ("line_items[0][price_data][unit_amount]", "5000"),
            ("line_items[0][quantity]", "1"),
            ("metadata[booking_id]", "b1"),
            ("mode", "payment"),
            ("payment_intent_data[metadata][booking_id]", "b1"),
        ];
        form::expected(&[&usual, more].concat())
    }

    #[test]
    fn every_page_to_pay_on_has_its_fields() {
        let cases: &[(PaymentUi, &[(&str, &str)])] = &[
            (
                PaymentUi::Hosted,
                &[
                    ("ui_mode", "hosted_page"),
                    ("success_url", RETURN_URL),
                    ("cancel_url", RETURN_URL),
                ],
            ),
            (PaymentUi::Embedded, &[("ui_mode", "embedded_page"), ("return_url", RETURN_URL)]),
            (PaymentUi::Elements, &[("ui_mode", "elements"), ("return_url", RETURN_URL)]),
        ];
        for &(ui, more) in cases {
            let request = SessionRequest::new(&deposit(ui));
            assert_eq!(form::fields(request.form()), by_card(more), "{ui:?}");
        }
    }

    #[test]
    fn an_address_for_the_receipt_is_sent_where_there_is_one() {
        let session = NewSession {
            customer_email: Some("ada+1@example.com"),
            ..deposit(PaymentUi::Elements)
        };
        let expected = by_card(&[
            ("ui_mode", "elements"),
            ("return_url", RETURN_URL),
            ("customer_email", "ada+1@example.com"),
        ]);
        assert_eq!(form::fields(SessionRequest::new(&session).form()), expected);
    }

    #[test]
    fn a_salon_that_takes_delayed_methods_leaves_the_choice_to_its_account() {
        let session = NewSession { delayed_methods: true, ..deposit(PaymentUi::Elements) };
        let mut expected = by_card(&[("ui_mode", "elements"), ("return_url", RETURN_URL)]);
        expected.retain(|(name, _)| name != "allowed_payment_method_types[0]");
        assert_eq!(form::fields(SessionRequest::new(&session).form()), expected);
    }

    #[test]
    fn the_key_names_the_booking_and_the_attempt() {
        let session = NewSession { attempt: 2, ..deposit(PaymentUi::Hosted) };
        assert_eq!(SessionRequest::new(&session).key(), "checkout-b1-2");
    }

    #[test]
    fn a_request_is_the_same_whenever_it_is_built_and_after_it_was_kept() {
        let session =
            NewSession { customer_email: Some("ada@example.com"), ..deposit(PaymentUi::Hosted) };
        let request = SessionRequest::new(&session);
        assert_eq!(SessionRequest::new(&session), request);
        let kept = (request.key().to_owned(), request.form().to_owned());
        assert_eq!(SessionRequest::from_parts(kept.0, kept.1), request);
    }

    #[test]
    fn a_request_is_shown_without_its_form() {
        let session =
            NewSession { customer_email: Some("ada@example.com"), ..deposit(PaymentUi::Hosted) };
        let shown = format!("{:?}", SessionRequest::new(&session));
        assert_eq!(shown, r#"SessionRequest { key: "checkout-b1-1", .. }"#);
    }
}
