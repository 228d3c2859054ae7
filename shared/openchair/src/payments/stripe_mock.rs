//! Every request that we make, on the stripe-mock that `STRIPE_MOCK_URL` names.
//!
//! stripe-mock checks requests against Stripe's description of its API. It
//! keeps nothing: its answers are samples.
//! (<https://github.com/stripe/stripe-mock>)

use std::io::Write;
use std::sync::Once;

use stripe_client_core::{RequestBuilder, StripeMethod};

use crate::payments::bare_deposit::bare_deposit;
use crate::payments::{
    BareDeposit, NewSession, Payments, RefundRequest, RetryPolicy, SecretKey, SessionRequest,
    StripeClient, StripeError,
};
use salon::money::{Currency, Money};
use salon::payment_ui::PaymentUi;

/// The field that the API has had since `2026-09-30.endive`, which is ours.
/// stripe-mock 0.203.0 describes `2026-08-26.dahlia`.
const NEWER: &str = "allowed_payment_method_types[0]=card";

/// Returns a client of stripe-mock, or says that there is none.
fn client() -> Option<StripeClient> {
    let Ok(url) = std::env::var("STRIPE_MOCK_URL") else {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            // Past the test harness, which keeps what a passing test prints.
            let line = "Skipped the requests on stripe-mock: STRIPE_MOCK_URL is not set.";
            writeln!(std::io::stderr(), "{line}").unwrap();
        });
        return None;
    };
    let key = SecretKey::new("sk_test_1".into()).unwrap();
    Some(StripeClient::new(&key, url.parse().expect("STRIPE_MOCK_URL"), RetryPolicy::default()))
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
        delayed_methods,
    })
}

/// Sends a form that opens a session.
async fn open(client: &StripeClient, form: &str) -> Result<(), StripeError> {
    let mut request = RequestBuilder::new(StripeMethod::Post, "/checkout/sessions");
    request.body = Some(form.to_owned());
    client.post(request, "checkout-b1-1").await.map(drop)
}

/// Checks that stripe-mock takes all of a form but the newer field: that it
/// takes the form without it, and nothing of the form is wrong but it.
async fn takes_all_but_the_newer_field(client: &StripeClient, form: &str) {
    let older: Vec<_> = form.split('&').filter(|&field| field != NEWER).collect();
    assert_eq!(older.len() + 1, form.split('&').count(), "one field is newer: {form}");
    open(client, &older.join("&")).await.expect("stripe-mock takes the older fields");
    let refusal = open(client, form).await;
    let Err(StripeError::Rejected(answer)) = &refusal else {
        panic!("a stripe-mock that knows the newer field needs no exception: {refusal:?}");
    };
    assert_eq!((answer.status, answer.kind.as_deref()), (400, Some("invalid_request_error")));
}

#[tokio::test]
async fn stripe_mock_takes_every_request_that_we_make() {
    let Some(client) = client() else { return };

    let return_url = "https://salon.example/booked";
    let bare = BareDeposit { amount: fifty_dollars(), product_name: "Deposit", return_url };
    takes_all_but_the_newer_field(&client, bare_deposit(&bare).form()).await;
    for ui in [PaymentUi::Hosted, PaymentUi::Embedded, PaymentUi::Elements] {
        takes_all_but_the_newer_field(&client, deposit(ui, false).form()).await;
        client.open(&deposit(ui, true)).await.expect("a session opens");
    }

    client.session("cs_test_1").await.expect("a session is read");
    client.expire("cs_test_1").await.expect("a session ends");
    client.refunds("pi_1").await.expect("refunds are listed");
    let amount = fifty_dollars();
    let refund = RefundRequest { booking_id: "b1", attempt: 1, payment: "pi_1", amount };
    client.refund(&refund).await.expect("a payment is refunded");
}

#[tokio::test]
async fn stripe_mock_refuses_what_stripe_does_not_have() {
    let Some(client) = client() else { return };
    let form = deposit(PaymentUi::Hosted, true).form().to_owned();
    for (field, strange) in [
        ("ui_mode=hosted_page", "ui_mode=page"),
        ("mode=payment", "mode=payment&colour=red"),
        ("expires_at=1795516500", "expires_at=soon"),
    ] {
        assert!(form.contains(field), "{form}");
        let refusal = open(&client, &form.replace(field, strange)).await;
        assert!(matches!(refusal, Err(StripeError::Rejected(_))), "{strange}: {refusal:?}");
    }
}
