//! API keys, their modes and rights, and the version of the API.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use stand_ins::sandbox::Right;

use crate::harness::{Bench, Form, REFUNDS, SESSIONS, request};

/// Sends a call with an authorization, and returns its status and the error's message.
async fn call(bench: &Bench, method: &str, path: &str, key: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    let answer = bench.send(request.body(Body::empty()).unwrap()).await;
    let error = answer.error();
    (answer.status, error["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn only_keys_of_test_mode_are_accepted() {
    let bench = Bench::new();
    let path = format!("{SESSIONS}/cs_test_none");
    for (key, status, message) in [
        ("sk_test_1", StatusCode::NOT_FOUND, ""),
        ("rk_test_1", StatusCode::NOT_FOUND, ""),
        ("sk_live_1", StatusCode::UNAUTHORIZED, "moves no real money"),
        ("rk_live_51Abc", StatusCode::UNAUTHORIZED, "moves no real money"),
        ("pk_test_1", StatusCode::UNAUTHORIZED, "Invalid API Key provided: pk_test_1"),
        ("sk_test_", StatusCode::UNAUTHORIZED, "Invalid API Key"),
        ("sk_1", StatusCode::UNAUTHORIZED, "Invalid API Key"),
        ("SK_TEST_1", StatusCode::UNAUTHORIZED, "Invalid API Key"),
        ("sk_test_a b", StatusCode::UNAUTHORIZED, "Invalid API Key"),
        (
            "whsec_0123456789abcdef",
            StatusCode::UNAUTHORIZED,
            "Invalid API Key provided: whsec_01**********cdef",
        ),
        ("", StatusCode::UNAUTHORIZED, "did not provide an API key"),
    ] {
        let (found, said) = call(&bench, "GET", &path, key).await;
        assert_eq!(found, status, "{key}: {said}");
        assert!(said.contains(message), "{key}: {said}");
    }
}

#[tokio::test]
async fn a_restricted_key_needs_the_right_to_each_call() {
    use Right::{
        CheckoutSessionsRead, CheckoutSessionsWrite, EventsRead, PaymentIntentsRead,
        PaymentIntentsWrite, RefundsRead, RefundsWrite,
    };
    let calls = [
        (
            "GET",
            SESSIONS,
            CheckoutSessionsRead,
            Some(CheckoutSessionsWrite),
            "rak_checkout_session_read",
        ),
        ("POST", SESSIONS, CheckoutSessionsWrite, None, "rak_checkout_session_write"),
        (
            "GET",
            "/v1/payment_intents/pi_1",
            PaymentIntentsRead,
            Some(PaymentIntentsWrite),
            "rak_payment_intent_read",
        ),
        (
            "POST",
            "/v1/payment_intents/pi_1/capture",
            PaymentIntentsWrite,
            None,
            "rak_payment_intent_write",
        ),
        ("GET", REFUNDS, RefundsRead, Some(RefundsWrite), "rak_charge_read"),
        ("POST", REFUNDS, RefundsWrite, None, "rak_charge_write"),
        ("GET", "/v1/events", EventsRead, None, "rak_event_read"),
    ];
    let with = |rights: &[Right]| {
        let rights = rights.iter().copied().collect();
        Bench::choosing(|options| options.restricted_key_rights = Some(rights))
    };
    let all: Vec<_> = calls.iter().map(|(_, _, right, ..)| *right).collect();
    for (method, path, right, including, name) in calls {
        let others: Vec<_> =
            all.iter().copied().filter(|it| *it != right && Some(*it) != including).collect();
        let bench = with(&others);
        let (status, message) = call(&bench, method, path, "rk_test_0123456789").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
        assert!(message.contains("'rk_test_******6789'"), "{message}");
        assert!(message.contains(&format!("Having the '{name}' permission")), "{message}");
        let (status, _) = call(&bench, method, path, "sk_test_1").await;
        assert_ne!(status, StatusCode::FORBIDDEN, "a secret key has every right: {method} {path}");
        for right in [Some(right), including].into_iter().flatten() {
            let (status, _) = call(&with(&[right]), method, path, "rk_test_1").await;
            assert_ne!(status, StatusCode::FORBIDDEN, "{right:?} allows {method} {path}");
        }
    }
}

#[tokio::test]
async fn a_refused_call_changes_nothing() {
    let bench = Bench::choosing(|options| options.restricted_key_rights = Some([].into()));
    for key in ["rk_test_1", "sk_live_1", "none"] {
        let form = crate::harness::form_request(SESSIONS);
        let mut form = form.body(Form::hosted().body()).unwrap();
        let value = format!("Bearer {key}").parse().unwrap();
        form.headers_mut().insert(header::AUTHORIZATION, value);
        assert!(!bench.send(form).await.status.is_success(), "{key}");
    }
    assert!(bench.sandbox.sessions().is_empty());
}

#[tokio::test]
async fn a_version_must_look_like_one() {
    let bench = Bench::new();
    for (version, status) in [
        ("2026-09-30.endive", StatusCode::OK),
        ("2025-03-31.basil", StatusCode::OK),
        ("2020-08-27", StatusCode::OK),
        ("2026-13-30.endive", StatusCode::BAD_REQUEST),
        ("20260930", StatusCode::BAD_REQUEST),
        ("2026-09-30.", StatusCode::BAD_REQUEST),
        ("2026-09-30.Endive 1", StatusCode::BAD_REQUEST),
        ("latest", StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
    ] {
        let request = request("GET", SESSIONS).header("stripe-version", version);
        let answer = bench.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{version:?}: {}", answer.text);
        if status != StatusCode::OK {
            assert_eq!(answer.error()["message"], format!("Invalid Stripe API version: {version}"));
        }
    }
}
