//! The session in which a hold is paid, where Stripe could not open it at once.

use std::pin::{Pin, pin};

use futures_util::poll;
use jiff::SignedDuration;
use lambda_http::{Body, Response};
use salon::booking::{Booking, State};
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{Effect, SessionStatus};

use crate::harness::Harness;
use testing::http_messages::{checkout_body, checkout_event, json_body, text_field};

/// Requests a time, each time for another client.
fn event() -> GatewayEvent {
    let key = "a random key, 0123456789";
    checkout_event(&checkout_body(json!({}))).header("idempotency-key", key)
}

/// Places a hold while Stripe is busy, and repeats the request some time later.
async fn hold_and_repeat(after: SignedDuration) -> (Harness, Value) {
    let (harness, event) = (Harness::new().await, event());
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::RateLimited, 5);
    assert_eq!(harness.send(&event).await.status(), 503);
    harness.stripe().clear_faults();
    harness.clock.advance(after);
    let response = harness.send(&event).await;
    assert_eq!(response.status(), 200, "after {after}: {response:?}");
    let body = json_body(&response);
    (harness, body)
}

#[tokio::test]
async fn the_payment_page_says_how_long_the_time_is_kept() {
    let kept = "This time is kept for you until 7:10 AM.";
    let not_kept = "This time is yours if you pay before somebody else takes it.";
    // A session that is opened after more than four minutes needs a new request.
    let cases = [(0, kept), (6 * 60, kept), (10 * 60 - 1, kept), (10 * 60, not_kept)];
    for (seconds, expected) in cases {
        let (harness, body) = hold_and_repeat(SignedDuration::from_secs(seconds)).await;
        let session = harness.stripe().session(&text_field(&body, "sessionId"));
        let message = session.expect("a session").submit_message;
        assert_eq!(message.as_deref(), Some(expected), "after {seconds} s");
        assert_eq!(harness.stripe().sessions().len(), 1, "after {seconds} s");
        assert_eq!(body["holdExpiresAt"], "2026-11-23T07:10:00-08:00", "it is not prolonged");
        harness.check_invariants();
    }
}

/// Lets a request be worked on until something has happened, which is before its answer.
async fn work_until(
    mut request: Pin<&mut impl Future<Output = Response<Body>>>,
    has_happened: impl Fn() -> bool,
) {
    while !has_happened() {
        assert!(poll!(request.as_mut()).is_pending(), "it was answered too early");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_session_of_a_hold_that_ended_meanwhile_is_expired() {
    let harness = Harness::new().await;
    let event = event();
    let mut request = pin!(harness.send(&event));
    work_until(request.as_mut(), || harness.stripe().sessions().len() == 1).await;
    let [held] = &harness.store.bookings()[..] else { panic!("one booking") };
    let version = held.version + 1;
    harness.store.put_booking(Booking { state: State::Expired, version, ..held.clone() });
    assert_eq!(request.await.status(), 201);
    let [session] = &harness.stripe().sessions()[..] else { panic!("one session") };
    assert_eq!(session.status, SessionStatus::Expired, "it must not be paid");
    assert_eq!(harness.store.bookings()[0].version, version, "nothing is written");
}

#[tokio::test]
async fn a_session_that_another_request_has_stored_is_not_stored_again() {
    let harness = Harness::new().await;
    let event = event();
    let mut first = pin!(harness.send(&event));
    work_until(first.as_mut(), || harness.stripe().sessions().len() == 1).await;
    assert_eq!(harness.send(&event).await.status(), 200);
    let [stored] = &harness.store.bookings()[..] else { panic!("one booking") };
    assert!(stored.checkout.session.is_some());
    assert_eq!(first.await.status(), 201);
    assert_eq!(&harness.store.bookings()[0], stored);
}

#[tokio::test]
async fn two_requests_that_renew_a_session_open_one() {
    // The second request has stored its session, or has not, when the first one continues.
    for is_stored in [true, false] {
        let (harness, event) = (Harness::new().await, event());
        harness.fail_stripe("POST /v1/checkout/sessions", Effect::RateLimited, 5);
        assert_eq!(harness.send(&event).await.status(), 503);
        harness.stripe().clear_faults();
        harness.clock.advance(SignedDuration::from_mins(6));
        let before = harness.sessions_requested();

        let (mut first, mut second) = (pin!(harness.send(&event)), pin!(harness.send(&event)));
        work_until(first.as_mut(), || harness.sessions_requested() > before).await;
        let (first, second) = if is_stored {
            let second = second.await;
            harness.clock.advance(SignedDuration::from_secs(1));
            (first.await, second)
        } else {
            work_until(second.as_mut(), || harness.stripe().sessions().len() == 1).await;
            harness.clock.advance(SignedDuration::from_secs(1));
            (first.await, second.await)
        };
        assert_eq!([first.status().as_u16(), second.status().as_u16()], [200, 200]);
        let sessions =
            [first, second].map(|response| text_field(&json_body(&response), "sessionId"));
        assert_eq!(sessions[0], sessions[1]);
        assert_eq!(harness.stripe().sessions().len(), 1);
        assert_eq!(harness.store.bookings()[0].checkout.attempt, 2);
        harness.check_invariants();
    }
}
