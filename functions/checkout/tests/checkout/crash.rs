//! A function that ends in the middle of a request, at any point of it.

use std::pin::pin;

use futures_util::poll;
use jiff::SignedDuration;
use openchair::store::booking_store::BookingStore;
use salon::booking::BookingId;
use serde_json::json;
use stand_ins::gateway_event::GatewayEvent;

use crate::harness::Harness;
use testing::http_messages::{checkout_body, checkout_event};

/// Lets a request be worked on `polls` times, and drops it then. Tells whether
/// it was answered before.
async fn crash_after(harness: &Harness, event: &GatewayEvent, polls: usize) -> bool {
    let mut request = pin!(harness.send(event));
    for _ in 0..polls {
        if poll!(&mut request).is_ready() {
            return true;
        }
        // The sandbox and the connection to it have their turns.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    false
}

#[tokio::test]
async fn a_crash_at_any_point_of_checkout_loses_no_time_and_no_session() {
    let mut polls = 0;
    loop {
        let harness = Harness::new().await;
        let event = checkout_event(&checkout_body(json!({})))
            .header("idempotency-key", "a-random-key-of-a-page");
        let is_answered = crash_after(&harness, &event, polls).await;
        harness.check_invariants();
        for session in harness.stripe().sessions() {
            let id = session.client_reference_id.expect("a booking's id");
            let id = BookingId::parse(&id).expect("a booking's id");
            let booking = harness.store.booking(&id).await.expect("readable");
            assert!(booking.is_some(), "after {polls} polls there is a session without a booking");
        }

        let again = harness.send(&event).await;
        assert!([200, 201].contains(&again.status().as_u16()), "after {polls} polls: {again:?}");
        assert!(harness.stripe().sessions().len() <= 1, "after {polls} polls");
        harness.check_invariants();

        harness.clock.advance(SignedDuration::from_mins(41));
        let next = harness.reserve(&checkout_body(json!({}))).await;
        assert_eq!(next.status(), 201, "after {polls} polls the time is lost: {next:?}");
        harness.check_invariants();
        if is_answered {
            assert!(polls > 5, "the request was cut at {polls} points");
            return;
        }
        polls += 1;
    }
}

#[tokio::test]
async fn a_crash_at_any_point_blocks_a_time_for_one_hold_at_most() {
    for polls in 0.. {
        let harness = Harness::new().await;
        let is_answered =
            crash_after(&harness, &checkout_event(&checkout_body(json!({}))), polls).await;
        harness.clock.advance(SignedDuration::from_mins(41));
        let next = harness.reserve(&checkout_body(json!({}))).await;
        assert_eq!(next.status(), 201, "after {polls} polls the time is lost: {next:?}");
        harness.check_invariants();
        if is_answered {
            return;
        }
    }
}
