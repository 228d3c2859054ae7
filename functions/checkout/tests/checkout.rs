//! The contract of POST /checkout, on API Gateway's events and the sandbox.

use std::time::Duration;

use checkout::Checkout;
use dev::event::Event;
use dev::sandbox::{Sandbox, SandboxOptions, Serving};
use lambda_http::{Body, Response};
use secrecy::SecretString;
use serde_json::Value;
use shared::payments::{Client, RetryPolicy, SecretKey};
use shared::salon_file;
use tokio::net::TcpListener;

/// The function, and the sandbox it takes for Stripe.
struct Harness {
    function: Checkout,
    stripe: Serving,
}

impl Harness {
    async fn new() -> Self {
        Self::with(SandboxOptions::default(), "bare = true").await
    }

    async fn with(options: SandboxOptions, bare: &str) -> Self {
        let text = salon_file::COMPILED_IN.replace("bare = true", bare);
        let salon = salon_file::parse(&text).expect("the sample salon");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let stripe = Sandbox::start(options, listener).expect("the sandbox starts");
        let function = Checkout::new(salon, client(stripe.url()));
        Self { function, stripe }
    }

    async fn send(&self, event: &Event) -> Response<Body> {
        self.function.handle(event.request()).await
    }

    fn sessions_asked_for(&self) -> usize {
        self.stripe.sandbox().requests().get("POST /v1/checkout/sessions").copied().unwrap_or(0)
    }
}

fn client(base: &str) -> Client {
    let key = SecretKey::new(SecretString::from("sk_test_1")).expect("a key");
    let policy = RetryPolicy {
        deadline: Duration::from_millis(500),
        backoff_base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    Client::new(&key, base.parse().expect("an address"), policy)
}

fn json(response: &Response<Body>) -> Value {
    let Body::Text(text) = response.body() else { panic!("the body is not text: {response:?}") };
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test]
async fn an_empty_body_gets_a_session_for_the_default_deposit() {
    let harness = Harness::new().await;
    let response = harness.send(&Event::new("POST", "/checkout")).await;
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = json(&response);
    let id = body["sessionId"].as_str().expect("an id");
    let secret = body["clientSecret"].as_str().expect("a secret");
    assert!(id.starts_with("cs_test_") && secret.starts_with(id), "{body}");

    let session = harness.stripe.sandbox().session(id).expect("a session of that id");
    assert_eq!(session.total.to_string(), "50.00 USD");
}

#[tokio::test]
async fn two_requests_get_two_sessions() {
    let harness = Harness::new().await;
    let event = Event::new("POST", "/checkout");
    let (first, second) = (harness.send(&event).await, harness.send(&event).await);
    assert_ne!(json(&first)["sessionId"], json(&second)["sessionId"]);
}

#[tokio::test]
async fn bare_deposits_can_be_switched_off() {
    let harness = Harness::with(SandboxOptions::default(), "bare = false").await;
    let response = harness.send(&Event::new("POST", "/checkout")).await;
    assert_eq!(
        (response.status().as_u16(), &json(&response)["error"]["code"]),
        (404, &"not_found".into())
    );
    assert_eq!(harness.sessions_asked_for(), 0);
}

#[tokio::test]
async fn stripes_limit_is_503_with_retry_after() {
    let options = SandboxOptions { requests_per_second: 1, ..SandboxOptions::default() };
    let harness = Harness::with(options, "bare = true").await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let response = harness.send(&Event::new("POST", "/checkout")).await;
        if response.status() == 503 {
            assert_eq!(json(&response)["error"]["code"], "stripe_busy");
            let seconds = response.headers()["retry-after"].to_str().expect("ASCII");
            assert!(seconds.parse::<u64>().expect("a number") >= 1);
            assert_eq!(json(&response)["error"]["retryAfterSeconds"].to_string(), seconds);
        }
        statuses.push(response.status().as_u16());
    }
    assert!(
        statuses.contains(&503),
        "three requests at one a second must meet the limit: {statuses:?}"
    );
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn no_answer_from_stripe_is_503() {
    let options = SandboxOptions { latency: Duration::from_mins(1), ..SandboxOptions::default() };
    let harness = Harness::with(options, "bare = true").await;
    let response = harness.send(&Event::new("POST", "/checkout")).await;
    assert_eq!(
        (response.status().as_u16(), &json(&response)["error"]["code"]),
        (503, &"stripe_busy".into())
    );
}

#[tokio::test]
async fn bad_requests_get_the_contracts_errors_and_ask_stripe_nothing() {
    let harness = Harness::new().await;
    let table = [
        (Event::new("GET", "/checkout"), 405, "method_not_allowed"),
        (Event::new("PUT", "/checkout").body("{}"), 405, "method_not_allowed"),
        (Event::new("POST", "/checkout/"), 404, "not_found"),
        (Event::new("POST", "/"), 404, "not_found"),
        (Event::new("POST", "/checkout").body("{}"), 404, "not_found"),
        (Event::new("POST", "/checkout").body(&"x".repeat(16 * 1024 + 1)), 413, "body_too_large"),
    ];
    for (event, status, code) in table {
        let response = harness.send(&event).await;
        assert_eq!(
            (response.status().as_u16(), &json(&response)["error"]["code"]),
            (status, &code.into()),
            "{event:?}"
        );
    }
    assert_eq!(harness.sessions_asked_for(), 0);
}
