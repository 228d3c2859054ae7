//! Opening a session for a booking's deposit.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionPaymentIntentData as PaymentIntentData,
};
use stripe_client_core::StripeRequest;
use stripe_shared::{CheckoutSessionMode, CheckoutSessionUiMode};

use crate::domain::money::Money;
use crate::domain::payment::Ui;
use crate::payments::checkout_session::{cards_and_wallets, line_item};
use crate::payments::metadata::BOOKING_ID;

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
    pub ui: Ui,
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
        Ui::Hosted => request
            .ui_mode(CheckoutSessionUiMode::HostedPage)
            .success_url(session.return_url)
            .cancel_url(session.return_url),
        Ui::Embedded => {
            request.ui_mode(CheckoutSessionUiMode::EmbeddedPage).return_url(session.return_url)
        }
        Ui::Elements => {
            request.ui_mode(CheckoutSessionUiMode::Elements).return_url(session.return_url)
        }
    }
}
