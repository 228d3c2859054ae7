//! What an idempotency key stands for once its booking has changed.

use jiff::SignedDuration;
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::Effect;

use crate::harness::Harness;
use testing::http_messages::{checkout_body, checkout_event, json_body, text_field};

/// Requests a time under the same key, each time for another client.
fn event(time: &str) -> GatewayEvent {
    let key = "a random key, 0123456789";
    checkout_event(&checkout_body(json!({"time": time}))).header("idempotency-key", key)
}

async fn view(harness: &Harness, id: &str) -> Value {
    harness.clock.advance(SignedDuration::from_secs(4));
    json_body(&harness.get(&format!("/bookings/{id}")).await)
}

/// Places a hold while Stripe is busy. Returns its id and its manage token.
async fn hold_without_session(harness: &Harness, event: &GatewayEvent) -> (String, String) {
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::RateLimited, 5);
    assert_eq!(harness.send(event).await.status(), 503);
    harness.stripe().clear_faults();
    let booking = harness.store.bookings().pop().expect("a booking");
    (booking.id.to_string(), booking.manage_token.expose().to_owned())
}

#[tokio::test]
async fn a_key_keeps_its_booking_that_could_be_paid() {
    for story in ["held", "confirmed", "expired", "cancelled"] {
        let (harness, event) = (Harness::new().await, event("10:00"));
        let first = json_body(&harness.send(&event).await);
        let id = text_field(&first, "bookingId");
        match story {
            "confirmed" => {
                harness.stripe().pay(&text_field(&first, "sessionId")).expect("it is open");
            }
            "expired" => harness.clock.advance(SignedDuration::from_mins(36)),
            "cancelled" => {
                harness.cancel(&id, &text_field(&first, "manageToken")).await;
            }
            _ => {}
        }
        assert_eq!(view(&harness, &id).await["status"], story);
        let again = harness.send(&event).await;
        assert_eq!(again.status(), 200, "{story}: {again:?}");
        assert_eq!(json_body(&again)["bookingId"], *id, "{story}");
    }
}

#[tokio::test]
async fn a_key_is_free_again_if_nobody_could_pay_before_the_hold_expired() {
    let (harness, event) = (Harness::new().await, event("10:00"));
    let (id, _) = hold_without_session(&harness, &event).await;
    harness.clock.advance(SignedDuration::from_mins(36));
    assert_eq!(view(&harness, &id).await["status"], "expired");
    let again = harness.send(&event).await;
    assert_eq!(again.status(), 201, "{again:?}");
    assert_ne!(json_body(&again)["bookingId"], *id);
}

#[tokio::test]
async fn a_key_keeps_its_booking_that_was_cancelled_before_it_had_a_session() {
    let (harness, event) = (Harness::new().await, event("10:00"));
    let (id, token) = hold_without_session(&harness, &event).await;
    assert_eq!(harness.cancel(&id, &token).await.status(), 200);
    assert_eq!(view(&harness, &id).await["status"], "cancelled");
    assert_eq!(json_body(&harness.send(&event).await)["bookingId"], *id);
}

#[tokio::test]
async fn a_late_end_of_a_hold_does_not_free_the_key_of_a_later_one() {
    let harness = Harness::new().await;
    let (first, _) = hold_without_session(&harness, &event("10:00")).await;
    harness.clock.advance(SignedDuration::from_hours(24) - SignedDuration::from_mins(60));
    let second = event("16:00");
    harness.clock.advance(SignedDuration::from_mins(60));
    let booked = json_body(&harness.send(&second).await);
    assert_eq!(booked["status"], "held", "{booked}");
    assert_eq!(view(&harness, &first).await["status"], "expired");
    let again = harness.send(&second).await;
    assert_eq!(again.status(), 200, "{again:?}");
    assert_eq!(json_body(&again)["bookingId"], booked["bookingId"]);
}

#[tokio::test]
async fn an_ended_hold_that_nobody_wants_can_still_be_paid() {
    let (harness, event) = (Harness::new().await, event("10:00"));
    let first = json_body(&harness.send(&event).await);
    let id = text_field(&first, "bookingId");
    harness.clock.advance(SignedDuration::from_mins(11));
    assert_eq!(view(&harness, &id).await["status"], "held");
    harness.stripe().pay(&text_field(&first, "sessionId")).expect("it is open");
    assert_eq!(view(&harness, &id).await["status"], "confirmed");
}

#[tokio::test]
async fn methods_that_take_days_are_offered_only_where_the_salon_file_says_so() {
    for is_offered in [false, true] {
        let value = format!("delayed_methods = {is_offered}");
        let harness =
            Harness::with_salon(|file| file.replace("delayed_methods = false", &value)).await;
        let body = json_body(&harness.send(&event("10:00")).await);
        let paid = harness.stripe().pay_by_debit(&text_field(&body, "sessionId"));
        assert_eq!(paid.is_ok(), is_offered, "{paid:?}");
    }
}
