//! Injected failures.

use std::time::Duration;

use axum::http::StatusCode;
use stand_ins::sandbox::{Effect, Fault, Sandbox, SandboxOptions};
use tokio::net::TcpListener;

use crate::harness::{Bench, Form, SESSIONS};

const CREATE: &str = "POST /v1/checkout/sessions";

fn once(effect: Effect) -> Fault {
    Fault { call: CREATE.to_owned(), effect, times: 1 }
}

fn sessions(bench: &Bench) -> usize {
    bench.sandbox.sessions().len()
}

#[tokio::test]
async fn each_fault_has_stripes_response_and_effect() {
    // Effect, status, whether the session was created, whether the response was saved.
    for (effect, status, made, saved) in [
        (Effect::ErrorBefore, StatusCode::INTERNAL_SERVER_ERROR, 0, true),
        (Effect::ErrorAfter, StatusCode::INTERNAL_SERVER_ERROR, 1, true),
        (Effect::Refused, StatusCode::BAD_REQUEST, 0, true),
        (Effect::RefusedParameter("customer_email"), StatusCode::BAD_REQUEST, 0, true),
        (Effect::RateLimited, StatusCode::TOO_MANY_REQUESTS, 0, false),
        (Effect::Unavailable, StatusCode::SERVICE_UNAVAILABLE, 0, false),
    ] {
        let bench = Bench::new();
        bench.sandbox.inject(once(effect));
        let first = bench.post_keyed(SESSIONS, &Form::hosted(), "k").await;
        assert_eq!(first.status, status, "{effect:?}");
        assert_eq!(sessions(&bench), made, "{effect:?}");
        let retry = bench.post_keyed(SESSIONS, &Form::hosted(), "k").await;
        let replayed = retry.header("idempotent-replayed") == Some("true");
        assert_eq!(replayed, saved, "{effect:?}");
        assert_eq!(retry.status, if saved { status } else { StatusCode::OK }, "{effect:?}");
        let next = bench.post_keyed(SESSIONS, &Form::hosted(), "k-2").await;
        assert_eq!(next.status, StatusCode::OK, "{effect:?} happens once");
    }
}

#[tokio::test]
async fn pending_faults_can_be_removed() {
    let bench = Bench::new();
    bench.sandbox.inject(once(Effect::ErrorBefore));
    bench.sandbox.clear_faults();
    assert_eq!(bench.post(SESSIONS, &Form::hosted()).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_continues_after_the_client_disconnects() {
    let bench = Bench::new();
    bench.sandbox.inject(once(Effect::Slow(Duration::from_secs(30))));
    let form = Form::hosted();
    let impatient = bench.post_keyed(SESSIONS, &form, "k");
    assert!(tokio::time::timeout(Duration::from_secs(5), impatient).await.is_err());
    assert_eq!(sessions(&bench), 0);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(sessions(&bench), 1);
}

#[tokio::test]
async fn hanging_up_closes_the_connection_after_the_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = Sandbox::start(SandboxOptions::default(), listener).unwrap();
    serving.sandbox().inject(once(Effect::HangUp));
    let client = reqwest::Client::new();
    let create = || {
        client
            .post(format!("{}{SESSIONS}", serving.url()))
            .bearer_auth("sk_test_sandbox")
            .header("idempotency-key", "k")
            .form(&Form::hosted().pairs())
            .send()
    };
    let error = create().await.expect_err("no answer");
    assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
    let retry = create().await.unwrap();
    assert_eq!(retry.headers()["idempotent-replayed"], "true", "the work was done");
}
