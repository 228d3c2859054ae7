//! What a run counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use openchair::bookings::ReconcileBudget;
use tokio::time::Instant;

use crate::harness::Harness;

/// Counts in place of CloudWatch.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Tally {
    fn value(&self, name: &str) -> Option<u64> {
        let values = self.0.lock().expect("nobody panicked");
        values.get(name).map(|value| value.load(Ordering::Relaxed))
    }

    fn register(&self, key: &Key) -> Arc<AtomicU64> {
        let mut values = self.0.lock().expect("nobody panicked");
        Arc::clone(values.entry(key.name().to_owned()).or_default())
    }
}

impl Recorder for Tally {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.register(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.register(key))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn a_run_counts_live_holds_and_whether_it_was_cut_short() {
    let tally = Tally::default();
    let _counting = metrics::set_default_local_recorder(&tally);
    let harness = Harness::new().await;
    harness.hold("10:00").await;
    harness.hold("11:00").await;
    harness.run().await;
    assert_eq!(tally.value("LiveUnpaidHolds").map(f64::from_bits), Some(2.0));
    assert_eq!(tally.value("ReconcileCutShort"), None);

    let over = ReconcileBudget { bookings: 9, pause: Duration::ZERO, deadline: Instant::now() };
    Box::pin(harness.bookings().reconcile(over)).await.expect("readable");
    assert_eq!(tally.value("ReconcileCutShort"), Some(1));
}
