//! The file that puts a booking into a calendar.

use lambda_http::Body;
use serde_json::json;
use stand_ins::gateway_event::GatewayEvent;

use crate::harness::Harness;
use testing::http_messages::{checkout_body, json_body, status_and_code, text_field};

#[tokio::test]
async fn the_calendar_file_publishes_a_paid_booking_and_withdraws_a_cancelled_one() {
    let harness = Harness::new().await;
    let body = json_body(&harness.reserve(&checkout_body(json!({"date": "2026-11-27"}))).await);
    let (id, token) = (text_field(&body, "bookingId"), text_field(&body, "manageToken"));
    let target = format!("/bookings/{id}/calendar.ics");
    assert_eq!(status_and_code(&harness.get(&target).await), (404, "not_found".to_owned()));

    harness.stripe().pay(&text_field(&body, "sessionId")).expect("it is open");
    harness.clock.advance(jiff::SignedDuration::from_secs(4));
    let response = harness.get(&target).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/calendar; charset=utf-8; method=PUBLISH");
    let Body::Text(file) = response.body() else { panic!("{response:?}") };
    assert!(file.contains("STATUS:CONFIRMED"), "{file}");
    for personal in ["Lovelace", "206555", "someone", &token] {
        assert!(!file.contains(personal), "{personal} is in {file}");
    }

    assert_eq!(harness.cancel(&id, &token).await.status(), 200);
    let response = harness.get(&target).await;
    assert_eq!(response.headers()["content-type"], "text/calendar; charset=utf-8; method=CANCEL");
}

#[tokio::test]
async fn a_calendar_file_needs_a_booking_and_get() {
    let harness = Harness::new().await;
    let unknown = format!("/bookings/{}/calendar.ics", "0".repeat(32));
    assert_eq!(status_and_code(&harness.get(&unknown).await), (404, "unknown_booking".to_owned()));
    let response = harness.send(&GatewayEvent::new("POST", &unknown)).await;
    assert_eq!(status_and_code(&response), (405, "method_not_allowed".to_owned()));
    assert_eq!(response.headers()["allow"], "GET");
}
