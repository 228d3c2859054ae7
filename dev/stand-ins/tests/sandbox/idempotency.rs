//! Idempotency keys.

use std::time::Duration;

use axum::http::StatusCode;
use jiff::SignedDuration;

use crate::harness::{Bench, Form, REFUNDS, SESSIONS};

#[tokio::test]
async fn a_key_replays_the_first_response() {
    let bench = Bench::new();
    let first = bench.post_keyed(SESSIONS, &Form::hosted(), "k-1").await;
    bench.advance(SignedDuration::from_hours(23));
    let again = bench.post_keyed(SESSIONS, &Form::hosted(), "k-1").await;
    assert_eq!(first.text, again.text);
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("idempotency-key"), Some("k-1"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_ne!(again.header("request-id"), first.header("request-id"));

    let other = bench.post_keyed(SESSIONS, &Form::hosted(), "k-2").await;
    assert_ne!(first.text, other.text, "another key makes another session");
}

#[tokio::test]
async fn a_replay_ignores_later_changes() {
    let bench = Bench::new();
    let first = bench.post_keyed(SESSIONS, &Form::hosted(), "k").await;
    bench.sandbox.pay(first.json()["id"].as_str().unwrap()).unwrap();
    let again = bench.post_keyed(SESSIONS, &Form::hosted(), "k").await;
    assert_eq!(again.json()["status"], "open");
}

#[tokio::test]
async fn a_key_is_bound_to_parameters_and_endpoint() {
    let bench = Bench::new();
    let payment = bench.paid().await;
    bench.post_keyed(SESSIONS, &Form::hosted(), "k").await;
    let later = Form::hosted().set("expires_at", "1800003600");
    let refund = Form::of(&[("payment_intent", &payment)]);
    for (path, form) in [(SESSIONS, later), (REFUNDS, refund)] {
        let answer = bench.post_keyed(path, &form, "k").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.error()["type"], "idempotency_error");
    }
    assert!(bench.sandbox.refunds(&payment).is_empty());
}

#[tokio::test]
async fn a_key_expires_after_a_day() {
    let bench = Bench::new();
    let first = bench.post_keyed(SESSIONS, &Form::hosted(), "k").await;
    bench.advance(SignedDuration::from_hours(24));
    let again = bench.post_keyed(SESSIONS, &Form::hosted(), "k").await;
    assert_ne!(first.text, again.text);
    assert_eq!(again.header("idempotent-replayed"), None);
}

#[tokio::test]
async fn a_refused_parameter_does_not_use_the_key() {
    let bench = Bench::new();
    let wrong = Form::hosted().without("mode");
    let refused = bench.post_keyed(SESSIONS, &wrong, "k").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let corrected = bench.post_keyed(SESSIONS, &Form::hosted(), "k").await;
    assert_eq!(corrected.status, StatusCode::OK, "{}", corrected.text);
}

#[tokio::test]
async fn a_late_retry_with_the_stored_expiry_is_refused_if_nothing_was_created() {
    let bench = Bench::with(Duration::ZERO, 1);
    let form = Form::hosted().set("expires_at", &(crate::harness::START + 35 * 60).to_string());
    bench.get(REFUNDS).await;
    let limited = bench.post_keyed(SESSIONS, &form, "k").await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    bench.advance(SignedDuration::from_mins(6));
    let late = bench.post_keyed(SESSIONS, &form, "k").await;
    assert_eq!(late.error()["param"], "expires_at", "the limit stored nothing");
}

#[tokio::test]
async fn a_refusal_during_execution_is_saved() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    bench.sandbox.pay(&id).unwrap();
    let expire = format!("{SESSIONS}/{id}/expire");
    let first = bench.post_keyed(&expire, &Form::default(), "k").await;
    let again = bench.post_keyed(&expire, &Form::default(), "k").await;
    assert_eq!(first.status, StatusCode::BAD_REQUEST);
    assert_eq!(first.text, again.text);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("stripe-should-retry"), Some("false"));
}

#[tokio::test]
async fn a_key_has_at_most_255_characters() {
    let bench = Bench::new();
    for (length, status) in [(0, 400), (255, 200), (256, 400)] {
        let answer = bench.post_keyed(SESSIONS, &Form::hosted(), &"k".repeat(length)).await;
        assert_eq!(answer.status, status, "{length}");
    }
}

fn slow() -> Bench {
    Bench::with(Duration::from_millis(200), 0)
}

#[tokio::test(start_paused = true)]
async fn a_key_in_use_is_a_conflict_and_creates_one_session() {
    let bench = slow();
    let form = Form::hosted();
    let post = || bench.post_keyed(SESSIONS, &form, "k");
    let (a, b, c) = tokio::join!(post(), post(), post());
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
    let (done, busy) = if a.status == 200 { (a, b) } else { (b, a) };
    let (done, busy) = if done.status == 200 { (done, busy) } else { (c, done) };
    assert_eq!(busy.error()["code"], "idempotency_key_in_use");
    assert_eq!(busy.header("stripe-should-retry"), Some("true"));
    assert_eq!(post().await.text, done.text);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_created_although_the_client_disconnects() {
    let bench = slow();
    let form = Form::hosted();
    let impatient = bench.post_keyed(SESSIONS, &form, "k");
    let hung_up = tokio::time::timeout(Duration::from_millis(50), impatient).await;
    assert!(hung_up.is_err());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let retry = bench.post_keyed(SESSIONS, &form, "k").await;
    assert_eq!(retry.status, StatusCode::OK);
    assert_eq!(retry.header("idempotent-replayed"), Some("true"));
}
