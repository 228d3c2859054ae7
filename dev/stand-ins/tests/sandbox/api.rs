//! API keys, encoding, headers and limits of API calls.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use jiff::SignedDuration;

use crate::harness::{Bench, Form, REFUNDS, SESSIONS, form_request, request};

#[tokio::test]
async fn a_body_must_be_a_form() {
    let bench = Bench::new();
    let json = request("POST", SESSIONS).header(header::CONTENT_TYPE, "application/json");
    let json = bench.send(json.body(Body::from(r#"{"mode":"payment"}"#)).unwrap()).await;
    assert_eq!(json.status, StatusCode::BAD_REQUEST);
    let bytes = form_request(SESSIONS).body(Body::from(&b"mode=\xff"[..])).unwrap();
    assert_eq!(bench.send(bytes).await.status, StatusCode::BAD_REQUEST);
    let empty = request("POST", SESSIONS).body(Body::empty()).unwrap();
    assert_eq!(bench.send(empty).await.error()["param"], "mode");
}

#[tokio::test]
async fn a_call_needs_a_secret_key() {
    let bench = Bench::new();
    for (header, status) in [
        (Some("Bearer sk_test_1"), StatusCode::NOT_FOUND),
        (Some("bearer rk_test_1"), StatusCode::NOT_FOUND),
        (None, StatusCode::UNAUTHORIZED),
        (Some("Bearer pk_test_1"), StatusCode::UNAUTHORIZED),
        (Some("Bearer sk_"), StatusCode::UNAUTHORIZED),
        (Some("Bearer "), StatusCode::UNAUTHORIZED),
        (Some("Basic sk_test_1"), StatusCode::UNAUTHORIZED),
        (Some("sk_test_1"), StatusCode::UNAUTHORIZED),
    ] {
        let mut request = Request::get(format!("{SESSIONS}/cs_test_none"));
        if let Some(header) = header {
            request = request.header(header::AUTHORIZATION, header);
        }
        let answer = bench.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{header:?}");
        assert_eq!(answer.error()["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn every_response_has_its_own_request_id() {
    let bench = Bench::new();
    let first = bench.post(SESSIONS, &Form::hosted()).await;
    let second = bench.get(&format!("{SESSIONS}/cs_test_none")).await;
    assert_eq!(second.status, StatusCode::NOT_FOUND);
    assert_eq!(second.error()["code"], "resource_missing");
    let id = first.header("request-id").unwrap();
    assert!(id.starts_with("req_"), "{id}");
    assert_ne!(Some(id), second.header("request-id"));
    assert_eq!(first.header("stripe-version"), Some("2026-09-30.endive"));

    for (method, path) in [("GET", "/v1/customers"), ("DELETE", SESSIONS), ("GET", "/")] {
        let answer = bench.send(request(method, path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
}

#[tokio::test]
async fn the_26th_call_in_a_second_is_refused() {
    let bench = Bench::with(Duration::ZERO, 25);
    let get = async || bench.get(&format!("{SESSIONS}/cs_test_none")).await;
    for call in 1..=25 {
        assert_eq!(get().await.status, StatusCode::NOT_FOUND, "call {call}");
    }
    let limited = get().await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.error()["code"], "rate_limit");
    assert_eq!(limited.header("stripe-should-retry"), None);
    bench.advance(SignedDuration::from_millis(40));
    assert_eq!(get().await.status, StatusCode::NOT_FOUND, "one more after 1/25 s");
    assert_eq!(get().await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(bench.sandbox.requests()["GET /v1/checkout/sessions/{id}"], 28);
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_the_chosen_latency() {
    let bench = Bench::with(Duration::from_millis(300), 0);
    let start = tokio::time::Instant::now();
    bench.post(SESSIONS, &Form::hosted()).await;
    bench.get(REFUNDS).await;
    assert_eq!(start.elapsed().as_millis(), 600);
}
