//! The payment client against the sandbox over a socket.

#![expect(
    clippy::unwrap_used,
    reason = "what a test needs to go on is there, or the test has failed"
)]

use std::time::Duration;

use jiff::SignedDuration;
use openchair::clock::Clock;
use openchair::payments::{
    BareDeposit, NewSession, Payments, RefundRequest, RefundStatus, STRIPE_RETRIES, SecretKey,
    Session, SessionRequest, SessionStatus, StripeClient, StripeError, create_bare_deposit,
};
use openchair::retry::RetryPolicy;
use salon::money::{Currency, Money};
use salon::payment_ui::PaymentUi;
use secrecy::ExposeSecret;
use stand_ins::sandbox::{Sandbox, SandboxOptions, Serving, UiMode};
use tokio::net::TcpListener;

async fn sandbox(requests_per_second: u32) -> Serving {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = SandboxOptions { requests_per_second, ..SandboxOptions::default() };
    Sandbox::start(options, listener).unwrap()
}

fn client(serving: &Serving, policy: RetryPolicy) -> StripeClient {
    let key = SecretKey::new("sk_test_sandbox".into()).unwrap();
    StripeClient::new(&key, serving.url().parse().unwrap(), policy)
}

fn fifty_dollars() -> Money {
    Money::new(5_000, Currency::from_code("usd").unwrap())
}

async fn deposit(client: &StripeClient) -> Result<Session, StripeError> {
    let amount = fifty_dollars();
    let return_url = "https://salon.example/booked";
    let deposit = BareDeposit { amount, product_name: "Deposit", return_url };
    create_bare_deposit(client, &deposit).await
}

#[tokio::test]
async fn a_bare_deposit_can_be_paid() {
    let serving = sandbox(0).await;
    let client = client(&serving, STRIPE_RETRIES);
    client.connect().await;
    let created = deposit(&client).await.unwrap();

    let session = serving.sandbox().session(&created.id).expect("the sandbox knows the session");
    assert_eq!(session.ui_mode, UiMode::Elements);
    assert_eq!(session.total, fifty_dollars());
    assert_eq!(session.payment_method_types, ["card"]);
    let secret = created.client_secret.unwrap();
    let secret = secret.expose_secret();
    assert!(secret.starts_with(&created.id), "{secret}");
    serving.sandbox().pay(&created.id).unwrap();
}

#[tokio::test]
async fn every_deposit_has_its_own_session() {
    let serving = sandbox(0).await;
    let client = client(&serving, STRIPE_RETRIES);
    let (first, second) = tokio::join!(deposit(&client), deposit(&client));
    assert_ne!(first.unwrap().id, second.unwrap().id);
}

#[tokio::test]
async fn requests_over_the_rate_limit_fail_as_busy() {
    let serving = sandbox(1).await;
    let policy = RetryPolicy { attempts: 1, ..STRIPE_RETRIES };
    let client = client(&serving, policy);
    let mut limited = None;
    for _ in 0..50 {
        if let Err(error) = deposit(&client).await {
            limited = Some(error);
            break;
        }
    }
    let error = limited.expect("50 sessions at once are beyond 1 a second");
    assert!(matches!(error, StripeError::RateLimited { .. }), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
}

/// Returns the request for a session that expires after `minutes`.
fn booked(attempt: u32, ui: PaymentUi, minutes: i64) -> SessionRequest {
    let expires_at = Clock::machine().now() + SignedDuration::from_mins(minutes);
    SessionRequest::new(&NewSession {
        booking_id: "b1",
        attempt,
        ui,
        amount: fifty_dollars(),
        product_name: "Deposit",
        return_url: "https://salon.example/booked?booking=b1",
        customer_email: Some("ada@example.com"),
        expires_at,
        message: "This time is kept for you until 10:42 AM.",
        delayed_methods: false,
        only_authorises: false,
    })
}

#[tokio::test]
async fn a_deposit_is_paid_in_each_ui_mode_and_refunded() {
    let serving = sandbox(0).await;
    let client = client(&serving, STRIPE_RETRIES);
    for (attempt, ui) in
        [(1, PaymentUi::Hosted), (2, PaymentUi::Embedded), (3, PaymentUi::Elements)]
    {
        let opened = client.open(&booked(attempt, ui, 35)).await.unwrap();
        assert_eq!(opened.status, SessionStatus::Open);
        assert_eq!((opened.paid, opened.live), (false, false));
        assert_eq!(opened.url.is_some(), ui == PaymentUi::Hosted, "{ui:?}");
        assert_eq!(opened.client_secret.is_some(), ui != PaymentUi::Hosted, "{ui:?}");

        serving.sandbox().pay(&opened.id).unwrap();
        let paid = client.session(&opened.id).await.unwrap();
        assert_eq!(paid.status, SessionStatus::Complete);
        assert!(paid.paid);
        assert_eq!(paid.amount, Some(5_000));
        assert_eq!(paid.booking_id.as_deref(), Some("b1"));

        let payment = paid.payment.expect("a paid session has a payment");
        assert_eq!(client.refunds(&payment).await.unwrap(), []);
        let key = format!("refund-b1-{attempt}");
        let request = RefundRequest {
            booking_id: "b1",
            key: &key,
            payment: &payment,
            amount: fifty_dollars(),
        };
        let refund = client.refund(&request).await.unwrap();
        assert_eq!(refund.status, RefundStatus::Succeeded);
        assert_eq!(refund.booking_id.as_deref(), Some("b1"));
        assert_eq!(client.refund(&request).await.unwrap(), refund, "twice is the same as once");
        assert_eq!(client.refunds(&payment).await.unwrap(), [refund]);
    }
}

#[tokio::test]
async fn the_same_request_returns_the_same_session() {
    let serving = sandbox(0).await;
    let client = client(&serving, STRIPE_RETRIES);
    let request = booked(1, PaymentUi::Elements, 35);
    let first = client.open(&request).await.unwrap();
    assert_eq!(client.open(&request).await.unwrap().id, first.id);

    let other = client.open(&booked(1, PaymentUi::Elements, 36)).await.unwrap_err();
    assert!(matches!(other, StripeError::KeyReused(_)), "{other:?}");
    let next = client.open(&booked(2, PaymentUi::Elements, 36)).await.unwrap();
    assert_ne!(next.id, first.id);
}

#[tokio::test]
async fn a_session_can_be_expired_once_and_not_after_payment() {
    let serving = sandbox(0).await;
    let client = client(&serving, STRIPE_RETRIES);
    let ended = client.open(&booked(1, PaymentUi::Hosted, 35)).await.unwrap();
    assert_eq!(client.expire(&ended.id).await.unwrap().status, SessionStatus::Expired);
    let error = client.expire(&ended.id).await.unwrap_err();
    assert!(matches!(error, StripeError::Rejected(_)), "a call is not a repeat: {error:?}");
    assert_eq!(client.session(&ended.id).await.unwrap().status, SessionStatus::Expired);

    let paid = client.open(&booked(2, PaymentUi::Hosted, 35)).await.unwrap();
    serving.sandbox().pay(&paid.id).unwrap();
    let error = client.expire(&paid.id).await.unwrap_err();
    assert!(matches!(error, StripeError::Rejected(_)), "{error:?}");

    let error = client.session("cs_test_nobody").await.unwrap_err();
    assert!(error.is_missing(), "{error:?}");
}

#[tokio::test]
async fn a_session_that_expires_too_soon_is_refused() {
    let serving = sandbox(0).await;
    let client = client(&serving, STRIPE_RETRIES);
    let error = client.open(&booked(1, PaymentUi::Hosted, 29)).await.unwrap_err();
    let StripeError::Rejected(answer) = &error else {
        panic!("29 minutes are too few: {error:?}");
    };
    assert_eq!(answer.param.as_deref(), Some("expires_at"));
}
