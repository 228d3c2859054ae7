//! What is asked, and what is made of each answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::payments::stripe_session::SessionStatus;
use crate::payments::{RetryPolicy, SecretKey};
use salon::money::{Currency, Money};
use testing::misbehaving_server::{Act, MisbehavingServer, Received, answer};

fn client(server: &MisbehavingServer) -> StripeClient {
    let key = SecretKey::new("sk_test_hidden".into()).unwrap();
    let policy = RetryPolicy {
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(4),
        ..RetryPolicy::default()
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

/// A request that another version of the code has built.
fn kept() -> SessionRequest {
    SessionRequest::from_parts("checkout-b1-1".to_owned(), "b=2&a=%31&ui_mode=gone".to_owned())
}

fn half_back() -> RefundRequest<'static> {
    let amount = Money::new(2_500, Currency::from_code("usd").unwrap());
    RefundRequest { booking_id: "b1", attempt: 1, payment: "pi_1", amount }
}

/// Makes each kind of request in turn, and says whether all succeeded.
async fn ask_everything(client: &StripeClient) -> [Result<(), StripeError>; 5] {
    [
        client.open(&kept()).await.map(drop),
        client.session("cs_test_1").await.map(drop),
        client.expire("cs_test_1").await.map(drop),
        client.refunds("pi_1").await.map(drop),
        client.refund(&half_back()).await.map(drop),
    ]
}

#[tokio::test]
async fn a_kept_request_is_sent_to_the_byte_again_and_again() {
    let failed = answer(500, &[], r#"{"error": {"type": "api_error"}}"#);
    let script = [failed, answer(200, &[], &session("open"))];
    let server = MisbehavingServer::start(&script).await;
    let client = client(&server);
    for _ in 0..2 {
        let session = client.open(&kept()).await.unwrap();
        assert_eq!(session.id, "cs_test_1");
    }
    let received = server.received();
    assert_eq!(received.len(), 3);
    for request in received {
        assert_eq!(request.line(), "POST /v1/checkout/sessions HTTP/1.1");
        assert_eq!(request.header("idempotency-key"), Some("checkout-b1-1"));
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(request.body, kept().form());
    }
}

#[tokio::test]
async fn each_request_goes_where_stripe_takes_it_under_its_own_key() {
    let script = [
        answer(200, &[], &session("open")),
        answer(200, &[], &session("complete")),
        answer(200, &[], &session("expired")),
        page(&[], false),
        answer(200, &[], &refund("re_1").to_string()),
    ];
    let server = MisbehavingServer::start(&script).await;
    for result in ask_everything(&client(&server)).await {
        result.unwrap();
    }
    let received = server.received();
    let key = |key: &str| match key.strip_prefix("expire-") {
        Some(random) if random.len() == 32 => "expire-(random)".to_owned(),
        _ => key.to_owned(),
    };
    let asked: Vec<_> = received
        .iter()
        .map(|request| (request.line(), key(request.header("idempotency-key").unwrap_or("-"))))
        .collect();
    let expected = [
        ("POST /v1/checkout/sessions HTTP/1.1", "checkout-b1-1"),
        ("GET /v1/checkout/sessions/cs_test_1?expand[0]=payment_intent HTTP/1.1", "-"),
        ("POST /v1/checkout/sessions/cs_test_1/expire HTTP/1.1", "expire-(random)"),
        ("GET /v1/refunds?limit=100&payment_intent=pi_1 HTTP/1.1", "-"),
        ("POST /v1/refunds HTTP/1.1", "refund-b1-1"),
    ];
    assert_eq!(asked, expected.map(|(line, key)| (line, key.to_owned())));
}

#[tokio::test]
async fn a_session_is_told_as_it_is() {
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
async fn refunds_are_read_to_the_last_page() {
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
async fn a_page_that_fails_leaves_no_half_of_the_list() {
    let failures = [page(&[], true), answer(404, &[], r#"{"error": {"type": "x"}}"#)];
    for failure in failures {
        let server = MisbehavingServer::start(&[page(&["re_2"], true), failure]).await;
        assert!(client(&server).refunds("pi_1").await.is_err());
        assert_eq!(server.received().len(), 2);
    }
}

#[tokio::test]
async fn what_is_no_answer_to_a_request_cannot_be_read() {
    for body in ["", "[]", "{}", "garbage", r#"{"id": "cs_test_1"}"#] {
        let server = MisbehavingServer::start(&[answer(200, &[], body)]).await;
        for result in ask_everything(&client(&server)).await {
            let error = result.unwrap_err();
            assert!(matches!(error, StripeError::Unreadable { .. }), "{body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn what_stripe_does_not_know_is_told_apart_from_what_it_refuses() {
    let cases = [("resource_missing", true), ("charge_already_refunded", false)];
    for (code, missing) in cases {
        let body = json!({"error": {"type": "invalid_request_error", "code": code}});
        let status = if missing { 404 } else { 400 };
        let server = MisbehavingServer::start(&[answer(status, &[], &body.to_string())]).await;
        for result in ask_everything(&client(&server)).await {
            let error = result.unwrap_err();
            assert!(matches!(error, StripeError::Rejected(_)), "{error:?}");
            assert_eq!(error.is_missing(), missing, "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_from_stripes_memory_is_asked_for_once_and_says_so() {
    let replayed = [("Idempotent-Replayed", "true")];
    let body = r#"{"error": {"type": "api_error"}}"#;
    let server = MisbehavingServer::start(&[answer(500, &replayed, body)]).await;
    let error = client(&server).refund(&half_back()).await.unwrap_err();
    assert!(matches!(error, StripeError::Unavailable { replayed: true, .. }), "{error:?}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_not_sent() {
    let server = MisbehavingServer::start(&[answer(200, &[], &session("open"))]).await;
    let client = client(&server);
    for key in [String::new(), "x".repeat(256), "line\nend".to_owned()] {
        let request = SessionRequest::from_parts(key, "mode=payment".to_owned());
        let error = client.open(&request).await.unwrap_err();
        assert!(matches!(error, StripeError::Unsendable(_)), "{error:?}");
    }
    assert!(server.received().is_empty());
}
