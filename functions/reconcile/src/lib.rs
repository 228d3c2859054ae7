//! Settles bookings for which no Stripe event arrived: paid or expired sessions, sessions
//! whose id a crash lost, and refunds that were cut off.

use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::Error;
use openchair::bookings::{Bookings, ReconcileBudget, ReconcileReport, SettleError};
use openchair::busy::Origin;
use openchair::clock::Clock;
use openchair::payments::Payments;
use openchair::store::StoreError;
use openchair::store::booking_store::BookingStore;
use openchair::telemetry::{chain, metrics};
use openchair::time_budget::{RECONCILE_START_SHARE, RECONCILE_TIMEOUT};
use serde::Deserialize;
use tokio::time::Instant;

/// Maximum number of bookings that a run checks one by one. Usually time runs out first.
const MAX_BOOKINGS: usize = 200;
/// Time before each booking, and between two lists. Stripe accepts 25 requests/s, and most
/// are kept for visitors.
const PAUSE: Duration = Duration::from_millis(120);
/// Time of a run whose deadline is in the past: `cargo lambda watch` reports deadlines in
/// 1970.
const LOCAL_RUN_TIME: Duration = RECONCILE_TIMEOUT;

/// What a schedule invokes the function for: `{"task": "refunds"}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Settles the bookings that are due, every two minutes. The default.
    #[default]
    Bookings,
    /// Compares the bookings with Stripe's refunds, every day.
    Refunds,
}

/// The event of a schedule.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct ScheduleEvent {
    #[serde(default)]
    pub task: Task,
}

/// The function, made once per container.
#[derive(Debug)]
pub struct Reconcile<S, O, P> {
    bookings: Bookings<S, O, P>,
    clock: Clock,
}

impl<S: BookingStore, O: Origin, P: Payments> Reconcile<S, O, P> {
    #[must_use]
    pub const fn new(bookings: Bookings<S, O, P>, clock: Clock) -> Self {
        Self { bookings, clock }
    }

    /// Does what a schedule asks for.
    ///
    /// # Errors
    /// When bookings or refunds cannot be listed.
    pub async fn handle(&self, event: ScheduleEvent, deadline: Timestamp) -> Result<(), Error> {
        match event.task {
            Task::Bookings => drop(self.run(deadline).await?),
            Task::Refunds => drop(self.check_refunds(deadline).await?),
        }
        Ok(())
    }

    /// Settles the bookings that are due, while there is time, and logs one line about
    /// the run.
    ///
    /// # Errors
    /// When the index of bookings cannot be read.
    pub async fn run(&self, deadline: Timestamp) -> Result<ReconcileReport, StoreError> {
        let budget = ReconcileBudget {
            bookings: MAX_BOOKINGS,
            pause: PAUSE,
            deadline: self.start_until(deadline),
        };
        let outcome = self.bookings.reconcile(budget).await;
        match &outcome {
            Ok(report) => tracing::info!(
                reconcile.listed = report.listed,
                reconcile.looked_at = report.looked_at,
                reconcile.repaired = report.repaired,
                reconcile.failed = report.failed,
                reconcile.is_cut_short = report.is_cut_short,
                reconcile.live_holds = report.live_holds,
                "Reconcile run finished"
            ),
            Err(error) => tracing::error!(
                error.cause = chain(error),
                "Reconcile run failed, the bookings that are due could not be listed"
            ),
        }
        metrics::flush();
        outcome
    }

    /// Returns when a run starts no further booking. The other half of its time is for the last
    /// one: three slow requests to Stripe take half a minute.
    fn start_until(&self, deadline: Timestamp) -> Instant {
        let left = Duration::try_from(deadline.duration_since(self.clock.now()));
        Instant::now() + left.unwrap_or(LOCAL_RUN_TIME) / RECONCILE_START_SHARE
    }

    /// Compares the bookings with Stripe's refunds of the last 30 days, while there is time,
    /// and logs one line. Returns the number of bookings that have changed.
    ///
    /// # Errors
    /// When the refunds cannot be listed.
    pub async fn check_refunds(&self, deadline: Timestamp) -> Result<usize, SettleError> {
        let outcome = self.bookings.check_refunds(self.start_until(deadline)).await;
        match &outcome {
            Ok(changed) => tracing::info!(reconcile.repaired = changed, "Refunds compared"),
            Err(error) => tracing::error!(
                error.cause = chain(error),
                "Refunds could not be compared, they could not be listed"
            ),
        }
        metrics::flush();
        outcome
    }
}
