//! Metrics for CloudWatch: lines in its [embedded metric format] on standard output,
//! beside the log.
//!
//! Counting is an addition in memory. The lines are written at the end of a request,
//! because Lambda freezes the function after it. Without `METRICS_NAMESPACE`, as on a
//! developer's machine, nothing is counted.
//!
//! [embedded metric format]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::io;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ::metrics::{Counter, counter};
use metrics_cloudwatch_embedded::{Builder, Collector};

/// Time between two writes of the counts of cached responses. What was counted since the
/// last write is lost when the container ends.
const FLUSH_INTERVAL: Duration = Duration::from_secs(10);

/// The counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Holds that were placed.
    HoldsPlaced,
    /// Requests refused because a client or a network address is at a limit.
    HoldsRefused,
    /// Bookings that were paid and confirmed.
    BookingsConfirmed,
    /// Payments for a booking that had expired or been cancelled.
    LatePayments,
    /// Payments that are not the deposit of a booking's own session: second payments, and
    /// other amounts.
    UnexpectedPayments,
    /// Bookings that were refunded.
    RefundsMade,
    /// Bookings whose refund failed: a person has to act.
    RefundsFailed,
    /// Webhook requests without a valid signature.
    WebhooksRejected,
    /// Bookings that reconcile changed, because no event had.
    ReconcileRepaired,
    /// Attempts of reconcile to settle a booking that failed.
    ReconcileFailed,
    /// Runs of reconcile that ended before they had done everything that was due.
    ReconcileCutShort,
    /// Responses 429 from Stripe.
    StripeRateLimited,
    /// Reads of a staff member's calendars.
    OriginReads,
    /// Mails that SES accepted.
    MailsSent,
    /// Mails that SES rejected for good: somebody was not notified.
    MailsRejected,
    /// Mails and calendar entries that were repeated after an attempt was cut off, and may
    /// exist twice.
    EffectsRepeated,
    /// Bookings that a calendar refused.
    EntriesRefused,
}

impl Metric {
    const fn name(self) -> &'static str {
        match self {
            Self::HoldsPlaced => "HoldsPlaced",
            Self::HoldsRefused => "HoldsRefused",
            Self::BookingsConfirmed => "BookingsConfirmed",
            Self::LatePayments => "LatePayments",
            Self::UnexpectedPayments => "UnexpectedPayments",
            Self::RefundsMade => "RefundsMade",
            Self::RefundsFailed => "RefundsFailed",
            Self::WebhooksRejected => "WebhooksRejected",
            Self::ReconcileRepaired => "ReconcileRepaired",
            Self::ReconcileFailed => "ReconcileFailed",
            Self::ReconcileCutShort => "ReconcileCutShort",
            Self::StripeRateLimited => "StripeRateLimited",
            Self::OriginReads => "OriginReads",
            Self::MailsSent => "MailsSent",
            Self::MailsRejected => "MailsRejected",
            Self::EffectsRepeated => "EffectsRepeated",
            Self::EntriesRefused => "EntriesRefused",
        }
    }
}

/// The collector of the counts, and the time of the last write.
struct Sink {
    collector: &'static Collector,
    flushed_at: Mutex<Option<Instant>>,
}

static SINK: OnceLock<Sink> = OnceLock::new();

/// Starts counting, in a CloudWatch namespace. Without one, nothing is counted.
pub(super) fn init(namespace: String) {
    if namespace.is_empty() {
        return;
    }
    match Builder::new().cloudwatch_namespace(namespace).init() {
        Ok(collector) => {
            SINK.get_or_init(|| Sink { collector, flushed_at: Mutex::default() });
        }
        Err(error) => {
            tracing::error!(
                error.cause = super::chain(error.as_ref()),
                "Metrics could not be started, nothing is counted"
            );
        }
    }
}

/// Counts one.
pub fn count(metric: Metric) {
    counter!(metric.name()).increment(1);
}

/// Records the number of unpaid holds that have not ended. It is no gauge, because a gauge is
/// written again at every flush, also by a run that could not count the holds.
#[cfg(feature = "stripe")]
#[expect(clippy::cast_precision_loss, reason = "a salon has fewer holds than 2^52")]
pub(crate) fn record_live_unpaid_holds(holds: usize) {
    ::metrics::histogram!("LiveUnpaidHolds").record(holds as f64);
}

/// Counts a response from the container's cache.
///
/// The counter is kept, because looking it up takes longer than finding the response.
pub(crate) fn count_hit_in_container() {
    static HITS: LazyLock<Counter> =
        LazyLock::new(|| counter!("CacheHits", "Level" => "container"));
    HITS.increment(1);
}

/// Counts a response that was computed from the table.
pub(crate) fn count_hit_in_table() {
    counter!("CacheHits", "Level" => "table").increment(1);
}

/// Writes the counts since the last write.
pub fn flush() {
    if let Some(sink) = SINK.get() {
        sink.flush(Instant::now());
    }
}

/// Writes the counts, unless the last write was shortly before `now`.
pub(crate) fn flush_occasionally(now: Instant) {
    let Some(sink) = SINK.get() else { return };
    let last = *sink.flushed_at.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| now.saturating_duration_since(last) >= FLUSH_INTERVAL) {
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
