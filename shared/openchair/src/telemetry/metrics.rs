//! What is counted, for CloudWatch: lines in its [embedded metric format] on
//! standard output, beside the log.
//!
//! Counting is an addition in memory. The lines are written when a request is
//! answered, as a Lambda freezes after that. Where `METRICS_NAMESPACE` is not
//! set, as on a developer's machine, nothing is counted.
//!
//! [embedded metric format]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::io;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ::metrics::{Counter, counter};
use metrics_cloudwatch_embedded::{Builder, Collector};

/// How long what is counted on every request may wait to be written. It is
/// lost if its container ends before.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is counted one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Times that were reserved.
    HoldsPlaced,
    /// Bookings that were paid, and have their time.
    BookingsConfirmed,
    /// Payments for a booking that had expired or been cancelled.
    LatePayments,
    /// Bookings whose money is back.
    RefundsMade,
    /// Bookings whose money could not be sent back: a person has to act.
    RefundsFailed,
    /// Events that were not shown to be Stripe's.
    WebhooksRejected,
    /// Bookings that the schedule found changed: what no event had told.
    ReconcileRepaired,
    /// Bookings that the schedule could not settle, each time that it tried.
    ReconcileFailed,
    /// Answers of Stripe's that its rate limit was reached.
    StripeRateLimited,
    /// Times that somebody's calendars were read.
    OriginReads,
    /// Mails that SES has taken.
    MailsSent,
    /// Mails that SES will never take: somebody was not told.
    MailsRejected,
    /// Mails and calendar entries that were made again after an attempt that was
    /// cut off, perhaps a second time.
    EffectsRepeated,
    /// Bookings that a calendar will not show.
    EntriesRefused,
}

impl Metric {
    const fn name(self) -> &'static str {
        match self {
            Self::HoldsPlaced => "HoldsPlaced",
            Self::BookingsConfirmed => "BookingsConfirmed",
            Self::LatePayments => "LatePayments",
            Self::RefundsMade => "RefundsMade",
            Self::RefundsFailed => "RefundsFailed",
            Self::WebhooksRejected => "WebhooksRejected",
            Self::ReconcileRepaired => "ReconcileRepaired",
            Self::ReconcileFailed => "ReconcileFailed",
            Self::StripeRateLimited => "StripeRateLimited",
            Self::OriginReads => "OriginReads",
            Self::MailsSent => "MailsSent",
            Self::MailsRejected => "MailsRejected",
            Self::EffectsRepeated => "EffectsRepeated",
            Self::EntriesRefused => "EntriesRefused",
        }
    }
}

/// Where the lines come from, and when the last were written.
struct Sink {
    collector: &'static Collector,
    flushed_at: Mutex<Option<Instant>>,
}

static SINK: OnceLock<Sink> = OnceLock::new();

/// Starts to count, under a namespace of CloudWatch's. None means not at all.
pub(super) fn init(namespace: String) {
    if namespace.is_empty() {
        return;
    }
    match Builder::new().cloudwatch_namespace(namespace).init() {
        Ok(collector) => {
            SINK.get_or_init(|| Sink { collector, flushed_at: Mutex::default() });
        }
        Err(error) => {
            tracing::error!(error.cause = super::chain(error.as_ref()), "Nothing is counted");
        }
    }
}

/// Counts one.
pub fn count(metric: Metric) {
    counter!(metric.name()).increment(1);
}

/// Says how many holds are live and unpaid.
#[cfg(feature = "stripe")]
#[expect(clippy::cast_precision_loss, reason = "a salon has fewer holds than 2^52")]
pub(crate) fn set_live_unpaid_holds(holds: usize) {
    ::metrics::gauge!("LiveUnpaidHolds").set(holds as f64);
}

/// Counts an answer that the container had.
///
/// The counter is kept, as finding it takes longer than finding the answer.
pub(crate) fn count_hit_in_container() {
    static HITS: LazyLock<Counter> =
        LazyLock::new(|| counter!("CacheHits", "Level" => "container"));
    HITS.increment(1);
}

/// Counts an answer that was computed from the table.
pub(crate) fn count_hit_in_table() {
    counter!("CacheHits", "Level" => "table").increment(1);
}

/// Writes what was counted since the last time.
pub fn flush() {
    if let Some(sink) = SINK.get() {
        sink.flush(Instant::now());
    }
}

/// Writes what was counted, unless that was done shortly before `now`.
pub(crate) fn flush_at_times(now: Instant) {
    let Some(sink) = SINK.get() else { return };
    let last = *sink.flushed_at.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| now.saturating_duration_since(last) >= PATIENCE) {
        sink.flush(now);
    }
}

impl Sink {
    fn flush(&self, now: Instant) {
        *self.flushed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        if let Err(error) = self.collector.flush(io::stdout().lock()) {
            tracing::error!(error.cause = super::chain(&error), "Metrics could not be written");
        }
    }
}
