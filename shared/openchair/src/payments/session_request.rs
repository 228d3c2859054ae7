//! The request that opens a session for a booking's deposit.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAdaptivePricing as AdaptivePricing,
    CreateCheckoutSessionAllowedPaymentMethodTypes as AllowedMethod,
    CreateCheckoutSessionCustomText as CustomText, CreateCheckoutSessionLineItems as LineItem,
    CreateCheckoutSessionLineItemsPriceData as PriceData,
    CreateCheckoutSessionPaymentIntentData as PaymentIntentData,
    CreateCheckoutSessionPaymentIntentDataCaptureMethod as CaptureMethod, CustomTextPositionParam,
    ProductData,
};
use stripe_client_core::StripeRequest;
use stripe_shared::{CheckoutSessionMode, CheckoutSessionUiMode};

use crate::payments::stripe_metadata::BOOKING_ID;
use salon::booking::Checkout;
use salon::money::Money;
use salon::payment_ui::PaymentUi;

/// The parameters of a new session.
#[derive(Clone, Copy)]
pub struct NewSession<'a> {
    /// The booking. Stripe returns its id with the session, the payment and the
    /// refunds.
    pub booking_id: &'a str,
    /// The number of the attempt, counted from 1. The next number may be used only
    /// when Stripe's response proves that the previous attempt created nothing.
    pub attempt: u32,
    /// The page on which the client pays.
    pub ui: PaymentUi,
    pub amount: Money,
    /// The text next to the amount.
    pub product_name: &'a str,
    /// The page to which Stripe returns. It contains the booking id.
    pub return_url: &'a str,
    /// The address for the receipt.
    pub customer_email: Option<&'a str>,
    /// The end of the time to pay, truncated to a second. Stripe allows 30 minutes
    /// to 24 hours after creation.
    pub expires_at: Timestamp,
    /// A sentence beside the button.
    pub message: &'a str,
    /// Whether to offer payment methods that take days to settle.
    pub delayed_methods: bool,
    /// Whether the payment is only authorised, to be collected later.
    pub only_authorises: bool,
}

/// A request to open a session, as it is sent.
///
/// It is stored with the booking, so that every repeat is identical, even by
/// another version of this code: Stripe rejects other parameters under the same
/// key.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRequest {
    key: String,
    form: String,
}

impl SessionRequest {
    /// Builds the request.
    #[must_use]
    pub fn new(session: &NewSession<'_>) -> Self {
        let form = build_request(session).build().body.unwrap_or_default();
        Self { key: format!("checkout-{}-{}", session.booking_id, session.attempt), form }
    }

    /// Restores a stored request.
    #[must_use]
    pub const fn from_parts(key: String, form: String) -> Self {
        Self { key, form }
    }

    /// Returns the idempotency key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the encoded form. It contains the client's e-mail address.
    #[must_use]
    pub fn form(&self) -> &str {
        &self.form
    }
}

/// Returns the request exactly as it was first sent.
impl From<&Checkout> for SessionRequest {
    fn from(checkout: &Checkout) -> Self {
        Self::from_parts(checkout.idempotency_key.clone(), checkout.form.clone())
    }
}

/// Hides the form, which contains personal data.
impl fmt::Debug for SessionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRequest").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Builds the request. Without a list of payment methods Stripe offers those that
/// are enabled in the account (<https://docs.stripe.com/payments/payment-methods/dynamic-payment-methods>).
fn build_request(session: &NewSession<'_>) -> CreateCheckoutSession {
    let booking = || HashMap::from([(BOOKING_ID.to_owned(), session.booking_id.to_owned())]);
    let mut payment = PaymentIntentData::new();
    payment.metadata = Some(booking());
    if session.only_authorises {
        payment.capture_method = Some(CaptureMethod::Manual);
    }
    let mut custom_text = CustomText::new();
    custom_text.submit = Some(CustomTextPositionParam::new(session.message));
    let mut request = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .client_reference_id(session.booking_id)
        .metadata(booking())
        .payment_intent_data(payment)
        .line_items([line_item(session.amount, session.product_name)])
        .expires_at(session.expires_at.as_second())
        .custom_text(custom_text)
        // A deposit is compared with what was paid, so it has one amount and currency.
        .adaptive_pricing(AdaptivePricing { enabled: Some(false) });
    if !session.delayed_methods || session.only_authorises {
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

/// Returns the payment methods that settle at once.
///
/// Stripe treats Apple Pay and Google Pay as cards. The list replaces
/// `payment_method_types`, which this version of the API rejects
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
            message: "This time is kept for you until 10:42 AM.",
            delayed_methods: false,
            only_authorises: false,
        }
    }

    /// Returns the fields of a session paid by card, and the given ones.
    fn by_card(more: &[(&str, &str)]) -> Vec<(String, String)> {
        let usual = [
            ("adaptive_pricing[enabled]", "false"),
            ("allowed_payment_method_types[0]", "card"),
            ("client_reference_id", "b1"),
            ("custom_text[submit][message]", "This time is kept for you until 10:42 AM."),
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
    fn every_payment_ui_has_its_fields() {
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
    fn a_customers_email_address_is_sent() {
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
    fn delayed_methods_leave_the_choice_of_methods_to_the_account() {
        let session = NewSession { delayed_methods: true, ..deposit(PaymentUi::Elements) };
        let mut expected = by_card(&[("ui_mode", "elements"), ("return_url", RETURN_URL)]);
        expected.retain(|(name, _)| name != "allowed_payment_method_types[0]");
        assert_eq!(form::fields(SessionRequest::new(&session).form()), expected);
    }

    #[test]
    fn a_payment_that_is_only_authorised_takes_no_delayed_methods() {
        let session = NewSession {
            delayed_methods: true,
            only_authorises: true,
            ..deposit(PaymentUi::Elements)
        };
        let expected = by_card(&[
            ("ui_mode", "elements"),
            ("return_url", RETURN_URL),
            ("payment_intent_data[capture_method]", "manual"),
        ]);
        assert_eq!(form::fields(SessionRequest::new(&session).form()), expected);
    }

    #[test]
    fn the_key_contains_the_booking_and_the_attempt() {
        let session = NewSession { attempt: 2, ..deposit(PaymentUi::Hosted) };
        assert_eq!(SessionRequest::new(&session).key(), "checkout-b1-2");
    }

    #[test]
    fn a_request_is_the_same_when_rebuilt_or_restored() {
        let session =
            NewSession { customer_email: Some("ada@example.com"), ..deposit(PaymentUi::Hosted) };
        let request = SessionRequest::new(&session);
        assert_eq!(SessionRequest::new(&session), request);
        let kept = (request.key().to_owned(), request.form().to_owned());
        assert_eq!(SessionRequest::from_parts(kept.0, kept.1), request);
    }

    #[test]
    fn a_request_is_printed_without_its_form() {
        let session =
            NewSession { customer_email: Some("ada@example.com"), ..deposit(PaymentUi::Hosted) };
        let shown = format!("{:?}", SessionRequest::new(&session));
        assert_eq!(shown, r#"SessionRequest { key: "checkout-b1-1", .. }"#);
    }
}
