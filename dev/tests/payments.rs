//! The payment client against the sandbox, over a socket.

#![expect(
    clippy::unwrap_used,
    reason = "what a test needs to go on is there, or the test has failed"
)]

use std::time::Duration;

use dev::sandbox::{Sandbox, SandboxOptions, Serving, UiMode};
use shared::domain::money::{Currency, Money};
use shared::payments::{
    BareDeposit, Client, CreatedSession, RetryPolicy, SecretKey, StripeError, create_bare_deposit,
};
use tokio::net::TcpListener;

async fn sandbox(requests_per_second: u32) -> Serving {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = SandboxOptions { requests_per_second, ..SandboxOptions::default() };
    Sandbox::start(options, listener).unwrap()
}

fn client(serving: &Serving, policy: RetryPolicy) -> Client {
    let key = SecretKey::new("sk_test_sandbox".into()).unwrap();
    Client::new(&key, serving.url().parse().unwrap(), policy)
}

fn fifty_dollars() -> Money {
    Money::new(5_000, Currency::from_code("usd").unwrap())
}

async fn deposit(client: &Client) -> Result<CreatedSession, StripeError> {
    let amount = fifty_dollars();
    let return_url = "https://salon.example/booked";
    let deposit = BareDeposit { amount, product_name: "Deposit", return_url };
    create_bare_deposit(client, &deposit).await
}

#[tokio::test]
async fn a_bare_deposit_can_be_paid() {
    let serving = sandbox(0).await;
    let client = client(&serving, RetryPolicy::default());
    client.connect().await;
    let created = deposit(&client).await.unwrap();

    let session = serving.sandbox().session(&created.id).expect("the sandbox knows the session");
    assert_eq!(session.ui_mode, UiMode::Elements);
    assert_eq!(session.total, fifty_dollars());
    assert_eq!(session.payment_method_types, ["card"]);
    let secret = created.client_secret.unwrap();
    assert!(secret.starts_with(&created.id), "{secret}");
    serving.sandbox().pay(&created.id).unwrap();
}

#[tokio::test]
async fn every_deposit_has_a_session_of_its_own() {
    let serving = sandbox(0).await;
    let client = client(&serving, RetryPolicy::default());
    let (first, second) = tokio::join!(deposit(&client), deposit(&client));
    assert_ne!(first.unwrap().id, second.unwrap().id);
}

#[tokio::test]
async fn beyond_the_rate_limit_stripe_is_busy() {
    let serving = sandbox(1).await;
    let policy = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
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
