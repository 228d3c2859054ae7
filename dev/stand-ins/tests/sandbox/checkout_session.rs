//! Checkout Sessions and their rules.

use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;
use stand_ins::sandbox::SessionStatus;

use crate::harness::{Bench, Form, PUBLIC_URL, SESSIONS, START};

#[tokio::test]
async fn a_session_returns_its_parameters() {
    let bench = Bench::new();
    let form = Form::hosted()
        .set("client_reference_id", "b_17")
        .set("customer_email", "ada@example.com")
        .set("metadata[booking]", "b_17")
        .set("metadata[empty]", "")
        .set("payment_intent_data[metadata][salon]", "beauty-lounge")
        .set("allowed_payment_method_types[0]", "card")
        .set("allowed_payment_method_types[1]", "klarna");
    let created = bench.post(SESSIONS, &form).await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.text);
    let session = created.json();
    let id = session["id"].as_str().unwrap();
    let expected = json!({
        "object": "checkout.session",
        "amount_total": 5000,
        "amount_subtotal": 5000,
        "currency": "usd",
        "client_reference_id": "b_17",
        "client_secret": null,
        "customer_email": "ada@example.com",
        "created": START,
        "expires_at": START + 24 * 3600,
        "metadata": {"booking": "b_17"},
        "mode": "payment",
        "payment_intent": null,
        "allowed_payment_method_types": ["card", "klarna"],
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "ui_mode": "hosted_page",
        "url": format!("{PUBLIC_URL}/pay/{id}"),
        "livemode": false,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&session[field], value, "{field}");
    }
    assert!(id.starts_with("cs_test_"));

    let read = bench.get(&format!("{SESSIONS}/{id}")).await;
    assert_eq!(read.json(), session, "reading gives the same object");

    bench.sandbox.pay(id).unwrap();
    let path = format!("{SESSIONS}/{id}?expand[]=payment_intent");
    let paid = bench.get(&path).await.json();
    assert_eq!(paid["payment_intent"]["metadata"]["salon"], "beauty-lounge");
    assert_eq!(paid["payment_intent"]["status"], "succeeded");
    assert_eq!(paid["url"], json!(null), "a paid session has no page to pay on");
}

#[tokio::test]
async fn each_ui_mode_returns_a_url_or_a_client_secret() {
    let bench = Bench::new();
    for (form, has_url) in [
        (Form::hosted(), true),
        (Form::hosted().set("ui_mode", "hosted_page"), true),
        (Form::embedded(), false),
        (Form::elements(), false),
    ] {
        let session = bench.post(SESSIONS, &form).await;
        assert_eq!(session.status, StatusCode::OK, "{}", session.text);
        let session = session.json();
        assert_eq!(session["url"].is_string(), has_url, "{session}");
        let id = session["id"].as_str().unwrap();
        let secret = session["client_secret"].as_str();
        let expected = format!("{id}_secret_");
        assert_eq!(
            secret.is_some_and(|secret| secret.starts_with(&expected)),
            !has_url,
            "{session}"
        );
    }
}

#[tokio::test]
async fn each_broken_rule_of_a_session_has_its_error() {
    let bench = Bench::new();
    let (hosted, embedded, elements) = (Form::hosted, Form::embedded, Form::elements);
    let price = |field: &str| format!("line_items[0][price_data][{field}]");
    let long = |length: usize| "x".repeat(length);
    let long_key = format!("metadata[{}]", long(41));
    let at = |minutes: i64, seconds: i64| (START + minutes * 60 + seconds).to_string();
    let mut many_keys = hosted();
    for i in 0..51 {
        many_keys = many_keys.set(&format!("metadata[k{i}]"), "v");
    }
    #[rustfmt::skip]
    let cases: Vec<(&str, Form, Option<&str>, Option<&str>)> = vec![
        ("no mode", hosted().without("mode"), Some("parameter_missing"), Some("mode")),
        ("an unknown mode", hosted().set("mode", "gift"), None, Some("mode")),
        ("a mode of Stripe's only", hosted().set("mode", "setup"), None, Some("mode")),
        ("an old name of a ui_mode", hosted().set("ui_mode", "hosted"), None, Some("ui_mode")),
        ("hosted without success_url", hosted().without("success_url"), Some("parameter_missing"), Some("success_url")),
        ("hosted with return_url", hosted().set("return_url", "https://a.example"), None, Some("return_url")),
        ("embedded without return_url", embedded().without("return_url"), Some("parameter_missing"), Some("return_url")),
        ("embedded with success_url", embedded().set("success_url", "https://a.example"), None, Some("success_url")),
        ("embedded with cancel_url", embedded().set("cancel_url", "https://a.example"), None, Some("cancel_url")),
        ("elements with success_url", elements().set("success_url", "https://a.example"), None, Some("success_url")),
        ("elements without return_url", elements().without("return_url"), Some("parameter_missing"), Some("return_url")),
        ("an address without a scheme", hosted().set("success_url", "salon.example/done"), Some("url_invalid"), Some("success_url")),
        ("an address that is a script", hosted().set("cancel_url", "javascript:alert(1)"), Some("url_invalid"), Some("cancel_url")),
        ("no line items", hosted().without("line_items[0][quantity]").without(&price("currency")).without(&price("unit_amount")).without(&price("product_data][name")), Some("parameter_missing"), Some("line_items")),
        ("line items that are no list", Form::of(&[("mode", "payment"), ("success_url", "https://a.example"), ("line_items", "one")]), None, Some("line_items")),
        ("no quantity", hosted().without("line_items[0][quantity]"), Some("parameter_missing"), Some("line_items[0][quantity]")),
        ("a quantity of 0", hosted().set("line_items[0][quantity]", "0"), Some("parameter_invalid_integer"), Some("line_items[0][quantity]")),
        ("no currency", hosted().without(&price("currency")), Some("parameter_missing"), Some("line_items[0][price_data][currency]")),
        ("an unknown currency", hosted().set(&price("currency"), "xxx"), None, Some("line_items[0][price_data][currency]")),
        ("no amount", hosted().without(&price("unit_amount")), Some("parameter_missing"), Some("line_items[0][price_data][unit_amount]")),
        ("an amount in dollars", hosted().set(&price("unit_amount"), "50.00"), Some("parameter_invalid_integer"), Some("line_items[0][price_data][unit_amount]")),
        ("a negative amount", hosted().set(&price("unit_amount"), "-5000"), Some("parameter_invalid_integer"), Some("line_items[0][price_data][unit_amount]")),
        ("a total under the minimum", hosted().set(&price("unit_amount"), "49"), Some("amount_too_small"), None),
        ("a total over eight digits", hosted().set(&price("unit_amount"), "100000000"), Some("amount_too_large"), None),
        ("a total over all numbers", hosted().set(&price("unit_amount"), "9223372036854775807").set("line_items[0][quantity]", "9"), Some("amount_too_large"), None),
        ("no name", hosted().without(&price("product_data][name")), Some("parameter_missing"), Some("line_items[0][price_data][product_data]")),
        ("an empty name", hosted().set(&price("product_data][name"), ""), Some("parameter_invalid_empty"), Some("line_items[0][price_data][product_data][name]")),
        ("two currencies", hosted().set("line_items[1][quantity]", "1").set("line_items[1][price_data][currency]", "eur").set("line_items[1][price_data][unit_amount]", "100").set("line_items[1][price_data][product_data][name]", "b"), None, Some("line_items")),
        ("29 minutes and 59 seconds", hosted().set("expires_at", &at(29, 59)), None, Some("expires_at")),
        ("24 hours and a second", hosted().set("expires_at", &at(24 * 60, 1)), None, Some("expires_at")),
        ("an expiry in words", hosted().set("expires_at", "tomorrow"), Some("parameter_invalid_integer"), Some("expires_at")),
        ("an expiry after all time", hosted().set("expires_at", "9223372036854775807"), None, Some("expires_at")),
        ("no e-mail address", hosted().set("customer_email", "ada"), Some("email_invalid"), Some("customer_email")),
        ("a long reference", hosted().set("client_reference_id", &long(201)), None, Some("client_reference_id")),
        ("51 metadata keys", many_keys, None, Some("metadata")),
        ("a long metadata key", hosted().set(&long_key, "v"), None, Some(&long_key)),
        ("a long metadata value", hosted().set("metadata[k]", &long(501)), None, Some("metadata[k]")),
        ("metadata that is no object", hosted().set("metadata", "k"), None, Some("metadata")),
        ("an unknown parameter", hosted().set("colour", "red"), Some("parameter_unknown"), Some("colour")),
        ("an unknown parameter inside", hosted().set("line_items[0][price_data][amount]", "1"), Some("parameter_unknown"), Some("line_items[0][price_data][amount]")),
        ("an unknown parameter of the payment", hosted().set("payment_intent_data[colour]", "red"), Some("parameter_unknown"), Some("payment_intent_data[colour]")),
        ("a parameter of older versions", hosted().set("payment_method_types[0]", "card"), Some("parameter_unknown"), Some("payment_method_types")),
        ("a parameter of Stripe's only", hosted().set("discounts[0][coupon]", "c"), Some("parameter_unknown"), Some("discounts")),
        ("no payment method left", hosted().set("allowed_payment_method_types[0]", "klarna"), None, None),
        ("an expansion of Stripe's only", hosted().set("expand[0]", "customer"), None, Some("expand[0]")),
        ("a bracket that does not close", hosted().set("metadata[", "x"), None, None),
    ];
    for (rule, form, code, param) in cases {
        let answer = bench.post(SESSIONS, &form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{rule}: {}", answer.text);
        let error = answer.error();
        assert_eq!(error["type"], "invalid_request_error", "{rule}");
        assert_eq!(error["code"].as_str(), code, "{rule}: {error}");
        assert_eq!(error["param"].as_str(), param, "{rule}: {error}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{rule}");
    }
}

#[tokio::test]
async fn limits_are_inclusive() {
    let bench = Bench::new();
    let price = "line_items[0][price_data][unit_amount]";
    let currency = "line_items[0][price_data][currency]";
    for (edge, form) in [
        ("30 minutes", Form::hosted().set("expires_at", &(START + 1_800).to_string())),
        ("24 hours", Form::hosted().set("expires_at", &(START + 86_400).to_string())),
        ("the minimum", Form::hosted().set(price, "50")),
        ("50 yen", Form::hosted().set(price, "50").set(currency, "JPY")),
        (
            "a free item and one that is not",
            Form::hosted()
                .set("line_items[1][quantity]", "1")
                .set("line_items[1][price_data][currency]", "usd")
                .set("line_items[1][price_data][unit_amount]", "0")
                .set("line_items[1][price_data][product_data][name]", "Tea"),
        ),
        ("no cancel_url", Form::hosted().without("cancel_url")),
    ] {
        let answer = bench.post(SESSIONS, &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{edge}: {}", answer.text);
    }
}

#[tokio::test]
async fn only_an_open_session_expires() {
    let bench = Bench::new();
    let expire =
        async |id: &str| bench.post(&format!("{SESSIONS}/{id}/expire"), &Form::default()).await;
    let id = bench.open(&Form::hosted()).await;
    let expired = expire(&id).await;
    assert_eq!(expired.status, StatusCode::OK);
    assert_eq!(expired.json()["status"], "expired");
    assert_eq!(expired.json()["url"], json!(null));

    let paid = bench.open(&Form::hosted()).await;
    bench.sandbox.pay(&paid).unwrap();
    for id in [&id, &paid] {
        let again = expire(id).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST);
        assert_eq!(again.error()["type"], "invalid_request_error");
    }
    assert_eq!(expire("cs_test_none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_session_is_expired_from_its_expiry_on() {
    let bench = Bench::new();
    let form = Form::hosted().set("expires_at", &(START + 35 * 60).to_string());
    let id = bench.open(&form).await;
    bench.advance(SignedDuration::from_secs(35 * 60 - 1));
    assert_eq!(bench.sandbox.session(&id).unwrap().status, SessionStatus::Open);
    bench.advance(SignedDuration::from_secs(1));
    let read = bench.get(&format!("{SESSIONS}/{id}")).await.json();
    assert_eq!(read["status"], "expired");
    assert!(bench.sandbox.pay(&id).is_err(), "an expired session cannot be paid");
}
