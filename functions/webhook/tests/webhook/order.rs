//! Events that come in any order, and twice, end the same.

use jiff::SignedDuration;
use stand_ins::sandbox::Refunds;

use crate::harness::Harness;
use testing::Hold;

/// What happens at Stripe before any event of it arrives.
#[derive(Clone, Copy, Debug)]
enum Story {
    Paid,
    Expired,
    DebitArrives,
    DebitBounces,
    /// Paid, and cancelled in time: all of it goes back.
    Refunded,
    /// The same, and the client's bank takes its time.
    RefundedLate,
    /// The same, and the client's bank does not take it.
    RefundFailed,
}

impl Story {
    async fn tell(self) -> (Harness, Hold) {
        let refunds = match self {
            Self::RefundedLate => Refunds::Pending,
            Self::RefundFailed => Refunds::Failing,
            _ => Refunds::Ok,
        };
        let harness = Harness::with_refunds(refunds).await;
        let held = harness.hold("10:00").await;
        let stripe = harness.stripe();
        match self {
            Self::Paid => stripe.pay(&held.session).expect("it is open"),
            Self::Expired => harness.clock.advance(SignedDuration::from_mins(36)),
            Self::DebitArrives | Self::DebitBounces => {
                stripe.pay_by_debit(&held.session).expect("it is open");
                let arrives = matches!(self, Self::DebitArrives);
                stripe.settle(&held.session, arrives).expect("it is under way");
            }
            Self::Refunded | Self::RefundedLate | Self::RefundFailed => {
                stripe.pay(&held.session).expect("it is open");
                harness.cancel(&held.id).await;
                harness.clock.advance(SignedDuration::from_secs(30));
            }
        }
        stripe.pass_time();
        (harness, held)
    }
}

/// Returns all orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for shorter in orders(last) {
        for place in 0..=shorter.len() {
            let mut order = shorter.clone();
            order.insert(place, last);
            all.push(order);
        }
    }
    all
}

async fn every_order_ends(story: Story, events: usize, status: &str, refunds: usize) {
    for order in orders(events) {
        let (harness, held) = story.tell().await;
        let bodies = harness.event_bodies();
        assert_eq!(bodies.len(), events, "{story:?} has other events: {bodies:#?}");
        // Once, and all of them once more.
        for index in order.iter().chain(&order) {
            let response = harness.deliver(&bodies[*index]).await;
            assert_eq!(response.status(), 200, "{story:?} {order:?}: {response:?}");
        }
        assert_eq!(harness.status(&held.id).await, status, "{story:?} {order:?}");
        assert_eq!(harness.refunds(&held.id).await, refunds, "{story:?} {order:?}");
    }
}

#[tokio::test]
async fn every_order_of_payment_events_ends_the_same() {
    every_order_ends(Story::Paid, 1, "confirmed", 0).await;
    every_order_ends(Story::Expired, 1, "expired", 0).await;
}

#[tokio::test]
async fn every_order_of_debit_events_ends_the_same() {
    every_order_ends(Story::DebitArrives, 2, "confirmed", 0).await;
    every_order_ends(Story::DebitBounces, 2, "expired", 0).await;
}

#[tokio::test]
async fn every_order_of_refund_events_ends_the_same() {
    every_order_ends(Story::Refunded, 3, "refunded", 1).await;
}

#[tokio::test]
async fn every_order_of_pending_refund_events_ends_the_same() {
    every_order_ends(Story::RefundedLate, 4, "refunded", 1).await;
}

#[tokio::test]
async fn every_order_of_failed_refund_events_ends_the_same() {
    every_order_ends(Story::RefundFailed, 5, "refund_failed", 1).await;
}
