//! Bookings that are over, and whose money may still move.

use jiff::SignedDuration;
use openchair::bookings::{BookingRequest, Trigger};
use salon::booking::State;
use stand_ins::sandbox::{Effect, PaymentState};
use testing::{HarnessOptions, Hold};

use crate::harness::Harness;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Opens a salon that takes payment methods that need days.
async fn with_debits() -> Harness {
    let HarnessOptions { salon_file, .. } = HarnessOptions::default();
    let salon_file = salon_file.replace("delayed_methods = false", "delayed_methods = true");
    Harness::with(HarnessOptions { salon_file, ..HarnessOptions::default() }).await
}

#[tokio::test]
async fn a_debit_that_arrives_after_the_cancellation_is_refunded() {
    let harness = with_debits().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay_by_debit(&held.session).expect("it is open");
    harness.run().await;
    assert_eq!(harness.status(&held.id).await, "processing");
    harness.cancel(&held.id).await;
    for _ in 0..2 {
        harness.clock.advance(HOUR);
        assert_eq!(harness.run().await.looked_at, 1);
        assert_eq!(harness.status(&held.id).await, "cancelled");
        let check_at = harness.booking(&held.id).await.check_at;
        assert_eq!(check_at, Some(harness.clock.now() + HOUR), "it may still arrive");
    }
    harness.stripe().settle(&held.session, true).expect("it is under way");
    harness.clock.advance(HOUR);
    assert_eq!(harness.run().await.repaired, 1);
    harness.clock.advance(HOUR);
    harness.run().await;
    assert_eq!(harness.status(&held.id).await, "refunded");
    assert_eq!(harness.refunds(&held.id).await, 1);
}

#[tokio::test]
async fn a_debit_that_bounces_after_the_cancellation_is_forgotten() {
    let harness = with_debits().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay_by_debit(&held.session).expect("it is open");
    harness.run().await;
    harness.cancel(&held.id).await;
    harness.stripe().settle(&held.session, false).expect("it is under way");
    harness.clock.advance(HOUR);
    assert_eq!(harness.run().await.looked_at, 1);
    assert_eq!(harness.booking(&held.id).await.check_at, None);
    harness.clock.advance(HOUR);
    assert_eq!(harness.run().await.looked_at, 0);
}

#[tokio::test]
async fn a_debit_under_way_is_checked_every_hour() {
    let harness = with_debits().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay_by_debit(&held.session).expect("it is open");
    harness.run().await;
    for _ in 0..2 {
        harness.clock.advance(HOUR);
        assert_eq!(harness.run().await.looked_at, 1);
        let booking = harness.booking(&held.id).await;
        let expected = ("processing", Some(harness.clock.now() + HOUR));
        assert_eq!((booking.state.as_str(), booking.check_at), expected);
    }
}

/// Stands by for the time of a hold, and authorises the payment.
async fn in_line(harness: &Harness) -> Hold {
    let request = BookingRequest { is_standby: true, ..harness.request("10:00") };
    let standby = Box::pin(harness.bookings().reserve(&request)).await.expect("a place").booking;
    let session = standby.checkout.session.expect("a session").id;
    harness.stripe().pay(&session).expect("it is open");
    harness.run().await;
    assert_eq!(harness.status(&standby.id).await, "in_line");
    Hold { id: standby.id, session }
}

#[tokio::test]
async fn whoever_is_in_line_is_served_although_their_session_is_listed() {
    let harness = Harness::new().await;
    let holder = harness.hold("10:00").await;
    let standby = in_line(&harness).await;
    harness.clock.advance(SignedDuration::from_mins(11));
    harness.run().await;
    assert_eq!(harness.status(&standby.id).await, "confirmed");
    assert_eq!(harness.status(&holder.id).await, "expired");
}

#[tokio::test]
async fn an_authorisation_that_could_not_be_cancelled_is_cancelled_by_a_later_run() {
    let harness = Harness::new().await;
    let holder = harness.hold("10:00").await;
    let standby = in_line(&harness).await;
    let session = standby.session.clone();
    harness.stripe().pay(&holder.session).expect("it is open");
    harness.fail_stripe("POST /v1/payment_intents/{id}/cancel", Effect::Unavailable, 50);
    let settled = Box::pin(harness.bookings().settle(&holder.id, Trigger::View)).await;
    settled.expect("Stripe is up");
    assert_eq!(harness.status(&standby.id).await, "released");
    let payment = || harness.stripe().payment(&session).expect("a payment").state;
    assert_eq!(payment(), PaymentState::Authorised, "Stripe did not answer");
    harness.run().await;
    assert_eq!(payment(), PaymentState::Authorised);

    harness.stripe().clear_faults();
    harness.clock.advance(HOUR);
    harness.run().await;
    assert_eq!(payment(), PaymentState::Cancelled);
    assert_eq!(harness.booking(&standby.id).await.check_at, None);
}

#[tokio::test]
async fn whoever_waits_in_line_is_checked_every_90_seconds() {
    let harness = Harness::new().await;
    harness.hold("10:00").await;
    let standby = in_line(&harness).await;
    for _ in 0..2 {
        harness.run().await;
        let check_at = harness.booking(&standby.id).await.check_at;
        let soon = harness.clock.now() + SignedDuration::from_secs(90);
        assert_eq!(check_at, Some(soon));
        harness.clock.advance(SignedDuration::from_secs(90));
    }
}

#[tokio::test]
async fn a_payment_that_could_not_be_captured_is_captured_by_a_later_run() {
    let harness = Harness::new().await;
    let holder = harness.hold("10:00").await;
    let standby = in_line(&harness).await;
    harness.fail_stripe("POST /v1/payment_intents/{id}/capture", Effect::Unavailable, 99);
    harness.cancel(&holder.id).await;
    assert_eq!(harness.status(&standby.id).await, "capturing");
    harness.stripe().clear_faults();
    harness.clock.advance(SignedDuration::from_mins(5));
    harness.run().await;
    assert_eq!(harness.status(&standby.id).await, "confirmed");
    let payment = harness.stripe().payment(&standby.session).expect("a payment");
    assert_eq!(payment.state, PaymentState::Succeeded);
}

#[tokio::test]
async fn a_hold_whose_session_stripe_cannot_tell_expires_with_it() {
    let harness = Harness::new().await;
    // Stripe repeats a stored failure for a day.
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::ErrorAfter, 1);
    harness.reserve("10:00").await.expect_err("Stripe has failed");
    harness.clock.advance(SignedDuration::from_mins(34));
    harness.run().await;
    let state = || harness.store.bookings().pop().expect("a booking").state;
    assert_eq!(state(), State::Held, "it may be paid");
    harness.clock.advance(SignedDuration::from_mins(6));
    harness.run().await;
    assert_eq!(state(), State::Expired);
}
