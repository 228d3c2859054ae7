//! How much a run does, and when it looks again.

use std::time::Duration;

use jiff::SignedDuration;
use openchair::bookings::{ReconcileBudget, ReconcileReport};
use salon::booking::{Booking, BookingId, State};
use stand_ins::sandbox::Effect;
use testing::Call;
use tokio::time::Instant;

use crate::harness::Harness;

async fn run(harness: &Harness, bookings: usize, pause: Duration) -> ReconcileReport {
    let deadline = Instant::now() + Duration::from_mins(1);
    let budget = ReconcileBudget { bookings, pause, deadline };
    Box::pin(harness.bookings().reconcile(budget)).await.expect("readable")
}

#[tokio::test]
async fn a_run_that_checks_all_that_is_due_is_not_cut_short() {
    for (budget, looked_at, is_cut_short) in [(1, 1, true), (2, 2, false), (3, 2, false)] {
        let harness = Harness::new().await;
        for time in ["10:00", "11:00"] {
            harness.hold(time).await;
        }
        // Their sessions are no longer listed.
        harness.clock.advance(SignedDuration::from_hours(1));
        let report = run(&harness, budget, Duration::ZERO).await;
        let found = (report.looked_at, report.is_cut_short);
        assert_eq!(found, (looked_at, is_cut_short), "{budget} bookings");
    }
}

#[tokio::test]
async fn a_run_knows_of_10_000_unsettled_bookings() {
    let harness = Harness::new().await;
    let booking = harness.booking(&harness.hold("10:00").await.id).await;
    for number in 1..10_000 {
        let id = BookingId::from_bits(number);
        harness.store.put_booking(Booking { id, ..booking.clone() });
    }
    let report = run(&harness, 9, Duration::ZERO).await;
    assert_eq!((report.is_cut_short, report.live_holds), (false, Some(10_000)));
    let id = BookingId::from_bits(10_000);
    harness.store.put_booking(Booking { id, ..booking });
    let report = run(&harness, 9, Duration::ZERO).await;
    assert_eq!((report.is_cut_short, report.live_holds), (true, Some(10_000)));
}

#[tokio::test]
async fn a_hold_is_live_until_it_ends() {
    let harness = Harness::new().await;
    harness.hold("10:00").await;
    harness.clock.advance(SignedDuration::from_secs(10 * 60 - 1));
    assert_eq!(harness.run().await.live_holds, Some(1));
    harness.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(harness.run().await.live_holds, Some(0), "it ends exactly then");
}

#[tokio::test]
async fn a_hold_is_checked_again_once_its_session_has_ended_or_is_found() {
    let harness = Harness::new().await;
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::Unavailable, 99);
    harness.reserve("10:00").await.expect_err("Stripe does not answer");
    let booking = || harness.store.bookings().pop().expect("a booking");
    harness.clock.advance(SignedDuration::from_mins(3));
    assert_eq!(harness.run().await.failed, 1);
    let after_an_error = harness.clock.now() + SignedDuration::from_mins(5);
    assert_eq!(booking().check_at, Some(after_an_error));

    harness.stripe().clear_faults();
    harness.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(harness.run().await.looked_at, 1);
    // The request came too late for Stripe, which proves that there is no session.
    assert_eq!((booking().state, booking().check_at), (State::Expired, None));

    let found = Harness::new().await;
    found.fail_stripe("POST /v1/checkout/sessions", Effect::HangUp, 9);
    found.reserve("10:00").await.expect_err("the session is opened, and the answer is lost");
    found.stripe().clear_faults();
    found.clock.advance(SignedDuration::from_mins(3));
    assert_eq!(found.run().await.looked_at, 1);
    let booking = found.store.bookings().pop().expect("a booking");
    let after_the_session = booking.checkout.expires_at + SignedDuration::from_mins(10);
    assert_eq!((booking.state, booking.check_at), (State::Held, Some(after_the_session)));
}

#[tokio::test]
async fn a_booking_that_somebody_settles_meanwhile_is_left_alone() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.clock.advance(SignedDuration::from_mins(3));
    let store = harness.store.clone();
    let id = held.id.clone();
    let booking = harness.booking(&held.id).await;
    // It disappears after the run has read the index.
    harness.store.set_hook(move |call: Call<'_>| {
        if let Call::BookingStates(_) = call {
            store.remove_booking(&id);
        }
        Ok(())
    });
    let report = harness.run().await;
    assert_eq!((report.failed, report.repaired), (0, 0), "{report:?} of {}", booking.id);
}
