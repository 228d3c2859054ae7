//! What is counted of a booking's life, each once.

use jiff::SignedDuration;
use stand_ins::sandbox::Refunds;
use testing::Tally;

use crate::harness::{Harness, delivery};

#[tokio::test]
async fn every_step_is_counted_once() {
    let tally = Tally::default();
    let _counting = metrics::set_default_local_recorder(&tally);
    let harness = Harness::with_refunds(Refunds::Failing).await;
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    harness.deliver_all().await;
    harness.deliver_all().await;
    harness.cancel(&held.id).await;
    harness.clock.advance(SignedDuration::from_secs(30));
    harness.deliver_all().await;
    harness.send(&delivery("t=1,v1=00").body("{}")).await;

    let late = harness.hold("10:00").await;
    harness.stripe().pay_by_debit(&late.session).expect("it is open");
    harness.deliver_all().await;
    harness.cancel(&late.id).await;
    harness.stripe().settle(&late.session, true).expect("it is under way");
    harness.deliver_all().await;

    // Both refunds were made, and the first failed later.
    let expected = [
        ("BookingsConfirmed", 1),
        ("HoldsPlaced", 2),
        ("LatePayments", 1),
        ("RefundsFailed", 1),
        ("RefundsMade", 2),
        ("WebhooksRejected", 1),
    ];
    assert_eq!(tally.counts(), expected.map(|(name, count)| (name.to_owned(), count)));
}
