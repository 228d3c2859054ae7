use std::time::Duration;

use jiff::SignedDuration;
use openchair::bookings::{ReconcileBudget, ReserveError};
use openchair::payments::STRIPE_RETRIES;
use openchair::store::StoreError;
use stand_ins::sandbox::{Effect, Refunds};
use testing::Call;
use tokio::time::Instant;

use crate::harness::Harness;

const SCHEDULE: SignedDuration = SignedDuration::from_mins(2);
/// The age of a hold whose session is no longer listed.
const LONG_OVER: SignedDuration = SignedDuration::from_mins(51);
/// The call that lists sessions.
const LIST: &str = "GET /v1/checkout/sessions";

#[tokio::test]
async fn a_paid_hold_whose_event_was_lost_is_confirmed_within_five_minutes() {
    // Paid at any time of the schedule.
    for seconds in [0, 30, 59, 90, 119] {
        let harness = Harness::new().await;
        let held = harness.hold("10:00").await;
        harness.clock.advance(SignedDuration::from_secs(seconds));
        harness.stripe().pay(&held.session).expect("it is open");
        let paid_at = harness.clock.now();
        harness.clock.advance(SCHEDULE - SignedDuration::from_secs(seconds));
        while harness.status(&held.id).await != "confirmed" {
            harness.run().await;
            let waited = harness.clock.now().duration_since(paid_at);
            assert!(waited <= SignedDuration::from_mins(5), "paid {seconds} s after the hold");
            harness.clock.advance(SCHEDULE);
        }
    }
}

#[tokio::test]
async fn an_unpaid_hold_expires_and_frees_its_time() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.clock.advance(SignedDuration::from_mins(36));
    assert_eq!(harness.run().await.repaired, 1);
    assert_eq!(harness.status(&held.id).await, "expired");
    harness.hold("10:00").await;
}

#[tokio::test]
async fn a_session_whose_id_was_lost_is_found() {
    let harness = Harness::new().await;
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::HangUp, 9);
    let reserved = harness.reserve("10:00").await;
    assert!(matches!(reserved, Err(ReserveError::Stripe(_))), "{reserved:?}");
    harness.stripe().clear_faults();
    let [session] = &harness.stripe().sessions()[..] else { panic!("one session") };
    harness.stripe().pay(&session.id).expect("it is open");
    harness.clock.advance(SignedDuration::from_mins(3));
    // The replay under the session's key says how it was; the next look, how it is.
    for _ in 0..2 {
        harness.run().await;
        harness.clock.advance(SCHEDULE);
    }
    let [booking] = &harness.store.bookings()[..] else { panic!("one booking") };
    assert_eq!(booking.state.as_str(), "confirmed");
}

#[tokio::test]
async fn an_interrupted_refund_is_completed_once() {
    for effect in [Effect::HangUp, Effect::Unavailable, Effect::ErrorAfter, Effect::ErrorBefore] {
        let harness = Harness::new().await;
        let held = harness.hold("10:00").await;
        harness.stripe().pay(&held.session).expect("it is open");
        harness.fail_stripe("POST /v1/refunds", effect, 50);
        harness.cancel(&held.id).await;
        assert_eq!(harness.status(&held.id).await, "refunding", "{effect:?}");
        harness.stripe().clear_faults();
        for _ in 0..3 {
            harness.run().await;
            harness.clock.advance(SignedDuration::from_hours(1));
        }
        assert_eq!(harness.status(&held.id).await, "refunded", "{effect:?}");
        assert_eq!(harness.refunds(&held.id).await, 1, "{effect:?}");
    }
}

#[tokio::test]
async fn a_pending_refund_is_checked_every_hour() {
    let harness = Harness::new().await;
    harness.stripe().set_refunds(Refunds::Pending);
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    harness.cancel(&held.id).await;
    harness.run().await;
    harness.clock.advance(SignedDuration::from_mins(59));
    assert_eq!(harness.run().await.looked_at, 0);
    harness.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(harness.run().await.repaired, 1);
    assert_eq!(harness.status(&held.id).await, "refunded");
}

#[tokio::test]
async fn a_booking_that_cannot_be_read_delays_no_other() {
    let harness = Harness::new().await;
    let corrupt = harness.paid_hold("10:00").await;
    harness.clock.advance(SignedDuration::from_secs(1));
    let others = [harness.paid_hold("11:00").await, harness.paid_hold("12:00").await];
    let unreadable = corrupt.id.clone();
    harness.store.set_hook(move |call: Call<'_>| match call {
        Call::Booking(id) if *id == unreadable => {
            let problem = "its state is nonsense".to_owned();
            Err(StoreError::Corrupt { key: format!("BOOKING#{id}"), problem }.into())
        }
        _ => Ok(()),
    });
    harness.clock.advance(SignedDuration::from_mins(3));
    let report = harness.run().await;
    assert_eq!((report.looked_at, report.failed, report.repaired), (3, 1, 2));
    for other in &others {
        assert_eq!(harness.status(&other.id).await, "confirmed");
    }
}

#[tokio::test]
async fn the_next_run_makes_up_for_lists_that_failed() {
    let harness = Harness::new().await;
    let held = harness.paid_hold("10:00").await;
    harness.fail_stripe("*", Effect::Unavailable, 50);
    let report = harness.run().await;
    assert_eq!((report.failed, report.is_cut_short), (2, false));
    harness.stripe().clear_faults();
    harness.clock.advance(SCHEDULE);
    assert_eq!(harness.run().await.repaired, 1);
    assert_eq!(harness.status(&held.id).await, "confirmed");
}

#[tokio::test]
async fn a_list_that_fails_does_not_stop_the_rest() {
    let harness = Harness::new().await;
    let unpaid = harness.hold("10:00").await;
    harness.clock.advance(SignedDuration::from_mins(36));
    // All attempts at the first list.
    harness.fail_stripe(LIST, Effect::Unavailable, STRIPE_RETRIES.attempts);
    let report = harness.run().await;
    assert_eq!((report.failed, report.repaired), (1, 1));
    assert_eq!(harness.status(&unpaid.id).await, "expired", "the second list says so");

    let long_over = harness.hold("10:00").await;
    harness.clock.advance(SignedDuration::from_mins(46));
    harness.fail_stripe(LIST, Effect::Unavailable, 2 * STRIPE_RETRIES.attempts);
    let report = harness.run().await;
    assert_eq!((report.failed, report.repaired), (2, 1));
    assert_eq!(harness.status(&long_over.id).await, "expired", "it was checked by itself");
}

#[tokio::test]
async fn bookings_are_checked_later_after_stripe_was_down() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.clock.advance(LONG_OVER);
    harness.fail_stripe("*", Effect::Unavailable, 50);
    assert_eq!(harness.run().await.failed, 3, "two lists and a booking");
    harness.stripe().clear_faults();
    harness.clock.advance(SCHEDULE);
    assert_eq!(harness.run().await.looked_at, 0, "it is left alone for a while");
    harness.clock.advance(SignedDuration::from_mins(3));
    assert_eq!(harness.run().await.repaired, 1);
    assert_eq!(harness.status(&held.id).await, "expired");
}

#[tokio::test]
async fn a_run_continues_where_the_last_one_ran_out_of_time() {
    let harness = Harness::new().await;
    let mut all = Vec::new();
    for time in ["10:00", "11:00", "12:00"] {
        all.push(harness.hold(time).await);
        harness.clock.advance(SignedDuration::from_secs(1));
    }
    for held in &all {
        harness.stripe().pay(&held.session).expect("it is open");
    }
    harness.clock.advance(SignedDuration::from_mins(3));
    let over = ReconcileBudget { bookings: 9, pause: Duration::ZERO, deadline: Instant::now() };
    let report = Box::pin(harness.bookings().reconcile(over)).await.expect("readable");
    assert!(report.is_cut_short && report.looked_at == 0, "{report:?}");
    let report = harness.run().await;
    assert!(!report.is_cut_short && report.repaired == 3, "{report:?}");
}

#[tokio::test]
async fn the_longest_overdue_bookings_are_checked_first() {
    let harness = Harness::new().await;
    let mut all = Vec::new();
    for time in ["10:00", "11:00", "12:00"] {
        all.push(harness.hold(time).await);
        harness.clock.advance(SignedDuration::from_secs(1));
    }
    harness.clock.advance(LONG_OVER);
    let budget = ReconcileBudget {
        bookings: 2,
        pause: Duration::ZERO,
        deadline: Instant::now() + Duration::from_mins(1),
    };
    for (looked_at, is_cut_short, states) in
        [(2, true, ["expired", "expired", "held"]), (1, false, ["expired", "expired", "expired"])]
    {
        let report = Box::pin(harness.bookings().reconcile(budget)).await.expect("readable");
        assert_eq!((report.looked_at, report.is_cut_short), (looked_at, is_cut_short));
        let mut found = Vec::new();
        for held in &all {
            found.push(harness.status(&held.id).await);
        }
        assert_eq!(found, states);
    }
}

#[tokio::test]
async fn a_deadline_in_the_past_is_ignored_as_cargo_lambda_watch_sends_one() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    harness.clock.advance(SignedDuration::from_mins(3));
    let report = harness.run_for(SignedDuration::from_hours(-500_000)).await.expect("readable");
    assert_eq!(report.repaired, 1);
}

#[tokio::test]
async fn a_run_fails_only_if_the_list_cannot_be_read() {
    let harness = Harness::new().await;
    harness.store.set_down(true);
    let outcome = harness.run_for(SignedDuration::from_mins(1)).await;
    assert!(outcome.is_err(), "the alarm counts failed runs: {outcome:?}");
}
