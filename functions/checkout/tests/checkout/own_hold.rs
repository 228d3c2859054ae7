//! One's own hold: found again, and given up for another time.

use jiff::SignedDuration;
use openchair::store::StoreError;
use salon::booking::State;
use serde_json::{Value, json};
use stand_ins::sandbox::{Effect, SessionStatus};

use crate::harness::Harness;
use testing::Call;
use testing::http_messages::{
    checkout_body, checkout_event, json_body, status_and_code, text_field,
};

/// Requests a time as one person at one address.
async fn request(harness: &Harness, time: &str, more: Value) -> (u16, Value) {
    let mut body = json!({
        "time": time, "clientPhone": "+1 206 555 0100", "clientEmail": "ada@example.com",
    });
    for (name, value) in more.as_object().expect("fields") {
        body[name] = value.clone();
    }
    let event = checkout_event(&checkout_body(body)).source("192.0.2.7");
    let response = harness.send(&event).await;
    (response.status().as_u16(), json_body(&response))
}

#[tokio::test]
async fn ones_own_hold_is_never_called_taken() {
    let harness = Harness::new().await;
    let (status, first) = request(&harness, "10:00", json!({})).await;
    assert_eq!(status, 201);
    let (status, again) = request(&harness, "10:00", json!({})).await;
    assert_eq!(status, 200);
    for same in ["bookingId", "url", "sessionId", "holdExpiresAt"] {
        assert_eq!(again[same], first[same], "{same}");
    }
    assert_eq!(again["manageToken"], Value::Null, "releasing needs the token");
    assert_eq!(harness.entries("s1", "2026-11-24").await.len(), 1);

    // Anybody else, or another wish, is not helped.
    for other in [
        json!({"clientEmail": "grace@example.com"}),
        json!({"clientPhone": "+1 206 555 0101"}),
        json!({"serviceId": "2.04"}),
        json!({"staffId": "s1"}),
    ] {
        let (status, body) = request(&harness, "10:00", other.clone()).await;
        assert_eq!((status, &body["error"]["code"]), (409, &json!("slot_taken")), "{other}");
    }
    let elsewhere = checkout_event(&checkout_body(json!({
        "clientPhone": "+1 206 555 0100", "clientEmail": "ada@example.com",
    })));
    let response = harness.send(&elsewhere.source("192.0.2.8")).await;
    assert_eq!(status_and_code(&response), (409, "slot_taken".to_owned()), "another address");
    harness.check_invariants();
}

#[tokio::test]
async fn other_peoples_bookings_at_the_same_address_are_not_read() {
    let harness = Harness::new().await;
    let other = json!({"clientPhone": "+1 206 555 0101", "clientEmail": "grace@example.com"});
    assert_eq!(request(&harness, "10:00", other).await.0, 201);
    harness.store.set_hook(|call: Call<'_>| match call {
        Call::Booking(id) => {
            let problem = "it was read".to_owned();
            Err(StoreError::Corrupt { key: format!("BOOKING#{id}"), problem }.into())
        }
        _ => Ok(()),
    });
    assert_eq!(request(&harness, "15:00", json!({})).await.0, 201);
}

#[tokio::test]
async fn a_repeat_without_a_key_continues_after_stripe_was_busy() {
    let harness = Harness::new().await;
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::RateLimited, 5);
    let (status, _) = request(&harness, "10:00", json!({})).await;
    assert_eq!(status, 503);
    harness.stripe().clear_faults();
    let (status, body) = request(&harness, "10:00", json!({})).await;
    assert_eq!(status, 200);
    assert!(body["url"].is_string(), "{body}");
    assert_eq!(harness.entries("s1", "2026-11-24").await.len(), 1);
}

#[tokio::test]
async fn another_choice_gives_up_the_first() {
    let harness = Harness::new().await;
    let (_, first) = request(&harness, "10:00", json!({})).await;
    let (_, second) = request(&harness, "15:00", json!({})).await;
    let replaces = json!({"bookingId": second["bookingId"], "manageToken": second["manageToken"]});
    // The limit is two, and the new time overlaps the old one.
    let (status, third) = request(&harness, "15:15", json!({"replaces": replaces})).await;
    assert_eq!(status, 201, "{third}");
    let old = harness.booking(&text_field(&second, "bookingId")).await;
    assert_eq!(old.state, State::Cancelled);
    let session = harness.stripe().session(&text_field(&second, "sessionId"));
    assert_eq!(session.expect("a session").status, SessionStatus::Expired);
    assert_eq!(harness.booking(&text_field(&first, "bookingId")).await.state, State::Held);
    harness.check_invariants();

    let (status, again) = request(&harness, "16:00", json!({"replaces": replaces})).await;
    assert_eq!((status, &again["error"]["code"]), (429, &json!("too_many_holds")), "it is over");
}

#[tokio::test]
async fn nothing_is_given_up_for_a_time_that_cannot_be_had() {
    let harness = Harness::new().await;
    harness.hold("12:00").await;
    let (_, own) = request(&harness, "10:00", json!({})).await;
    let replaces = json!({"bookingId": own["bookingId"], "manageToken": own["manageToken"]});
    for (time, code) in [("12:00", "slot_taken"), ("10:05", "not_on_step")] {
        let (_, body) = request(&harness, time, json!({"replaces": replaces})).await;
        assert_eq!(body["error"]["code"], code);
        assert_eq!(harness.booking(&text_field(&own, "bookingId")).await.state, State::Held);
    }
    let other = harness.reserve(&checkout_body(json!({"time": "14:00"}))).await;
    let wrong = json!({
        "bookingId": json_body(&other)["bookingId"], "manageToken": own["manageToken"],
    });
    let (status, body) = request(&harness, "16:00", json!({"replaces": wrong})).await;
    assert_eq!((status, &body["error"]["field"]), (403, &json!("replaces")));
    for malformed in [json!("x"), json!({}), json!({"bookingId": own["bookingId"]}), json!([1])] {
        let (status, body) = request(&harness, "16:00", json!({"replaces": malformed})).await;
        assert_eq!((status, &body["error"]["field"]), (422, &json!("replaces")), "{malformed}");
    }
    harness.check_invariants();
}

#[tokio::test]
async fn a_paid_booking_is_not_replaced() {
    let harness = Harness::new().await;
    let (_, own) = request(&harness, "10:00", json!({})).await;
    harness.stripe().pay(&text_field(&own, "sessionId")).expect("it is open");
    let replaces = json!({"bookingId": own["bookingId"], "manageToken": own["manageToken"]});
    // Nobody knew of the payment at the first try.
    for _ in 0..2 {
        let (status, body) = request(&harness, "15:00", json!({"replaces": replaces})).await;
        assert_eq!((status, &body["error"]["code"]), (409, &json!("not_cancellable")));
        let booking = harness.booking(&text_field(&own, "bookingId")).await;
        assert_eq!(booking.state, State::Confirmed);
    }
    assert_eq!(harness.entries("s1", "2026-11-24").await.len(), 1);
    harness.check_invariants();
}

#[tokio::test]
async fn a_key_whose_hold_has_ended_says_so_without_an_address_to_pay_at() {
    let harness = Harness::new().await;
    let event = checkout_event(&checkout_body(json!({})))
        .header("idempotency-key", "a random key, 0123456789");
    assert!(json_body(&harness.send(&event).await)["url"].is_string());
    harness.clock.advance(SignedDuration::from_mins(36));
    let body = json_body(&harness.send(&event).await);
    assert_eq!(body["status"], "expired");
    for dead in ["url", "clientSecret"] {
        assert_eq!(body[dead], Value::Null, "{dead}");
    }
}
