//! The control API.

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use stand_ins::sandbox::{PaymentStatus, RefundStatus, SessionStatus};

use crate::harness::{Answer, Bench, Form, REFUNDS, SESSIONS, request};

async fn steer(bench: &Bench, path: &str, body: &Value) -> Answer {
    let request = request("POST", &format!("/_sandbox/{path}"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    bench.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn sessions_are_paid_without_a_browser() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    let pay = format!("sessions/{id}/pay");
    let declined = steer(&bench, &pay, &json!({"card": "4000000000000002"})).await;
    assert_eq!(declined.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(declined.json()["refused"], "Your card was declined.");
    let no_body = request("POST", &format!("/_sandbox/{pay}")).body(Body::empty()).unwrap();
    assert_eq!(bench.send(no_body).await.status, StatusCode::NO_CONTENT);
    let session = bench.sandbox.session(&id).unwrap();
    assert_eq!(session.payment_status, PaymentStatus::Paid);

    let expired = bench.open(&Form::hosted()).await;
    bench.sandbox.expire(&expired).unwrap();
    let card = json!({"card": "4242424242424242"});
    let late = steer(&bench, &format!("sessions/{expired}/pay"), &card).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let unknown = steer(&bench, "sessions/cs_test_none/debit", &json!({})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn debits_and_refunds_are_ended() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    steer(&bench, &format!("sessions/{id}/debit"), &json!({})).await;
    assert_eq!(bench.sandbox.session(&id).unwrap().status, SessionStatus::Complete);
    let settled = steer(&bench, &format!("sessions/{id}/settle"), &json!({"arrived": true})).await;
    assert_eq!(settled.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.sandbox.session(&id).unwrap().payment_status, PaymentStatus::Paid);

    steer(&bench, "refunds", &json!({"mode": "pending"})).await;
    let payment = bench.paid().await;
    let refund = bench.post(REFUNDS, &Form::of(&[("payment_intent", &payment)])).await.json();
    assert_eq!(refund["status"], "pending");
    let path = format!("refunds/{}", refund["id"].as_str().unwrap());
    let failed = steer(&bench, &path, &json!({"status": "failed"})).await;
    assert_eq!(failed.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.sandbox.refunds(&payment)[0].status, RefundStatus::Failed);
    let again = steer(&bench, &path, &json!({"status": "succeeded"})).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn faults_and_webhooks_are_set_and_counted() {
    let bench = Bench::new();
    let call = "POST /v1/checkout/sessions";
    for body in [
        json!({"call": call, "effect": "error_before"}),
        json!({"call": call, "effect": "slow", "ms": 1, "times": 2}),
    ] {
        assert_eq!(steer(&bench, "faults", &body).await.status, StatusCode::NO_CONTENT);
    }
    let failed = bench.post(SESSIONS, &Form::hosted()).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    let state = bench.get("/_sandbox/state").await.json();
    assert_eq!(state["faults_left"], 2);
    assert_eq!(state["requests"][call], 1);
    assert_eq!(state["deliveries"]["waiting"], 0);
    let clear = request("DELETE", "/_sandbox/faults").body(Body::empty()).unwrap();
    bench.send(clear).await;
    assert_eq!(bench.sandbox.faults_left(), 0);

    let lost = steer(&bench, "webhooks", &json!({"mode": "lost"})).await;
    assert_eq!(lost.status, StatusCode::NO_CONTENT);
    let unknown = steer(&bench, "webhooks", &json!({"mode": "sometimes"})).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn events_are_listed_and_sent_again() {
    let bench = Bench::new();
    bench.paid().await;
    let events = bench.get("/_sandbox/events").await.json();
    let event = &events["data"][0];
    assert_eq!(event["type"], "checkout.session.completed");
    let path = format!("events/{}/resend", event["id"].as_str().unwrap());
    assert_eq!(steer(&bench, &path, &json!({})).await.status, StatusCode::NO_CONTENT);
    let unknown = steer(&bench, "events/evt_none/resend", &json!({})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
