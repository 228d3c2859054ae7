//! What a run counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use openchair::bookings::ReconcileBudget;
use stand_ins::sandbox::Effect;
use tokio::time::Instant;

use crate::harness::Harness;

/// Counts in place of CloudWatch, and keeps every value that was recorded.
#[derive(Default)]
struct Tally {
    counts: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    live_holds: Arc<Recorded>,
}

#[derive(Default)]
struct Recorded(Mutex<Vec<f64>>);

impl HistogramFn for Recorded {
    fn record(&self, value: f64) {
        self.0.lock().expect("nobody panicked").push(value);
    }
}

impl Tally {
    fn count(&self, name: &str) -> Option<u64> {
        let counts = self.counts.lock().expect("nobody panicked");
        counts.get(name).map(|count| count.load(Ordering::Relaxed))
    }

    fn live_holds(&self) -> Vec<f64> {
        self.live_holds.0.lock().expect("nobody panicked").clone()
    }
}

impl Recorder for Tally {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counts = self.counts.lock().expect("nobody panicked");
        Counter::from_arc(Arc::clone(counts.entry(key.name().to_owned()).or_default()))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("a gauge is written again by runs that do not set it")
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        assert_eq!(key.name(), "LiveUnpaidHolds");
        Histogram::from_arc(Arc::clone(&self.live_holds))
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
    assert_eq!(tally.live_holds(), [2.0]);
    assert_eq!(tally.count("ReconcileCutShort"), None);

    let over = ReconcileBudget { bookings: 9, pause: Duration::ZERO, deadline: Instant::now() };
    Box::pin(harness.bookings().reconcile(over)).await.expect("readable");
    assert_eq!(tally.count("ReconcileCutShort"), Some(1));
    assert_eq!(tally.live_holds(), [2.0], "a run that could not count says nothing");
}

#[tokio::test]
async fn a_comparison_of_refunds_that_is_not_finished_is_counted() {
    let tally = Tally::default();
    let _counting = metrics::set_default_local_recorder(&tally);
    let harness = Harness::new().await;
    let held = harness.paid_hold("10:00").await;
    harness.run().await;
    harness.cancel(&held.id).await;
    harness.check_refunds().await.expect("the refunds can be listed");
    assert_eq!(tally.count("ReconcileCutShort"), None);
    let changed = harness.check_refunds_for(SignedDuration::ZERO).await;
    assert_eq!((changed.expect("listed"), tally.count("ReconcileCutShort")), (0, Some(1)));

    harness.fail_stripe("GET /v1/refunds", Effect::Unavailable, 50);
    assert!(harness.check_refunds().await.is_err());
    assert_eq!(tally.count("ReconcileCutShort"), Some(2), "the alarm rings");
}
