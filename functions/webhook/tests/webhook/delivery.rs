//! What an event is answered with.

use jiff::SignedDuration;
use serde_json::json;
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::WEBHOOK_SECRET;

use crate::harness::{Harness, changed};
use testing::HarnessOptions;
use testing::http_messages::{json_body, status_and_code};

#[tokio::test]
async fn a_paid_session_confirms_its_booking_once() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    harness.deliver_all().await;
    let booking = harness.booking(&held.id).await;
    assert_eq!(booking.state.as_str(), "confirmed");
    assert_eq!(booking.payment, harness.stripe().payment(&held.session).map(|it| it.id));
    harness.deliver_all().await;
    assert_eq!(harness.booking(&held.id).await, booking);
}

#[tokio::test]
async fn an_event_of_something_else_is_acknowledged_and_changes_nothing() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    let body = harness.event_bodies().pop().expect("an event");
    let session = |change: fn(&mut serde_json::Value)| {
        changed(&body, |event| change(&mut event["data"]["object"]))
    };
    let cases = [
        ("no metadata", session(|it| it["metadata"] = json!(null))),
        ("of another shop", session(|it| it["metadata"] = json!({"order": "7"}))),
        ("of another shop, unreadable", session(|it| *it = json!({"id": "cs_1", "status": 7}))),
        ("another form of id", session(|it| it["metadata"]["booking_id"] = json!("7"))),
        ("not in the table", body.replace(held.id.as_str(), &"0".repeat(32))),
        ("of live mode", changed(&body, |event| event["livemode"] = json!(true))),
        ("of another type", changed(&body, |event| event["type"] = json!("invoice.paid"))),
    ];
    for (what, body) in cases {
        let response = harness.deliver(&body).await;
        assert_eq!(
            (response.status().as_u16(), json_body(&response)),
            (200, json!({"received": true}))
        );
        assert_eq!(harness.status(&held.id).await, "held", "{what}");
    }
}

#[tokio::test]
async fn a_test_payment_confirms_nothing_where_real_money_is_taken() {
    let options = HarnessOptions { stripe_key: "rk_live_1", ..HarnessOptions::default() };
    let harness = Harness::with(WEBHOOK_SECRET, options).await;
    let test = r#"{"id":"evt_1","livemode":false,"type":"checkout.session.completed",
        "data":{"object":{"metadata":{"booking_id":"00000000000000000000000000000000"}}}}"#;
    // Of our mode, so it would have to be understood.
    let live = test.replace("false", "true");
    assert_eq!(status_and_code(&harness.deliver(&live).await), (500, "internal".to_owned()));
    let whole = test.replace(
        "\"metadata\"",
        r#""id":"cs_1","status":"complete","payment_status":"paid","livemode":false,"expires_at":1,"metadata""#,
    );
    assert_eq!(harness.deliver(&whole).await.status(), 200);
}

#[tokio::test]
async fn an_unreadable_event_of_a_booking_is_not_acknowledged() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    let body = harness.event_bodies().pop().expect("an event");
    let cases = [
        changed(&body, |event| event["data"]["object"]["payment_status"] = json!("maybe")),
        changed(&body, |event| event["data"] = json!({})),
        "not JSON".to_owned(),
        String::new(),
    ];
    for body in cases {
        let response = harness.deliver(&body).await;
        assert_eq!(status_and_code(&response), (500, "internal".to_owned()), "{body}");
        assert!(!format!("{:?}", response.body()).contains("maybe"), "no library's text");
    }
    assert_eq!(harness.status(&held.id).await, "held");
}

#[tokio::test]
async fn an_event_is_not_acknowledged_while_the_table_is_down() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    let body = harness.event_bodies().pop().expect("an event");
    harness.store.set_down(true);
    let response = harness.deliver(&body).await;
    assert_eq!(status_and_code(&response), (503, "store_unavailable".to_owned()));
    assert!(response.headers().contains_key("retry-after"), "{response:?}");
    harness.store.set_down(false);
    assert_eq!(harness.status(&held.id).await, "held");
    // Stripe sends it again, for days.
    harness.clock.advance(SignedDuration::from_mins(30));
    assert_eq!(harness.deliver(&body).await.status(), 200);
    assert_eq!(harness.status(&held.id).await, "confirmed");
}

#[tokio::test]
async fn only_post_at_the_webhook_path_is_accepted() {
    let harness = Harness::new().await;
    for method in ["GET", "PUT", "DELETE"] {
        let response = harness.send(&GatewayEvent::new(method, "/stripe/webhook")).await;
        assert_eq!(status_and_code(&response), (405, "method_not_allowed".to_owned()), "{method}");
        assert_eq!(response.headers()["allow"], "POST");
    }
    let response = harness.send(&GatewayEvent::new("POST", "/stripe")).await;
    assert_eq!(status_and_code(&response), (404, "not_found".to_owned()));
}
