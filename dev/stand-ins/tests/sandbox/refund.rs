//! Refunds and their rules.

use axum::http::StatusCode;
use serde_json::json;

use crate::harness::{Bench, Form, REFUNDS};

#[tokio::test]
async fn a_refund_is_full_or_partial_and_never_exceeds_the_payment() {
    let bench = Bench::new();
    let payment = bench.paid().await;
    let refund = async |amount: Option<&str>| {
        let form = Form::of(&[("payment_intent", &payment), ("metadata[booking]", "b_17")]);
        let form = amount.map_or(form.clone(), |amount| form.set("amount", amount));
        bench.post(REFUNDS, &form).await
    };
    let part = refund(Some("2000")).await.json();
    assert_eq!(part["object"], "refund");
    assert_eq!(part["status"], "succeeded");
    assert_eq!(part["payment_intent"], *payment);
    assert_eq!(part["metadata"], json!({"booking": "b_17"}));
    assert!(part["charge"].as_str().unwrap().starts_with("ch_"));

    let too_much = refund(Some("3001")).await;
    assert_eq!(too_much.status, StatusCode::BAD_REQUEST);
    assert_eq!(too_much.error()["param"], "amount");
    assert_eq!(refund(None).await.json()["amount"], 3_000, "the rest by default");

    let nothing_left = refund(None).await;
    assert_eq!(nothing_left.status, StatusCode::BAD_REQUEST);
    assert_eq!(nothing_left.error()["code"], "charge_already_refunded");
    assert_eq!(bench.sandbox.refunds(&payment).len(), 2);
}

#[tokio::test]
async fn each_broken_rule_of_a_refund_has_its_error() {
    let bench = Bench::new();
    let payment = bench.paid().await;
    let unpaid = bench.open(&Form::hosted()).await;
    bench.sandbox.pay_by_debit(&unpaid).unwrap();
    let unpaid = bench.sandbox.session(&unpaid).unwrap().payment_intent.unwrap();
    let of = |params: &[(&str, &str)]| Form::of(params);
    let pi = "payment_intent";
    for (rule, form, code, param) in [
        ("no payment", of(&[]), Some("parameter_missing"), Some(pi)),
        ("an unknown payment", of(&[(pi, "pi_none")]), Some("resource_missing"), Some(pi)),
        (
            "an amount of 0",
            of(&[(pi, &payment), ("amount", "0")]),
            Some("parameter_invalid_integer"),
            Some("amount"),
        ),
        (
            "an unknown parameter",
            of(&[(pi, &payment), ("why", "rain")]),
            Some("parameter_unknown"),
            Some("why"),
        ),
        (
            "a pending debit",
            of(&[(pi, &unpaid)]),
            Some("payment_intent_unexpected_state"),
            Some(pi),
        ),
    ] {
        let answer = bench.post(REFUNDS, &form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{rule}: {}", answer.text);
        assert_eq!(answer.error()["code"].as_str(), code, "{rule}");
        assert_eq!(answer.error()["param"].as_str(), param, "{rule}");
    }
}

#[tokio::test]
async fn refunds_are_listed_newest_first_in_pages() {
    let bench = Bench::new();
    let payment = bench.paid().await;
    let other = bench.paid().await;
    bench.post(REFUNDS, &Form::of(&[("payment_intent", &other)])).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let form = Form::of(&[("payment_intent", &payment), ("amount", "100")]);
        let refund = bench.post(REFUNDS, &form).await.json();
        ids.insert(0, refund["id"].as_str().unwrap().to_owned());
    }
    let list = async |query: &str| {
        let path = format!("{REFUNDS}?payment_intent={payment}{query}");
        let list = bench.get(&path).await.json();
        let data = list["data"].as_array().unwrap().iter();
        let ids: Vec<_> = data.map(|refund| refund["id"].as_str().unwrap().to_owned()).collect();
        (ids, list["has_more"].as_bool().unwrap())
    };
    assert_eq!(list("").await, (ids.clone(), false));
    assert_eq!(list("&limit=2").await, (ids[..2].to_vec(), true));
    let after = format!("&limit=2&starting_after={}", ids[1]);
    assert_eq!(list(&after).await, (ids[2..].to_vec(), false));
    let limit = bench.get(&format!("{REFUNDS}?limit=101")).await;
    assert_eq!(limit.error()["param"], "limit");
    let all = bench.get(REFUNDS).await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 4);
}
