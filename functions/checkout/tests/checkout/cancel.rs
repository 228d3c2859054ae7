//! Cancelling, before the payment and after it.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use salon::booking::{Booking, State};
use serde_json::json;
use stand_ins::sandbox::{Effect, SessionStatus};

use crate::harness::Harness;
use testing::Call;
use testing::http_messages::{checkout_body, json_body, status_and_code, text_field};

struct Held {
    id: String,
    token: String,
    session: String,
}

async fn hold(harness: &Harness, changes: serde_json::Value) -> Held {
    let body = json_body(&harness.reserve(&checkout_body(changes)).await);
    Held {
        id: text_field(&body, "bookingId"),
        token: text_field(&body, "manageToken"),
        session: text_field(&body, "sessionId"),
    }
}

#[tokio::test]
async fn cancelling_before_the_payment_expires_the_session_and_frees_the_time() {
    let harness = Harness::new().await;
    let held = hold(&harness, json!({})).await;
    for _ in 0..2 {
        let response = harness.cancel(&held.id, &held.token).await;
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(json_body(&response)["status"], "cancelled");
    }
    let session = harness.stripe().session(&held.session).expect("a session");
    assert_eq!(session.status, SessionStatus::Expired);
    assert_eq!(harness.reserve(&checkout_body(json!({}))).await.status(), 201);
    harness.check_invariants();
}

#[tokio::test]
async fn cancelling_needs_the_manage_token() {
    let harness = Harness::new().await;
    let held = hold(&harness, json!({})).await;
    let other = hold(&harness, json!({"time": "12:00"})).await;
    let long = "0".repeat(32);
    for token in ["", "x", held.id.as_str(), other.token.as_str(), &long] {
        let response = harness.cancel(&held.id, token).await;
        assert_eq!(status_and_code(&response), (403, "forbidden".to_owned()));
    }
    assert_eq!(harness.booking(&held.id).await.state, State::Held);
    let response = harness.cancel(&long, &held.token).await;
    assert_eq!(status_and_code(&response), (404, "unknown_booking".to_owned()));
}

#[tokio::test]
async fn a_booking_loses_the_hashes_of_its_client_when_it_no_longer_counts_as_a_hold() {
    let harness = Harness::new().await;
    for (time, is_paid, state) in
        [("10:00", true, State::Confirmed), ("12:00", false, State::Cancelled)]
    {
        let held = hold(&harness, json!({"time": time})).await;
        let keys = harness.booking(&held.id).await.hold_keys;
        assert!(!keys.is_empty(), "a hold counts against its client");
        if is_paid {
            harness.stripe().pay(&held.session).expect("the session is open");
            harness.get(&format!("/bookings/{}", held.id)).await;
        } else {
            harness.cancel(&held.id, &held.token).await;
        }

        let settled = harness.booking(&held.id).await;
        assert_eq!((settled.state, settled.hold_keys), (state, vec![]));
        let id = settled.id;
        let still_counts = harness.store.inspect(|contents| {
            keys.iter().any(|key| contents.counts[key].holds.contains_key(&id))
        });
        assert!(!still_counts, "the counts are released with the same write");
    }
}

#[tokio::test]
async fn hold_keys_left_by_an_earlier_version_are_removed_by_the_next_change() {
    let harness = Harness::new().await;
    let held = hold(&harness, json!({})).await;
    let keys = harness.booking(&held.id).await.hold_keys;
    harness.stripe().pay(&held.session).expect("the session is open");
    harness.get(&format!("/bookings/{}", held.id)).await;
    let confirmed = harness.booking(&held.id).await;
    harness.store.put_booking(Booking { hold_keys: keys, ..confirmed });

    harness.cancel(&held.id, &held.token).await;
    let cancelled = harness.booking(&held.id).await;
    assert_ne!(cancelled.state, State::Confirmed);
    assert_eq!(cancelled.hold_keys, []);
}

#[tokio::test]
async fn cancelling_a_paid_but_unsettled_hold_refunds_according_to_its_terms() {
    let harness = Harness::new().await;
    let held = hold(&harness, json!({"date": "2026-11-27"})).await;
    harness.stripe().pay(&held.session).expect("the session is open");
    let response = harness.cancel(&held.id, &held.token).await;
    assert_eq!(json_body(&response)["status"], "refunded", "{response:?}");
    assert_eq!(json_body(&response)["refund"], json!({"amount": 5000, "currency": "usd"}));
    let again = harness.cancel(&held.id, &held.token).await;
    assert_eq!(json_body(&again), json_body(&response), "cancelling again should change nothing");
    let payment = harness.booking(&held.id).await.payment.expect("a payment");
    assert_eq!(harness.stripe().refunds(&payment).len(), 1);
    assert_eq!(harness.entries("s1", "2026-11-27").await, [], "the time is free at once");
    harness.check_invariants();
}

#[tokio::test]
async fn a_refund_follows_the_terms_at_the_time_of_booking() {
    let terms = |file: String| file.replace("late_refund_percent = 0", "late_refund_percent = 30");
    for (hours_later, refund) in [(1, 5_000), (3, 5_000), (4, 1_500), (20, 1_500)] {
        let harness = Harness::with_salon(terms).await;
        let held = hold(&harness, json!({})).await;
        harness.stripe().pay(&held.session).expect("the session is open");
        harness.get(&format!("/bookings/{}", held.id)).await;
        harness.clock.advance(SignedDuration::from_hours(hours_later));
        let response = harness.cancel(&held.id, &held.token).await;
        assert_eq!(json_body(&response)["refund"]["amount"], refund, "after {hours_later} h");
    }
    let harness = Harness::new().await;
    let held = hold(&harness, json!({})).await;
    harness.stripe().pay(&held.session).expect("the session is open");
    harness.get(&format!("/bookings/{}", held.id)).await;
    harness.clock.advance(SignedDuration::from_hours(10));
    let body = json_body(&harness.cancel(&held.id, &held.token).await);
    assert_eq!((&body["status"], body.get("refund")), (&json!("cancelled"), None));
}

#[tokio::test]
async fn an_unpaid_booking_that_is_over_is_cancelled_without_a_change() {
    let harness = Harness::new().await;
    let held = hold(&harness, json!({})).await;
    harness.clock.advance(SignedDuration::from_mins(41));
    let viewed = json_body(&harness.get(&format!("/bookings/{}", held.id)).await);
    assert_eq!(viewed["status"], "expired");
    for _ in 0..2 {
        let response = harness.cancel(&held.id, &held.token).await;
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(json_body(&response)["status"], "expired");
    }
    let stranger = harness.cancel(&held.id, "another").await;
    assert_eq!(status_and_code(&stranger), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn an_appointment_that_has_begun_cannot_be_cancelled() {
    let harness = Harness::new().await;
    let paid = hold(&harness, json!({"time": "12:00"})).await;
    harness.stripe().pay(&paid.session).expect("the session is open");
    harness.get(&format!("/bookings/{}", paid.id)).await;
    harness.clock.advance(SignedDuration::from_hours(29));
    let response = harness.cancel(&paid.id, &paid.token).await;
    assert_eq!(status_and_code(&response), (409, "not_cancellable".to_owned()));
    assert_eq!(harness.booking(&paid.id).await.state, State::Confirmed);
}

#[tokio::test]
async fn a_failed_cancellation_keeps_the_time_taken_while_stripe_is_down() {
    let harness = Harness::new().await;
    let held = hold(&harness, json!({})).await;
    harness.fail_stripe("POST /v1/checkout/sessions/{id}/expire", Effect::Unavailable, 5);
    let response = harness.cancel(&held.id, &held.token).await;
    assert_eq!(status_and_code(&response), (503, "stripe_busy".to_owned()));
    assert_eq!(harness.booking(&held.id).await.state, State::Held);
    assert_eq!(status_and_code(&harness.reserve(&checkout_body(json!({}))).await).1, "slot_taken");
    harness.stripe().clear_faults();
    assert_eq!(harness.cancel(&held.id, &held.token).await.status(), 200);
}

#[tokio::test]
async fn cancelling_expires_a_session_whose_id_was_lost() {
    let harness = Harness::new().await;
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::HangUp, 5);
    let response = harness.reserve(&checkout_body(json!({}))).await;
    assert_eq!(status_and_code(&response), (503, "stripe_busy".to_owned()));
    harness.stripe().clear_faults();
    let [booking] = &harness.store.bookings()[..] else { panic!("expected exactly one booking") };
    assert_eq!(booking.checkout.session, None);
    let response = harness.cancel(booking.id.as_str(), booking.manage_token.expose()).await;
    assert_eq!(json_body(&response)["status"], "cancelled", "{response:?}");
    let [session] = &harness.stripe().sessions()[..] else { panic!("one session") };
    assert_eq!(session.status, SessionStatus::Expired);
    harness.check_invariants();
}

#[tokio::test]
async fn a_cancellation_is_repeated_while_another_request_renews_the_session() {
    for (renewals, status, state) in [(2, 200, State::Cancelled), (3, 503, State::Held)] {
        let harness = Harness::new().await;
        let held = hold(&harness, json!({})).await;
        let (store, reads) = (harness.store.clone(), AtomicU32::new(0));
        // Each renewal is between Stripe's answer and the write that follows from it.
        harness.store.set_hook(move |call: Call<'_>| {
            if let Call::Booking(_) = call
                && (1..=renewals).contains(&reads.fetch_add(1, Ordering::Relaxed))
            {
                let mut booking = store.bookings().pop().expect("a booking");
                booking.checkout.attempt += 1;
                booking.version += 1;
                store.put_booking(booking);
            }
            Ok(())
        });
        let response = harness.cancel(&held.id, &held.token).await;
        assert_eq!(response.status(), status, "{renewals} renewals: {response:?}");
        assert_eq!(harness.booking(&held.id).await.state, state, "{renewals} renewals");
    }
}
