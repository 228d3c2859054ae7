//! The client with a server that fails in every way.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use super::*;
use testing::misbehaving_server::{Act, MisbehavingServer, answer, response};

const OK: &str = r#"{"id": "cs_test_1"}"#;
const BUSY: &str = r#"{"error": {"type": "invalid_request_error", "code": "rate_limit"}}"#;

/// Much longer than any of these tests takes, so that a slow machine fails none.
const TEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The deployed policy, with pauses of a few milliseconds.
fn policy() -> RetryPolicy {
    RetryPolicy {
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(4),
        ..STRIPE_RETRIES
    }
}

fn client(server: &MisbehavingServer, policy: RetryPolicy) -> StripeClient {
    let key = SecretKey::new(SecretString::from("sk_test_hidden")).unwrap();
    StripeClient::new(&key, server.base().parse().unwrap(), policy)
}

async fn post(client: &StripeClient, key: &str) -> Result<Bytes, StripeError> {
    let request = RequestBuilder::new(StripeMethod::Post, "/checkout/sessions")
        .form(&BTreeMap::from([("mode", "payment"), ("ui_mode", "elements")]));
    client.post(request, key).await
}

async fn get(client: &StripeClient) -> Result<Bytes, StripeError> {
    let request = RequestBuilder::new(StripeMethod::Get, "/checkout/sessions/cs_test_1")
        .query(&BTreeMap::from([("limit", "1")]));
    client.get(request).await
}

#[tokio::test]
async fn a_request_has_key_version_and_form() {
    let server = MisbehavingServer::start(&[answer(200, &[], OK)]).await;
    let body = post(&client(&server, policy()), "deposit-1").await.unwrap();
    assert_eq!(body, OK);

    let [request] = &server.received()[..] else {
        panic!("one request is enough: {:?}", server.received());
    };
    assert_eq!(request.line(), "POST /v1/checkout/sessions HTTP/1.1");
    assert_eq!(request.body, "mode=payment&ui_mode=elements");
    let user_agent = concat!("openchair/", env!("CARGO_PKG_VERSION"));
    let headers = [
        ("authorization", "Bearer sk_test_hidden"),
        ("stripe-version", VERSION.as_str()),
        ("idempotency-key", "deposit-1"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", user_agent),
    ];
    for (name, value) in headers {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn ten_requests_share_the_connection_that_was_opened_in_advance() {
    let script = [answer(404, &[], ""), answer(200, &[], OK)];
    let server = MisbehavingServer::start(&script).await;
    let client = client(&server, policy());
    client.connect().await;
    for number in 0..10 {
        post(&client, &format!("deposit-{number}")).await.unwrap();
    }
    assert_eq!(server.received()[0].line(), "HEAD / HTTP/1.1");
    assert_eq!(server.received()[0].header("authorization"), None);
    assert_eq!(server.received().len(), 11);
    assert_eq!(server.connections(), 1, "connections that the server accepted");
}

#[tokio::test]
async fn a_failed_warm_up_is_ignored() {
    let server = MisbehavingServer::start(&[Act::Cut(String::new()), answer(200, &[], OK)]).await;
    let client = client(&server, policy());
    client.connect().await;
    assert!(post(&client, "deposit-1").await.is_ok());
}

#[tokio::test]
async fn a_transient_failure_is_retried_with_the_same_key_and_bytes() {
    let cut_short = response(200, &[], 500, OK);
    let failures = [
        answer(429, &[], BUSY),
        answer(500, &[], r#"{"error": {"type": "api_error"}}"#),
        answer(503, &[], "<html>Service Unavailable</html>"),
        answer(409, &[], r#"{"error": {"code": "idempotency_key_in_use"}}"#),
        answer(400, &[("Stripe-Should-Retry", "true")], "{}"),
        Act::Cut(String::new()),
        Act::Cut(cut_short),
    ];
    for failure in failures {
        let script = [failure.clone(), answer(200, &[], OK)];
        let server = MisbehavingServer::start(&script).await;
        let session = post(&client(&server, policy()), "deposit-1").await;
        assert!(session.is_ok(), "after {failure:?}: {session:?}");
        let [first, second] = &server.received()[..] else {
            panic!("one retry is enough after {failure:?}");
        };
        assert_eq!(first, second, "after {failure:?}");
    }
}

#[tokio::test]
async fn a_get_is_retried_without_a_key() {
    let server = MisbehavingServer::start(&[Act::Cut(String::new()), answer(200, &[], OK)]).await;
    assert!(get(&client(&server, policy())).await.is_ok());
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[1].line(), "GET /v1/checkout/sessions/cs_test_1?limit=1 HTTP/1.1");
    assert_eq!(received[1].header("idempotency-key"), None);
}

#[tokio::test]
async fn a_lasting_rate_limit_is_returned_with_stripes_retry_after() {
    let limited = answer(429, &[("Retry-After", "0")], BUSY);
    let server = MisbehavingServer::start(&[limited]).await;
    let error = post(&client(&server, policy()), "deposit-1").await.unwrap_err();
    assert!(matches!(error, StripeError::RateLimited { .. }), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)), "the shortest wait is 1 s");
    assert_eq!(server.received().len(), 5, "attempts");
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    for seconds in [60, u64::MAX] {
        let limited = answer(429, &[("Retry-After", &seconds.to_string())], BUSY);
        let server = MisbehavingServer::start(&[limited]).await;
        let started = Instant::now();
        let error = post(&client(&server, policy()), "deposit-1").await.unwrap_err();
        assert!(started.elapsed() < TEST_TIMEOUT);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn stripe_should_retry_false_prevents_a_retry() {
    let failed = answer(500, &[("Stripe-Should-Retry", "false")], "{}");
    let server = MisbehavingServer::start(&[failed]).await;
    let error = post(&client(&server, policy()), "deposit-1").await.unwrap_err();
    assert!(matches!(error, StripeError::Unavailable { .. }), "{error:?}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_error_page_keeps_its_status() {
    let page = answer(502, &[("Content-Type", "text/html")], "<h1>Bad Gateway</h1>");
    let server = MisbehavingServer::start(&[page]).await;
    let error = post(&client(&server, policy()), "deposit-1").await.unwrap_err();
    assert_eq!(error.to_string(), "Stripe failed: status 502");
    assert!(error.retry_after().is_some());
}

#[tokio::test]
async fn a_rejection_has_a_code_and_a_parameter_and_is_final() {
    let body = r#"{"error": {
        "type": "invalid_request_error", "code": "amount_too_small",
        "param": "line_items[0][price_data][unit_amount]", "message": "Too small."
    }}"#;
    let rejection = answer(400, &[("Request-Id", "req_1")], body);
    let server = MisbehavingServer::start(&[rejection]).await;
    let error = post(&client(&server, policy()), "deposit-1").await.unwrap_err();
    let StripeError::Rejected(details) = &error else {
        panic!("a 400 is a rejection: {error:?}");
    };
    assert_eq!(details.status, 400);
    assert_eq!(details.code.as_deref(), Some("amount_too_small"));
    assert_eq!(details.param.as_deref(), Some("line_items[0][price_data][unit_amount]"));
    assert_eq!(details.request_id.as_deref(), Some("req_1"));
    assert_eq!(error.retry_after(), None);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_rejected_key_is_unauthorized() {
    for status in [401, 403] {
        let server = MisbehavingServer::start(&[answer(status, &[], "{}")]).await;
        let error = post(&client(&server, policy()), "deposit-1").await.unwrap_err();
        assert!(matches!(error, StripeError::Unauthorized(_)), "{error:?}");
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn a_response_that_is_too_long_is_unreadable() {
    let too_long = "x".repeat(5 * 1024 * 1024);
    let server = MisbehavingServer::start(&[answer(200, &[], &too_long)]).await;
    let error = post(&client(&server, policy()), "deposit-1").await.unwrap_err();
    assert!(matches!(error, StripeError::Unreadable { .. }), "{error:?}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn one_deadline_ends_all_attempts_when_the_server_hangs() {
    let headers_only = response(200, &[], 100, "");
    for stall in [Act::Stall(String::new()), Act::Stall(headers_only)] {
        let server = MisbehavingServer::start(&[stall]).await;
        let policy = RetryPolicy {
            deadline: Duration::from_millis(200),
            attempt_timeout: Duration::from_millis(80),
            ..policy()
        };
        let started = Instant::now();
        let error = post(&client(&server, policy), "deposit-1").await.unwrap_err();
        assert!(matches!(error, StripeError::Timeout { .. }), "{error:?}");
        assert!(error.retry_after().is_some());
        assert!(started.elapsed() < TEST_TIMEOUT);
        let attempts = server.received().len();
        assert!((1..=3).contains(&attempts), "{attempts} attempts in 200 ms of 80 ms each");
    }
}

#[tokio::test]
async fn a_hanging_attempt_leaves_time_for_another() {
    let script = [Act::Stall(String::new()), answer(200, &[], OK)];
    let server = MisbehavingServer::start(&script).await;
    let policy = RetryPolicy { attempt_timeout: Duration::from_millis(250), ..policy() };
    assert!(post(&client(&server, policy), "deposit-1").await.is_ok());
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let key = SecretKey::new(SecretString::from("sk_test_hidden")).unwrap();
    let closed = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let client = StripeClient::new(&key, closed.parse().unwrap(), policy());
    let error = post(&client, "deposit-1").await.unwrap_err();
    assert!(matches!(error, StripeError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn the_client_and_its_errors_do_not_print_the_key() {
    let server = MisbehavingServer::start(&[answer(401, &[], "{}")]).await;
    let client = client(&server, policy());
    let error = post(&client, "deposit-1").await.unwrap_err();
    let shown = format!("{client:?} {error:?} {error}");
    assert!(!shown.contains("hidden"), "{shown}");
}
