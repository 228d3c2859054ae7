//! The daily comparison of the bookings with Stripe's refunds, whose events were lost.

use std::pin::pin;

use futures_util::poll;
use jiff::SignedDuration;
use salon::booking::{Booking, Refund, State};
use stand_ins::sandbox::{Effect, Refunds};
use testing::Hold;

use crate::harness::Harness;

const LIST: &str = "GET /v1/refunds";

async fn confirmed(harness: &Harness) -> Hold {
    let hold = harness.paid_hold("10:00").await;
    harness.run().await;
    assert_eq!(harness.status(&hold.id).await, "confirmed");
    hold
}

/// Compares twice: the second time nothing is left to change, and only the list is read.
async fn changed_bookings(harness: &Harness) -> usize {
    let changed = harness.check_refunds().await.expect("the refunds can be listed");
    let before = harness.stripe().requests();
    assert_eq!(harness.check_refunds().await.expect("the refunds can be listed"), 0);
    let mut expected = before;
    *expected.entry(LIST.to_owned()).or_default() += 1;
    assert_eq!(harness.stripe().requests(), expected, "agreement costs one request");
    changed
}

#[tokio::test]
async fn a_full_refund_by_hand_is_found() {
    let harness = Harness::new().await;
    let hold = confirmed(&harness).await;
    harness.refund_by_hand(&hold.id, 2_000).await;
    assert_eq!(changed_bookings(&harness).await, 0, "the booking is still paid for");
    assert_eq!(harness.status(&hold.id).await, "confirmed");
    harness.refund_by_hand(&hold.id, 3_000).await;
    assert_eq!(changed_bookings(&harness).await, 1);
    assert_eq!(harness.status(&hold.id).await, "refunded");
}

#[tokio::test]
async fn a_full_refund_by_hand_after_the_start_is_recorded_once() {
    let harness = Harness::new().await;
    let hold = confirmed(&harness).await;
    harness.clock.advance(SignedDuration::from_hours(48));
    harness.refund_by_hand(&hold.id, 5_000).await;
    assert_eq!(changed_bookings(&harness).await, 1);
    let booking = harness.booking(&hold.id).await;
    assert_eq!(booking.state.as_str(), "confirmed");
    assert_eq!(booking.incidents.refunded_by_hand, Some(booking.terms.deposit));
}

#[tokio::test]
async fn a_refund_that_the_bank_returned_is_found() {
    let harness = Harness::new().await;
    harness.stripe().set_refunds(Refunds::Failing);
    let hold = confirmed(&harness).await;
    harness.cancel(&hold.id).await;
    assert_eq!(harness.status(&hold.id).await, "refunded");
    harness.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(changed_bookings(&harness).await, 1);
    assert_eq!(harness.status(&hold.id).await, "refund_failed");

    harness.stripe().set_refunds(Refunds::Ok);
    harness.refund_by_hand(&hold.id, 5_000).await;
    assert_eq!(changed_bookings(&harness).await, 1, "a person has refunded it");
    assert_eq!(harness.status(&hold.id).await, "refunded");
}

#[tokio::test]
async fn a_refund_that_was_pending_is_found() {
    let harness = Harness::new().await;
    harness.stripe().set_refunds(Refunds::Pending);
    let hold = confirmed(&harness).await;
    harness.cancel(&hold.id).await;
    assert_eq!(harness.status(&hold.id).await, "refunding");
    harness.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(changed_bookings(&harness).await, 1);
    assert_eq!(harness.status(&hold.id).await, "refunded");
}

#[tokio::test]
async fn refunds_are_compared_for_30_days() {
    for (days, changed) in [(29, 1), (31, 0)] {
        let harness = Harness::new().await;
        harness.stripe().set_refunds(Refunds::Failing);
        let hold = confirmed(&harness).await;
        harness.cancel(&hold.id).await;
        harness.clock.advance(SignedDuration::from_hours(24 * days));
        let found = harness.check_refunds().await.expect("the refunds can be listed");
        assert_eq!(found, changed, "after {days} days");
    }
}

#[tokio::test]
async fn a_booking_that_cannot_be_compared_delays_no_other() {
    let harness = Harness::new().await;
    harness.stripe().set_refunds(Refunds::Failing);
    let holds = [confirmed(&harness).await, harness.paid_hold("11:00").await];
    harness.run().await;
    for hold in &holds {
        harness.cancel(&hold.id).await;
    }
    harness.clock.advance(SignedDuration::from_secs(30));
    let gone = harness.booking(&holds[0].id).await;
    harness.store.remove_booking(&gone.id);
    assert_eq!(harness.check_refunds().await.expect("the refunds can be listed"), 1);
    assert_eq!(harness.status(&holds[1].id).await, "refund_failed");

    harness.fail_stripe(LIST, Effect::Unavailable, 50);
    assert!(harness.check_refunds().await.is_err());
}

#[tokio::test]
async fn a_refund_that_somebody_else_makes_meanwhile_is_not_a_failed_one() {
    let harness = Harness::new().await;
    let hold = confirmed(&harness).await;
    let listed = || harness.stripe().requests().get(LIST).copied().unwrap_or_default();
    let before = listed();
    let mut cancelling = pin!(harness.cancel(&hold.id));
    while listed() == before {
        assert!(poll!(cancelling.as_mut()).is_pending(), "the refunds are listed first");
        tokio::task::yield_now().await;
    }
    harness.refund_by_hand(&hold.id, 5_000).await;
    cancelling.await;
    assert_eq!(harness.status(&hold.id).await, "refunded");
    assert_eq!(harness.refunds(&hold.id).await, 1);
}

#[tokio::test]
async fn a_refund_that_failed_or_that_was_returned_is_not_made_again() {
    for state in [State::RefundFailed, State::Refunded] {
        let harness = Harness::new().await;
        let hold = confirmed(&harness).await;
        let booking = harness.booking(&hold.id).await;
        let refund = Some(Refund { amount: booking.terms.deposit, attempt: 1 });
        harness.store.put_booking(Booking { state, refund, ..booking });
        // Stripe lists no refund of this payment any more.
        let handling = Box::pin(async { harness.bookings().handle_refund_event(&hold.id).await });
        handling.await.expect("Stripe is up");
        assert_eq!(harness.status(&hold.id).await, "refund_failed", "was {state}");
        assert_eq!(harness.refunds(&hold.id).await, 0, "a person has to act");
    }
}
