//! What is counted of a booking's life, each once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use stand_ins::sandbox::Refunds;

use crate::harness::{Harness, delivery};

/// Counts in place of CloudWatch.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Tally {
    fn counts(&self) -> Vec<(String, u64)> {
        let counts = self.0.lock().expect("nobody panicked");
        counts.iter().map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed))).collect()
    }
}

impl Recorder for Tally {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counts = self.0.lock().expect("nobody panicked");
        Counter::from_arc(Arc::clone(counts.entry(key.name().to_owned()).or_default()))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

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
