//! Every request that we send, checked by stripe-mock at `STRIPE_MOCK_URL`.
//!
//! stripe-mock validates requests against Stripe's API description. It stores
//! nothing, and returns samples.
//! (<https://github.com/stripe/stripe-mock>)

use std::io::Write;
use std::sync::Once;

use stripe_client_core::{RequestBuilder, StripeMethod};

use crate::payments::bare_deposit::bare_deposit;
use crate::payments::{
    BareDeposit, NewSession, Payments, RefundRequest, STRIPE_RETRIES, SecretKey, SessionRequest,
    StripeClient, StripeError,
};
use salon::money::{Currency, Money};
use salon::payment_ui::PaymentUi;

/// A field of API version `2026-09-30.endive`, which we use. stripe-mock 0.203.0
/// only knows `2026-08-26.dahlia`.
const NEWER_FIELD: &str = "allowed_payment_method_types[0]=card";

/// Returns a client of stripe-mock. Without one, prints that the tests are skipped.
fn client() -> Option<StripeClient> {
    let Ok(url) = std::env::var("STRIPE_MOCK_URL") else {
        static PRINTED: Once = Once::new();
        PRINTED.call_once(|| {
            // Not `eprintln!`, which the test harness captures.
            let line = "Skipped the requests on stripe-mock: STRIPE_MOCK_URL is not set.";
            writeln!(std::io::stderr(), "{line}").unwrap();
        });
        return None;
    };
    let key = SecretKey::new("sk_test_1".into()).unwrap();
    Some(StripeClient::new(&key, url.parse().expect("STRIPE_MOCK_URL"), STRIPE_RETRIES))
}

fn fifty_dollars() -> Money {
    Money::new(5_000, Currency::from_code("usd").unwrap())
}

fn deposit(ui: PaymentUi, delayed_methods: bool) -> SessionRequest {
    SessionRequest::new(&NewSession {
        booking_id: "b1",
        attempt: 1,
        ui,
        amount: fifty_dollars(),
        product_name: "Deposit, Müller & Søn",
        return_url: "https://salon.example/booked?booking=b1",
        customer_email: Some("ada@example.com"),
        expires_at: "2026-11-24T10:35:00Z".parse().unwrap(),
        message: "This time is kept for you until 10:42 AM.",
        delayed_methods,
        only_authorises: false,
    })
}

/// Opens a session with an encoded form.
async fn open(client: &StripeClient, form: &str) -> Result<(), StripeError> {
    let mut request = RequestBuilder::new(StripeMethod::Post, "/checkout/sessions");
    request.body = Some(form.to_owned());
    client.post(request, "checkout-b1-1").await.map(drop)
}

/// Asserts that stripe-mock accepts a form without the newer field, and rejects it
/// with the field.
async fn assert_only_the_newer_field_is_rejected(client: &StripeClient, form: &str) {
    let older: Vec<_> = form.split('&').filter(|&field| field != NEWER_FIELD).collect();
    assert_eq!(older.len() + 1, form.split('&').count(), "the form has the newer field: {form}");
    open(client, &older.join("&")).await.expect("stripe-mock accepts the older fields");
    let rejection = open(client, form).await;
    let Err(StripeError::Rejected(details)) = &rejection else {
        panic!("a stripe-mock that knows the newer field needs no exception: {rejection:?}");
    };
    assert_eq!((details.status, details.kind.as_deref()), (400, Some("invalid_request_error")));
}

#[tokio::test]
async fn stripe_mock_accepts_every_request() {
    let Some(client) = client() else { return };

    let return_url = "https://salon.example/booked";
    let bare = BareDeposit { amount: fifty_dollars(), product_name: "Deposit", return_url };
    assert_only_the_newer_field_is_rejected(&client, bare_deposit(&bare).form()).await;
    for ui in [PaymentUi::Hosted, PaymentUi::Embedded, PaymentUi::Elements] {
        assert_only_the_newer_field_is_rejected(&client, deposit(ui, false).form()).await;
        client.open(&deposit(ui, true)).await.expect("a session opens");
    }

    client.session("cs_test_1").await.expect("a session is read");
    client.expire("cs_test_1").await.expect("a session is expired");
    client.refunds("pi_1").await.expect("refunds are listed");
    let amount = fifty_dollars();
    let refund = RefundRequest { booking_id: "b1", key: "refund-b1-1", payment: "pi_1", amount };
    client.refund(&refund).await.expect("a payment is refunded");
}

#[tokio::test]
async fn stripe_mock_rejects_unknown_fields_and_values() {
    let Some(client) = client() else { return };
    let form = deposit(PaymentUi::Hosted, true).form().to_owned();
    for (field, invalid) in [
        ("ui_mode=hosted_page", "ui_mode=page"),
        ("mode=payment", "mode=payment&colour=red"),
        ("expires_at=1795516500", "expires_at=soon"),
    ] {
        assert!(form.contains(field), "{form}");
        let rejection = open(&client, &form.replace(field, invalid)).await;
        assert!(matches!(rejection, Err(StripeError::Rejected(_))), "{invalid}: {rejection:?}");
    }
}
