//! Bodies that are wrong, each answered with the field at fault, none of which
//! changes anything.

use lambda_http::{Body, Response};
use proptest::prelude::*;
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;

use crate::harness::Harness;
use testing::http_messages::{
    checkout_body, checkout_event, json_body, post_json, status_and_code,
};

fn post(body: &str) -> GatewayEvent {
    post_json("/checkout", body)
}

fn field_of(response: &Response<Body>) -> Value {
    json_body(response)["error"]["field"].clone()
}

async fn nothing_happened(harness: &Harness) {
    assert_eq!(harness.store.bookings(), []);
    assert_eq!(harness.sessions_requested(), 0);
    assert_eq!(harness.entries("s1", "2026-11-24").await, []);
}

#[tokio::test]
async fn the_route_method_size_and_type_are_checked_first() {
    let harness = Harness::new().await;
    let plain = |body: &str| GatewayEvent::new("POST", "/checkout").body(body);
    let big = "x".repeat(16 * 1024 + 1);
    let table = [
        (GatewayEvent::new("GET", "/checkout"), 405, "method_not_allowed"),
        (GatewayEvent::new("PUT", "/checkout").body("{}"), 405, "method_not_allowed"),
        (GatewayEvent::new("POST", "/bookings/1"), 405, "method_not_allowed"),
        (GatewayEvent::new("GET", "/bookings/1/cancel"), 405, "method_not_allowed"),
        (GatewayEvent::new("POST", "/checkout/"), 404, "not_found"),
        (GatewayEvent::new("POST", "/"), 404, "not_found"),
        (GatewayEvent::new("GET", "/bookings"), 404, "not_found"),
        (plain(&big), 413, "body_too_large"),
        (post(&big), 413, "body_too_large"),
        (plain("{}"), 415, "unsupported_media_type"),
        (plain("{}").header("content-type", "text/plain"), 415, "unsupported_media_type"),
        (plain("{}").header("content-type", "application/jsonp"), 415, "unsupported_media_type"),
        (
            plain("{}").header("content-type", "application/JSON; charset=utf-8"),
            422,
            "invalid_field",
        ),
        (post("{}"), 422, "invalid_field"),
        (post(" "), 400, "invalid_json"),
        (post("null"), 400, "invalid_json"),
        (post("[]"), 400, "invalid_json"),
        (post("{\"a\":"), 400, "invalid_json"),
        (post("{\"clientName\":\"\\ud800\"}"), 400, "invalid_json"),
        (post(&"[".repeat(10_000)), 400, "invalid_json"),
        (
            post(&format!("{}{}{}", "{\"a\":".repeat(2_000), 1, "}".repeat(2_000))),
            400,
            "invalid_json",
        ),
        (post("").bytes(b"{\"clientName\":\"\xff\"}"), 400, "invalid_json"),
        (post("").bytes(b"\xff\xfe{\x00}\x00"), 400, "invalid_json"),
        (GatewayEvent::new("POST", "/bookings/1/cancel").body("{}"), 415, "unsupported_media_type"),
        (
            GatewayEvent::new("POST", "/bookings/1/cancel")
                .header("content-type", "application/json")
                .body("{\"manageToken\":1}"),
            422,
            "invalid_field",
        ),
    ];
    for (event, status, code) in table {
        let response = harness.send(&event).await;
        assert_eq!(status_and_code(&response), (status, code.to_owned()), "{event:?}");
    }
    nothing_happened(&harness).await;
}

#[tokio::test]
async fn a_base64_body_is_accepted() {
    let harness = Harness::new().await;
    let event =
        post("").bytes(checkout_body(json!({"clientName": "王小明"})).to_string().as_bytes());
    assert_eq!(harness.send(&event).await.status(), 201);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one row for each kind of mistake")]
async fn every_field_is_validated_and_named() {
    let harness = Harness::new().await;
    let texts = ["serviceId", "date", "time", "clientName", "clientPhone", "clientEmail"];
    let not_text = [json!(1), json!(1.5), json!(true), json!([]), json!({}), json!(["2.02"])];
    for name in texts {
        for value in not_text.iter().chain([&json!(null), &json!("absent")]) {
            let response = harness.reserve(&checkout_body(json!({name: value}))).await;
            assert_eq!(
                status_and_code(&response),
                (422, "invalid_field".to_owned()),
                "{name}: {value}"
            );
            assert_eq!(field_of(&response), name, "{value}");
        }
    }
    let huge = "é".repeat(4_000);
    let table = [
        (
            "date",
            vec![
                "",
                "2026-2-3",
                "2026-02-30",
                "2027-02-29",
                "20261124",
                "24.11.2026",
                "2026-11-24T10:00",
                "2026-13-01",
                "0000-00-00",
                "tomorrow",
                "2026-11-24\0",
                "٢٠٢٦-١١-٢٤",
            ],
        ),
        (
            "time",
            vec![
                "", "24:00", "25:00", "9:00", "10", "10:0", "10:60", "10:00:00", "13:00 PM",
                "0:15 AM", "noon", "-1:00", "10:00\0", "10:00 ",
            ],
        ),
        (
            "clientName",
            vec!["", "   ", "\0", "Ada\n", "A\u{202e}b", &huge]
                .into_iter()
                .filter(|name| *name != "Ada\n")
                .collect(),
        ),
        (
            "clientPhone",
            vec!["", "1", "abc", "+1", "+999 12345678", "555-CALL-NOW", "'; DROP", &huge],
        ),
        (
            "clientEmail",
            vec![
                "",
                "a",
                "a@",
                "@b.c",
                "a b@c.example",
                "a@b",
                "a@b.example\r\nBcc: x@y.example",
                &huge,
            ],
        ),
        ("ui", vec!["", "Hosted", "iframe", "elements "]),
    ];
    for (name, values) in table {
        for value in values {
            let response = harness.reserve(&checkout_body(json!({name: value}))).await;
            assert_eq!(
                status_and_code(&response),
                (422, "invalid_field".to_owned()),
                "{name}: {value:?}"
            );
            assert_eq!(field_of(&response), name, "{value:?}");
        }
    }
    let starts = [
        "",
        "2026-11-24T10:00:00",
        "2026-11-24",
        "1795543200",
        "2026-02-30T10:00:00Z",
        "2026-11-24T25:00:00Z",
        "2026-11-24 10:00:00Z",
        "2026-11-24T10:00:00-08:00[America/Los_Angeles]",
    ];
    for start in starts {
        let body = checkout_body(json!({"date": "absent", "time": "absent", "start": start}));
        let response = harness.reserve(&body).await;
        assert_eq!(
            (status_and_code(&response).1, field_of(&response)),
            ("invalid_field".to_owned(), json!("start")),
            "{start}"
        );
    }
    let both = harness.reserve(&checkout_body(json!({"start": "2026-11-24T10:00:00-08:00"}))).await;
    assert_eq!(
        (status_and_code(&both).1, field_of(&both)),
        ("invalid_field".to_owned(), json!("start"))
    );
    nothing_happened(&harness).await;
}

#[tokio::test]
async fn unknown_ids_are_reported_after_fields_and_before_times() {
    let harness = Harness::new().await;
    let table = [
        (json!({"serviceId": "9.99"}), 404, "unknown_service", "serviceId"),
        (json!({"serviceId": "9.99", "date": "2030-01-01"}), 404, "unknown_service", "serviceId"),
        (json!({"serviceId": "9.99", "clientName": ""}), 422, "invalid_field", "clientName"),
        (json!({"serviceId": "x".repeat(5_000)}), 404, "unknown_service", "serviceId"),
        (json!({"serviceId": "2.02\0"}), 404, "unknown_service", "serviceId"),
        (json!({"staffId": "s9"}), 404, "unknown_staff", "staffId"),
        (json!({"staffId": ""}), 404, "unknown_staff", "staffId"),
        (json!({"staffId": 1}), 422, "invalid_field", "staffId"),
        (json!({"date": "2026-11-22"}), 422, "too_soon", "time"),
        (json!({"date": "0001-01-01"}), 422, "too_soon", "time"),
        (json!({"date": "2026-11-23", "time": "08:45"}), 422, "too_soon", "time"),
        (json!({"date": "2027-01-05"}), 422, "too_far", "time"),
        (json!({"date": "9999-12-31"}), 422, "too_far", "time"),
        (json!({"time": "10:05"}), 422, "not_on_step", "time"),
        (json!({"time": "09:45"}), 422, "outside_hours", "time"),
        (json!({"time": "18:45"}), 422, "outside_hours", "time"),
        (json!({"date": "2026-11-29"}), 422, "outside_hours", "time"),
        (json!({"date": "2026-12-25"}), 422, "outside_hours", "time"),
        (json!({"serviceId": "2.04", "time": "16:15"}), 422, "outside_hours", "time"),
    ];
    for (changes, status, code, field) in table {
        let response = harness.reserve(&checkout_body(changes.clone())).await;
        assert_eq!(status_and_code(&response), (status, code.to_owned()), "{changes}");
        assert_eq!(field_of(&response), field, "{changes}");
    }
    for (start, code) in [
        ("2026-11-24T10:00:30-08:00", "not_on_step"),
        ("2026-11-24T10:00:00.001-08:00", "not_on_step"),
        ("0001-01-01T00:00:00Z", "too_soon"),
        ("9999-12-30T22:00:00Z", "too_far"),
        ("2027-02-01T10:00:00-08:00", "too_far"),
    ] {
        let body = checkout_body(json!({"date": "absent", "time": "absent", "start": start}));
        let response = harness.reserve(&body).await;
        assert_eq!(status_and_code(&response), (422, code.to_owned()), "{start}");
        assert_eq!(field_of(&response), "start");
    }
    nothing_happened(&harness).await;
}

#[tokio::test]
async fn a_skipped_local_time_is_refused_and_a_repeated_one_means_the_first() {
    let harness = Harness::with_salon(|file| {
        file.replace("sun = []", "sun = [\"00:00-06:00\"]")
            .replace("horizon_days = 42", "horizon_days = 365")
    })
    .await;
    let gap = harness.reserve(&checkout_body(json!({"date": "2027-03-14", "time": "02:30"}))).await;
    assert_eq!(status_and_code(&gap), (422, "nonexistent_time".to_owned()));
    let fold =
        harness.reserve(&checkout_body(json!({"date": "2027-11-07", "time": "01:30"}))).await;
    assert_eq!(json_body(&fold)["start"], "2027-11-07T01:30:00-07:00");
    let second = checkout_body(
        json!({"date": "absent", "time": "absent", "start": "2027-11-07T01:30:00-08:00"}),
    );
    assert_eq!(json_body(&harness.reserve(&second).await)["start"], "2027-11-07T01:30:00-08:00");
    harness.check_invariants();
}

/// Any JSON, to put where something else belongs.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[0-9:T+Z -]{0,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const FIELDS: [&str; 9] = [
    "serviceId",
    "date",
    "time",
    "start",
    "clientName",
    "clientPhone",
    "clientEmail",
    "staffId",
    "ui",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_invalid_body_causes_a_server_error_or_a_change(
        field in prop::sample::select(&FIELDS[..]),
        value in any_json(),
        bytes in prop::option::weighted(0.2, prop::collection::vec(any::<u8>(), 1..60)),
    ) {
        // What is fine in its place is not what this is about.
        prop_assume!(!(value.is_null() && ["start", "staffId", "ui"].contains(&field)));
        prop_assume!(!(field == "clientName" && value.is_string()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let harness = Harness::new().await;
            let event = match &bytes {
                Some(bytes) => post("").bytes(bytes),
                None => checkout_event(&checkout_body(json!({field: value}))),
            };
            let response = harness.send(&event).await;
            let status = response.status().as_u16();
            assert!((400..500).contains(&status), "{event:?}: {response:?}");
            let error = json_body(&response)["error"].clone();
            if bytes.is_some() {
                assert!(["invalid_json", "invalid_field"].contains(&status_and_code(&response).1.as_str()));
            } else if status_and_code(&response).1 == "invalid_field" {
                assert_eq!(error["field"], field, "{event:?}");
            }
            nothing_happened(&harness).await;
        });
    }
}
