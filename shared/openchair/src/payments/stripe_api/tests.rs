//! Every Stripe request, and the result of every response.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::payments::stripe_session::SessionStatus;
use crate::payments::{STRIPE_RETRIES, SecretKey};
use crate::retry::RetryPolicy;
use salon::money::{Currency, Money};
use testing::misbehaving_server::{Act, MisbehavingServer, Received, answer};

fn client(server: &MisbehavingServer) -> StripeClient {
    let key = SecretKey::new("sk_test_hidden".into()).unwrap();
    let policy = RetryPolicy {
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(4),
        ..STRIPE_RETRIES
    };
    StripeClient::new(&key, server.base().parse().unwrap(), policy)
}

fn session(status: &str) -> String {
    json!({
        "id": "cs_test_1", "object": "checkout.session", "amount_total": 5000,
        "client_secret": null, "expires_at": 1_795_516_500, "livemode": false,
        "metadata": {"booking_id": "b1"}, "payment_intent": null, "payment_status": "unpaid",
        "status": status, "url": null,
    })
    .to_string()
}

fn refund(id: &str) -> Value {
    json!({
        "id": id, "object": "refund", "amount": 2500, "metadata": {"booking_id": "b1"},
        "payment_intent": "pi_1", "status": "succeeded",
    })
}

fn page(refunds: &[&str], has_more: bool) -> Act {
    let data: Vec<_> = refunds.iter().map(|id| refund(id)).collect();
    let page = json!({"object": "list", "data": data, "has_more": has_more, "url": "/v1/refunds"});
    answer(200, &[], &page.to_string())
}

fn session_page(sessions: &[Value], has_more: bool) -> Act {
    let page = json!({
        "object": "list", "data": sessions, "has_more": has_more, "url": "/v1/checkout/sessions",
    });
    answer(200, &[], &page.to_string())
}

/// A stored request that another version of the code built.
fn stored_request() -> SessionRequest {
    SessionRequest::from_parts("checkout-b1-1".to_owned(), "b=2&a=%31&ui_mode=gone".to_owned())
}

fn refund_request() -> RefundRequest<'static> {
    let amount = Money::new(2_500, Currency::from_code("usd").unwrap());
    RefundRequest { booking_id: "b1", key: "refund-b1-1", payment: "pi_1", amount }
}

fn expired_sessions(after: Option<&str>) -> SessionQuery<'_> {
    let created_since = "2026-11-24T10:00:00Z".parse().unwrap();
    SessionQuery { status: SessionStatus::Expired, created_since, after }
}

/// Sends every kind of request. Returns the results.
async fn send_all(client: &StripeClient) -> [Result<(), StripeError>; 6] {
    [
        client.open(&stored_request()).await.map(drop),
        client.session("cs_test_1").await.map(drop),
        client.expire("cs_test_1").await.map(drop),
        client.refunds("pi_1").await.map(drop),
        client.refund(&refund_request()).await.map(drop),
        client.sessions(expired_sessions(None)).await.map(drop),
    ]
}

#[tokio::test]
async fn a_stored_request_is_always_sent_unchanged() {
    let failed = answer(500, &[], r#"{"error": {"type": "api_error"}}"#);
    let script = [failed, answer(200, &[], &session("open"))];
    let server = MisbehavingServer::start(&script).await;
    let client = client(&server);
    for _ in 0..2 {
        let session = client.open(&stored_request()).await.unwrap();
        assert_eq!(session.id, "cs_test_1");
    }
    let received = server.received();
    assert_eq!(received.len(), 3);
    for request in received {
        assert_eq!(request.line(), "POST /v1/checkout/sessions HTTP/1.1");
        assert_eq!(request.header("idempotency-key"), Some("checkout-b1-1"));
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(request.body, stored_request().form());
    }
}

#[tokio::test]
async fn every_request_has_its_url_and_its_own_key() {
    let script = [
        answer(200, &[], &session("open")),
        answer(200, &[], &session("complete")),
        answer(200, &[], &session("expired")),
        page(&[], false),
        answer(200, &[], &refund("re_1").to_string()),
        session_page(&[], false),
    ];
    let server = MisbehavingServer::start(&script).await;
    for result in send_all(&client(&server)).await {
        result.unwrap();
    }
    let received = server.received();
    let key = |key: &str| match key.strip_prefix("expire-") {
        Some(random) if random.len() == 32 => "expire-(random)".to_owned(),
        _ => key.to_owned(),
    };
    let sent: Vec<_> = received
        .iter()
        .map(|request| (request.line(), key(request.header("idempotency-key").unwrap_or("-"))))
        .collect();
    let expected = [
        ("POST /v1/checkout/sessions HTTP/1.1", "checkout-b1-1"),
        ("GET /v1/checkout/sessions/cs_test_1?expand[0]=payment_intent HTTP/1.1", "-"),
        ("POST /v1/checkout/sessions/cs_test_1/expire HTTP/1.1", "expire-(random)"),
        ("GET /v1/refunds?limit=100&payment_intent=pi_1 HTTP/1.1", "-"),
        ("POST /v1/refunds HTTP/1.1", "refund-b1-1"),
        (
            "GET /v1/checkout/sessions?created[gte]=1795514400&expand[0]=data.payment_intent&limit=100&status=expired HTTP/1.1",
            "-",
        ),
    ];
    assert_eq!(sent, expected.map(|(line, key)| (line, key.to_owned())));
}

#[tokio::test]
async fn the_status_of_a_session_is_parsed() {
    for (word, status) in [
        ("open", SessionStatus::Open),
        ("complete", SessionStatus::Complete),
        ("expired", SessionStatus::Expired),
    ] {
        let server = MisbehavingServer::start(&[answer(200, &[], &session(word))]).await;
        let client = client(&server);
        assert_eq!(client.session("cs_test_1").await.unwrap().status, status);
        assert_eq!(client.expire("cs_test_1").await.unwrap().status, status);
    }
}

#[tokio::test]
async fn all_pages_of_refunds_are_read() {
    let script = [page(&["re_4", "re_3"], true), page(&["re_2"], true), page(&["re_1"], false)];
    let server = MisbehavingServer::start(&script).await;
    let refunds = client(&server).refunds("pi_1").await.unwrap();
    let ids: Vec<_> = refunds.iter().map(|refund| refund.id.as_str()).collect();
    assert_eq!(ids, ["re_4", "re_3", "re_2", "re_1"]);
    let received = server.received();
    let lines: Vec<_> = received.iter().map(Received::line).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/refunds?limit=100&payment_intent=pi_1 HTTP/1.1",
            "GET /v1/refunds?limit=100&payment_intent=pi_1&starting_after=re_3 HTTP/1.1",
            "GET /v1/refunds?limit=100&payment_intent=pi_1&starting_after=re_2 HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn the_refunds_of_all_payments_since_a_time_are_read() {
    let script = [page(&["re_2"], true), page(&["re_1"], false)];
    let server = MisbehavingServer::start(&script).await;
    let since = Timestamp::from_second(1_795_516_500).unwrap();
    let refunds = client(&server).refunds_since(since).await.unwrap();
    assert_eq!(refunds.len(), 2);
    let query = "created[gte]=1795516500&expand[0]=data.payment_intent&limit=100";
    let received = server.received();
    let lines: Vec<_> = received.iter().map(Received::line).collect();
    let expected = [
        format!("GET /v1/refunds?{query} HTTP/1.1"),
        format!("GET /v1/refunds?{query}&starting_after=re_2 HTTP/1.1"),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_failed_page_fails_the_whole_list() {
    let failures = [page(&[], true), answer(404, &[], r#"{"error": {"type": "x"}}"#)];
    for failure in failures {
        let server = MisbehavingServer::start(&[page(&["re_2"], true), failure]).await;
        assert!(client(&server).refunds("pi_1").await.is_err());
        assert_eq!(server.received().len(), 2);
    }
}

#[tokio::test]
async fn a_page_of_sessions_says_where_the_next_one_begins() {
    let listed = |id: &str| {
        json!({
            "id": id, "expires_at": 1_795_516_500, "livemode": false, "status": "expired",
            "payment_status": "unpaid", "metadata": {"booking_id": "b1"}, "payment_intent": null,
            "amount_total": 5000, "currency": "usd", "client_secret": null, "url": null,
        })
    };
    // A session of somebody else, in a mode that has no status, hides no other.
    let strange = json!({"id": "cs_2", "mode": "setup", "status": null});
    let script = [
        session_page(&[listed("cs_3"), strange.clone()], true),
        session_page(&[listed("cs_1")], false),
        session_page(&[], true),
        session_page(&[json!({"status": "expired"})], true),
    ];
    let server = MisbehavingServer::start(&script).await;
    let client = client(&server);
    let page = client.sessions(expired_sessions(None)).await.unwrap();
    let ids: Vec<_> = page.sessions.iter().map(|session| session.id.as_str()).collect();
    assert_eq!((ids, page.next.as_deref()), (vec!["cs_3"], Some("cs_2")));
    let page = client.sessions(expired_sessions(page.next.as_deref())).await.unwrap();
    assert_eq!((page.sessions.len(), page.next), (1, None));
    assert!(server.received()[1].line().contains("&starting_after=cs_2"));
    for _ in 0..2 {
        let endless = client.sessions(expired_sessions(None)).await;
        assert!(matches!(endless, Err(StripeError::Unreadable { .. })), "{endless:?}");
    }
}

#[tokio::test]
async fn an_invalid_response_is_unreadable() {
    for body in ["", "[]", "{}", "garbage", r#"{"id": "cs_test_1"}"#] {
        let server = MisbehavingServer::start(&[answer(200, &[], body)]).await;
        for result in send_all(&client(&server)).await {
            let error = result.unwrap_err();
            assert!(matches!(error, StripeError::Unreadable { .. }), "{body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_missing_object_differs_from_other_rejections() {
    let cases = [("resource_missing", true), ("charge_already_refunded", false)];
    for (code, missing) in cases {
        let body = json!({"error": {"type": "invalid_request_error", "code": code}});
        let status = if missing { 404 } else { 400 };
        let server = MisbehavingServer::start(&[answer(status, &[], &body.to_string())]).await;
        for result in send_all(&client(&server)).await {
            let error = result.unwrap_err();
            assert!(matches!(error, StripeError::Rejected(_)), "{error:?}");
            assert_eq!(error.is_missing(), missing, "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_replayed_failure_is_not_retried() {
    let replayed = [("Idempotent-Replayed", "true")];
    let body = r#"{"error": {"type": "api_error"}}"#;
    let server = MisbehavingServer::start(&[answer(500, &replayed, body)]).await;
    let error = client(&server).refund(&refund_request()).await.unwrap_err();
    assert!(matches!(error, StripeError::Unavailable { replayed: true, .. }), "{error:?}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_request_with_an_invalid_key_is_not_sent() {
    let server = MisbehavingServer::start(&[answer(200, &[], &session("open"))]).await;
    let client = client(&server);
    for key in [String::new(), "x".repeat(256), "line\nend".to_owned()] {
        let request = SessionRequest::from_parts(key, "mode=payment".to_owned());
        let error = client.open(&request).await.unwrap_err();
        assert!(matches!(error, StripeError::Unsendable(_)), "{error:?}");
    }
    assert!(server.received().is_empty());
}
