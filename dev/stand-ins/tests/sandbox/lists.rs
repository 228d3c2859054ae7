//! Lists: their pages, their filters and their errors.

use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::Value;

use crate::harness::{Bench, Form, REFUNDS, SESSIONS, START};

const EVENTS: &str = "/v1/events";

/// Lists the ids of a page, and whether more follow.
async fn page(bench: &Bench, path: &str, query: &str) -> (Vec<String>, bool) {
    let list = bench.get(&format!("{path}?{query}")).await;
    assert_eq!(list.status, StatusCode::OK, "{query}: {}", list.text);
    let list = list.json();
    assert_eq!((&list["object"], &list["url"]), (&"list".into(), &path.into()));
    let data = list["data"].as_array().unwrap().iter();
    (
        data.map(|object| object["id"].as_str().unwrap().to_owned()).collect(),
        list["has_more"].as_bool().unwrap(),
    )
}

/// Opens a session a minute, and returns their ids, newest first.
async fn five_sessions(bench: &Bench) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, bench.open(&Form::hosted()).await);
        bench.advance(SignedDuration::from_mins(1));
    }
    ids
}

#[tokio::test]
async fn pages_follow_and_precede_one_another() {
    let bench = Bench::new();
    let ids = five_sessions(&bench).await;
    let cases = [
        (String::new(), 0..5, false),
        ("limit=2".to_owned(), 0..2, true),
        (format!("limit=2&starting_after={}", ids[1]), 2..4, true),
        (format!("limit=2&starting_after={}", ids[3]), 4..5, false),
        (format!("limit=2&starting_after={}", ids[4]), 5..5, false),
        (format!("limit=2&ending_before={}", ids[4]), 2..4, true),
        (format!("limit=2&ending_before={}", ids[2]), 0..2, false),
        (format!("ending_before={}", ids[0]), 0..0, false),
    ];
    for (query, expected, has_more) in cases {
        let listed = page(&bench, SESSIONS, &query).await;
        assert_eq!(listed, (ids[expected].to_vec(), has_more), "{query}");
    }
}

#[tokio::test]
async fn sessions_are_listed_by_status_payment_and_time() {
    let bench = Bench::new();
    let ids = five_sessions(&bench).await;
    bench.sandbox.pay(&ids[1]).unwrap();
    bench.sandbox.pay_by_debit(&ids[3]).unwrap();
    bench.sandbox.expire(&ids[2]).unwrap();
    let payment = bench.sandbox.payment(&ids[1]).unwrap().id;
    let second = |minutes: i64| START + 60 * minutes;
    let cases = [
        ("status=complete".to_owned(), vec![1, 3]),
        ("status=expired".to_owned(), vec![2]),
        ("status=open".to_owned(), vec![0, 4]),
        (format!("payment_intent={payment}"), vec![1]),
        (format!("payment_intent={payment}&status=open"), vec![]),
        (format!("created={}", second(1)), vec![3]),
        (format!("created[gte]={}", second(3)), vec![0, 1]),
        (format!("created[gt]={}", second(3)), vec![0]),
        (format!("created[lte]={}", second(1)), vec![3, 4]),
        (format!("created[lt]={}", second(1)), vec![4]),
        (format!("created%5Bgt%5D={}&created[lt]={}", second(1), second(4)), vec![1, 2]),
        (format!("status=complete&starting_after={}", ids[2]), vec![3]),
    ];
    for (query, expected) in cases {
        let expected: Vec<_> =
            expected.into_iter().map(|index: usize| ids[index].clone()).collect();
        assert_eq!(page(&bench, SESSIONS, &query).await, (expected, false), "{query}");
    }
}

#[tokio::test]
async fn a_list_includes_payments_only_if_it_is_asked_to() {
    let bench = Bench::new();
    let payment = bench.paid().await;
    bench.post(REFUNDS, &Form::of(&[("payment_intent", &payment)])).await;
    for path in [SESSIONS, REFUNDS] {
        let list = async |query: &str| {
            let list = bench.get(&format!("{path}{query}")).await.json();
            list["data"][0]["payment_intent"].clone()
        };
        assert_eq!(list("").await, *payment);
        let expanded = list("?expand[]=data.payment_intent").await;
        assert_eq!(expanded["id"], *payment, "{path}");
        assert_eq!(expanded["status"], "succeeded", "{path}");
    }
}

#[tokio::test]
async fn events_are_listed_by_type_and_time() {
    let bench = Bench::new();
    let payment = bench.paid().await;
    bench.advance(SignedDuration::from_mins(1));
    bench.post(REFUNDS, &Form::of(&[("payment_intent", &payment)])).await;
    let list = async |query: &str| -> Vec<Value> {
        let list = bench.get(&format!("{EVENTS}?{query}")).await.json();
        list["data"].as_array().unwrap().iter().map(|event| event["type"].clone()).collect()
    };
    let (charge, refund, session) =
        ("charge.refunded", "refund.created", "checkout.session.completed");
    let late = format!("created[gt]={START}");
    let cases = [
        ("", vec![charge, refund, session]),
        ("type=charge.refunded", vec![charge]),
        ("type=checkout.session.*", vec![session]),
        ("type=*", vec![charge, refund, session]),
        ("type=charge", vec![]),
        ("types[]=refund.created&types[]=charge.refunded", vec![charge, refund]),
        ("limit=1", vec![charge]),
        (late.as_str(), vec![charge, refund]),
    ];
    for (query, expected) in cases {
        assert_eq!(list(query).await, expected, "{query}");
    }
    let newest = bench.sandbox.events().pop().unwrap();
    let listed = bench.get(&format!("{EVENTS}?limit=1")).await.json();
    let sent: Value = serde_json::from_str(newest.body()).unwrap();
    assert_eq!(listed["data"][0], sent, "as it was sent");
    bench.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(list("").await, [""; 0], "Stripe lists events for 30 days");
}

#[tokio::test]
async fn each_mistake_in_a_list_has_its_error() {
    let bench = Bench::new();
    bench.open(&Form::hosted()).await;
    let integer = Some("parameter_invalid_integer");
    for path in [SESSIONS, REFUNDS, EVENTS] {
        for (query, param, code) in [
            ("limit=0", "limit", integer),
            ("limit=101", "limit", integer),
            ("limit=99999999999999999999", "limit", integer),
            ("limit=ten", "limit", integer),
            ("limit[gt]=1", "limit", None),
            ("starting_after=none_1", "starting_after", Some("resource_missing")),
            ("ending_before=none_1", "ending_before", Some("resource_missing")),
            ("starting_after=", "starting_after", Some("parameter_invalid_empty")),
            ("starting_after=a&ending_before=b", "ending_before", None),
            ("created=yesterday", "created", integer),
            ("created[gte]=yesterday", "created[gte]", integer),
            ("created[gte]=-1", "created[gte]", integer),
            ("created[since]=1", "created[since]", Some("parameter_unknown")),
            ("created[]=1", "created", None),
            ("expand[]=payment_intent", "expand[0]", None),
            ("expand[]=data.charge.customer", "expand[0]", None),
            ("expand=data.payment_intent", "expand", None),
            ("customer=cus_1", "customer", Some("parameter_unknown")),
        ] {
            let answer = bench.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}?{query}: {}", answer.text);
            let error = answer.error();
            assert_eq!(error["type"], "invalid_request_error", "{path}?{query}");
            assert_eq!(error["param"], param, "{path}?{query}");
            assert_eq!(error["code"].as_str(), code, "{path}?{query}");
        }
    }
    for (path, query, param) in [
        (SESSIONS, "status=paid", "status"),
        (SESSIONS, "payment_intent=pi_none", "payment_intent"),
        (REFUNDS, "payment_intent=pi_none", "payment_intent"),
        (EVENTS, "type=a&types[]=b", "types"),
        (EVENTS, "expand[]=data.payment_intent", "expand[0]"),
    ] {
        let answer = bench.get(&format!("{path}?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}?{query}: {}", answer.text);
        assert_eq!(answer.error()["param"], param, "{path}?{query}");
    }
}
