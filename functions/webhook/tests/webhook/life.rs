//! Payments that come late, and refunds that people have to look after.

use jiff::SignedDuration;
use openchair::payments::{Payments, RefundRequest};
use salon::money::Money;
use serde_json::{Value, json};
use stand_ins::sandbox::{Effect, Fault, Refunds, SandboxOptions};

use crate::harness::{Harness, Held, Setting, changed, client};

/// Lets a session expire for us and be paid at Stripe: returns the event of
/// the payment, which is late.
async fn late_payment(harness: &Harness, held: &Held) -> String {
    harness.sandbox().pay(&held.session).expect("it is open");
    let paid = harness.bodies().pop().expect("an event");
    let expired = changed(&paid, |event| {
        event["type"] = json!("checkout.session.expired");
        event["data"]["object"]["status"] = json!("expired");
        event["data"]["object"]["payment_status"] = json!("unpaid");
        event["data"]["object"]["payment_intent"] = Value::Null;
    });
    assert_eq!(harness.deliver(&expired).await.status(), 200);
    assert_eq!(harness.status(held).await, "expired");
    paid
}

#[tokio::test]
async fn a_late_payment_is_confirmed_if_the_time_is_still_free() {
    let harness = Harness::new().await;
    let held = harness.hold().await;
    let paid = late_payment(&harness, &held).await;
    for _ in 0..2 {
        assert_eq!(harness.deliver(&paid).await.status(), 200);
        assert_eq!(harness.status(&held).await, "confirmed");
    }
    assert_eq!(harness.refunds(&held).await, 0);
}

#[tokio::test]
async fn a_late_payment_is_refunded_if_the_time_is_taken() {
    let harness = Harness::new().await;
    let held = harness.hold().await;
    let paid = late_payment(&harness, &held).await;
    let other = harness.hold().await;
    for _ in 0..2 {
        assert_eq!(harness.deliver(&paid).await.status(), 200);
        assert_eq!(harness.status(&held).await, "refunded");
    }
    assert_eq!(harness.refunds(&held).await, 1);
    assert_eq!(harness.status(&other).await, "held");
}

#[tokio::test]
async fn a_payment_for_a_cancelled_booking_is_refunded() {
    let harness = Harness::new().await;
    let held = harness.hold().await;
    harness.sandbox().pay_by_debit(&held.session).expect("it is open");
    harness.deliver_all().await;
    assert_eq!(harness.status(&held).await, "processing");
    harness.cancel(&held).await;
    assert_eq!(harness.status(&held).await, "cancelled");
    harness.sandbox().settle(&held.session, true).expect("it is under way");
    harness.deliver_all().await;
    // A bank takes its time, with the way back too.
    assert_eq!(harness.status(&held).await, "refunding");
    harness.clock.advance(SignedDuration::from_secs(30));
    harness.deliver_all().await;
    assert_eq!(harness.status(&held).await, "refunded");
    assert_eq!(harness.refunds(&held).await, 1);
}

#[tokio::test]
async fn a_payment_whose_refund_cannot_be_made_now_is_taken_and_refunded_later() {
    let harness = Harness::new().await;
    let held = harness.hold().await;
    let paid = late_payment(&harness, &held).await;
    harness.hold().await;
    let call = "POST /v1/refunds".to_owned();
    harness.sandbox().inject(Fault { call, effect: Effect::Unavailable, times: 20 });
    assert_eq!(harness.deliver(&paid).await.status(), 200, "the table knows what is owed");
    let booking = harness.booking(&held).await;
    assert_eq!(booking.state.as_str(), "refunding");
    assert!(booking.check_at.is_some_and(|at| at <= harness.clock.now()), "the schedule's turn");
}

#[tokio::test]
async fn a_refund_that_failed_is_settled_by_hand() {
    let sandbox = SandboxOptions { refunds: Refunds::Failing, ..Setting::default().sandbox };
    let harness = Harness::with(Setting { sandbox, ..Setting::default() }).await;
    let held = harness.hold().await;
    harness.sandbox().pay(&held.session).expect("it is open");
    harness.cancel(&held).await;
    assert_eq!(harness.status(&held).await, "refunded");
    harness.clock.advance(SignedDuration::from_secs(30));
    harness.deliver_all().await;
    assert_eq!(harness.status(&held).await, "refund_failed");

    harness.sandbox().set_refunds(Refunds::Ok);
    let booking = harness.booking(&held).await;
    let by_hand = RefundRequest {
        booking_id: "nobody's",
        attempt: 1,
        payment: booking.payment.as_deref().expect("a payment"),
        amount: Money::new(5_000, booking.terms.deposit.currency()),
    };
    let dashboard = client("sk_test_1", harness.stripe_url());
    dashboard.refund(&by_hand).await.expect("it can be refunded");
    harness.deliver_all().await;
    assert_eq!(harness.status(&held).await, "refunded");
}

#[tokio::test]
async fn a_refund_by_hand_leaves_a_confirmed_booking_as_it_is() {
    let harness = Harness::new().await;
    let held = harness.hold().await;
    harness.sandbox().pay(&held.session).expect("it is open");
    harness.deliver_all().await;
    let booking = harness.booking(&held).await;
    let by_hand = RefundRequest {
        booking_id: &held.id,
        attempt: 1,
        payment: booking.payment.as_deref().expect("a payment"),
        amount: Money::new(1_000, booking.terms.deposit.currency()),
    };
    let dashboard = client("sk_test_1", harness.stripe_url());
    dashboard.refund(&by_hand).await.expect("it can be refunded");
    harness.deliver_all().await;
    assert_eq!(harness.booking(&held).await, booking);
}
