//! Settles what no event of Stripe's has: sessions that were paid or expired
//! unheard of, ids that a crash lost, refunds that were cut off.

use std::time::Duration;

use jiff::Timestamp;
use openchair::bookings::{Bookings, Budget, Report};
use openchair::busy::Origin;
use openchair::clock::Clock;
use openchair::payments::Payments;
use openchair::store::StoreError;
use openchair::store::booking_store::BookingStore;
use openchair::telemetry::{chain, metrics};
use openchair::time_budget::{RECONCILE_START_SHARE, RECONCILE_TIMEOUT};
use tokio::time::Instant;

/// The most bookings that a run looks after. Usually its time ends it first.
const BOOKINGS: usize = 200;
/// Between one booking and the next: of the 25 requests a second that Stripe
/// takes, most stay for visitors.
const PAUSE: Duration = Duration::from_millis(120);
/// The time of a run whose deadline is past already: `cargo lambda watch` says
/// that all are in 1970.
const USUAL: Duration = RECONCILE_TIMEOUT;

/// The function: what it needs to run, made once a container.
#[derive(Debug)]
pub struct Reconcile<S, O, P> {
    bookings: Bookings<S, O, P>,
    clock: Clock,
}

impl<S: BookingStore, O: Origin, P: Payments> Reconcile<S, O, P> {
    /// Makes the function.
    #[must_use]
    pub const fn new(bookings: Bookings<S, O, P>, clock: Clock) -> Self {
        Self { bookings, clock }
    }

    /// Looks after the bookings that are due, as far as there is time, and logs
    /// one line about it.
    ///
    /// # Errors
    /// When the list of them cannot be read.
    pub async fn run(&self, deadline: Timestamp) -> Result<Report, StoreError> {
        let left = Duration::try_from(deadline.duration_since(self.clock.now()));
        // The other half is for the last one: three requests at which Stripe lets us
        // wait take half a minute.
        let time = left.unwrap_or(USUAL) / RECONCILE_START_SHARE;
        let budget = Budget { bookings: BOOKINGS, pause: PAUSE, deadline: Instant::now() + time };
        let outcome = self.bookings.reconcile(budget).await;
        match &outcome {
            Ok(report) => tracing::info!(
                reconcile.looked_at = report.looked_at,
                reconcile.repaired = report.repaired,
                reconcile.failed = report.failed,
                reconcile.is_cut_short = report.is_cut_short,
                "Looked after the bookings that were due"
            ),
            Err(error) => tracing::error!(
                error.cause = chain(error),
                "The bookings that are due could not be listed"
            ),
        }
        metrics::flush();
        outcome
    }
}
