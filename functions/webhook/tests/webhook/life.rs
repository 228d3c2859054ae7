//! Payments that come late, and refunds that people have to look after.

use jiff::SignedDuration;
use openchair::payments::{Payments, RefundRequest};
use salon::money::Money;
use serde_json::{Value, json};
use stand_ins::sandbox::{Effect, Refunds};

use crate::harness::{Harness, changed};
use testing::Hold;

/// Lets a session expire for us and be paid at Stripe: returns the event of
/// the payment, which is late.
pub(crate) async fn late_payment(harness: &Harness, held: &Hold) -> String {
    harness.stripe().pay(&held.session).expect("it is open");
    let paid = harness.event_bodies().pop().expect("an event");
    let expired = changed(&paid, |event| {
        event["type"] = json!("checkout.session.expired");
        event["data"]["object"]["status"] = json!("expired");
        event["data"]["object"]["payment_status"] = json!("unpaid");
        event["data"]["object"]["payment_intent"] = Value::Null;
    });
    assert_eq!(harness.deliver(&expired).await.status(), 200);
    assert_eq!(harness.status(&held.id).await, "expired");
    paid
}

#[tokio::test]
async fn a_late_payment_is_confirmed_if_the_time_is_still_free() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    let paid = late_payment(&harness, &held).await;
    for _ in 0..2 {
        assert_eq!(harness.deliver(&paid).await.status(), 200);
        assert_eq!(harness.status(&held.id).await, "confirmed");
    }
    assert_eq!(harness.refunds(&held.id).await, 0);
}

#[tokio::test]
async fn a_late_payment_is_refunded_if_the_time_is_taken() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    let paid = late_payment(&harness, &held).await;
    let other = harness.hold("10:00").await;
    for _ in 0..2 {
        assert_eq!(harness.deliver(&paid).await.status(), 200);
        assert_eq!(harness.status(&held.id).await, "refunded");
    }
    assert_eq!(harness.refunds(&held.id).await, 1);
    assert_eq!(harness.status(&other.id).await, "held");
}

#[tokio::test]
async fn a_payment_for_a_cancelled_booking_is_refunded() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay_by_debit(&held.session).expect("it is open");
    harness.deliver_all().await;
    assert_eq!(harness.status(&held.id).await, "processing");
    harness.cancel(&held.id).await;
    assert_eq!(harness.status(&held.id).await, "cancelled");
    harness.stripe().settle(&held.session, true).expect("it is under way");
    harness.deliver_all().await;
    // A bank takes its time, with the way back too.
    assert_eq!(harness.status(&held.id).await, "refunding");
    harness.clock.advance(SignedDuration::from_secs(30));
    harness.deliver_all().await;
    assert_eq!(harness.status(&held.id).await, "refunded");
    assert_eq!(harness.refunds(&held.id).await, 1);
}

#[tokio::test]
async fn a_late_payment_is_acknowledged_while_refunds_fail_and_stays_refunding() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    let paid = late_payment(&harness, &held).await;
    harness.hold("10:00").await;
    harness.fail_stripe("POST /v1/refunds", Effect::Unavailable, 20);
    assert_eq!(harness.deliver(&paid).await.status(), 200, "the table knows what is owed");
    let booking = harness.booking(&held.id).await;
    assert_eq!(booking.state.as_str(), "refunding");
    assert!(booking.check_at.is_some_and(|at| at <= harness.clock.now()), "the schedule's turn");
}

#[tokio::test]
async fn a_refund_that_failed_is_settled_by_hand() {
    let harness = Harness::with_refunds(Refunds::Failing).await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    harness.cancel(&held.id).await;
    assert_eq!(harness.status(&held.id).await, "refunded");
    harness.clock.advance(SignedDuration::from_secs(30));
    harness.deliver_all().await;
    assert_eq!(harness.status(&held.id).await, "refund_failed");

    harness.stripe().set_refunds(Refunds::Ok);
    let booking = harness.booking(&held.id).await;
    let by_hand = RefundRequest {
        booking_id: "nobody's",
        key: "by-hand",
        payment: booking.payment.as_deref().expect("a payment"),
        amount: Money::new(5_000, booking.terms.deposit.currency()),
    };
    let dashboard = harness.stripe_client();
    dashboard.refund(&by_hand).await.expect("it can be refunded");
    harness.deliver_all().await;
    assert_eq!(harness.status(&held.id).await, "refunded");
}
