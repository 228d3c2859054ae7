//! Settling the bookings that no event has settled.

mod session_listing;

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub(super) use self::session_listing::CHECK_AFTER_SESSION;
use super::Bookings;
use super::settle::SettleError;
use super::transition::Trigger;
use super::update::{BookingUpdate, Decision};
use crate::busy::Origin;
use crate::payments::{Payments, SessionStatus};
use crate::store::StoreError;
use crate::store::booking_store::{BookingState, BookingStore, UnsettledBooking};
use crate::telemetry::chain;
use crate::telemetry::metrics::{self, Metric, count};
use salon::booking::{Booking, BookingId, State};

/// When a hold whose session is unknown or should have ended is checked again.
const HOLD_INTERVAL: SignedDuration = SignedDuration::from_secs(90);
/// When a booking with a pending payment or refund is checked again.
const MONEY_INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// When a booking is checked again after an error.
const ERROR_INTERVAL: SignedDuration = SignedDuration::from_mins(5);
/// How many unsettled bookings a run knows of.
const MAX_UNSETTLED: usize = 10_000;
/// How many states of bookings are read before the time is checked.
const STATES_PER_READ: usize = 1_000;

/// The limits of one run.
#[derive(Clone, Copy, Debug)]
pub struct ReconcileBudget {
    /// How many bookings the run may check one by one.
    pub bookings: usize,
    /// The pause before each booking, and between two pages of sessions. Visitors' requests
    /// to Stripe come first.
    pub pause: Duration,
    /// When the run starts no further booking and no further page.
    pub deadline: Instant,
}

/// The result of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReconcileReport {
    /// Sessions that Stripe listed.
    pub listed: usize,
    /// Bookings that were checked, or to which a listed session was applied.
    pub looked_at: usize,
    /// Bookings that changed, which no event had done.
    pub repaired: usize,
    /// Bookings that could not be settled, and lists that could not be read. They will be
    /// tried again.
    pub failed: usize,
    /// Whether the run ended before it had done everything that was due.
    pub is_cut_short: bool,
    /// Unpaid holds that have not ended; none if they could not be counted.
    pub live_holds: Option<usize>,
}

/// A run in progress.
#[derive(Debug)]
struct Run {
    report: ReconcileReport,
    /// The bookings that were unsettled when the run began.
    unsettled: HashSet<BookingId>,
    /// The bookings that a listed session has changed.
    changed: HashSet<BookingId>,
}

impl Run {
    fn new(unsettled: &[UnsettledBooking]) -> Self {
        Self {
            report: ReconcileReport::default(),
            unsettled: unsettled.iter().map(|booking| booking.id.clone()).collect(),
            changed: HashSet::new(),
        }
    }

    /// Takes note of a booking that was brought up to date.
    fn checked(&mut self, is_changed: bool) {
        self.report.looked_at += 1;
        if is_changed {
            self.report.repaired += 1;
            count(Metric::ReconcileRepaired);
        }
    }

    /// Takes note of a booking that could not be brought up to date.
    fn booking_failed(&mut self, id: &BookingId, error: &SettleError) {
        self.report.looked_at += 1;
        self.count_failure();
        tracing::warn!(
            booking.id = %id, error.cause = chain(error), "Booking could not be settled"
        );
    }

    fn count_failure(&mut self) {
        self.report.failed += 1;
        count(Metric::ReconcileFailed);
    }
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Settles the bookings that no event has settled.
    ///
    /// Stripe lists the recent sessions that are complete, and then those that have expired,
    /// so the number of requests does not grow with the number of unpaid holds. A booking
    /// whose payment the lists do not tell is checked one by one once it is due, the longest
    /// overdue first. Each of them leaves the index or moves to its end before the next one
    /// is checked: one that cannot be settled delays no other.
    ///
    /// # Errors
    /// When the index of unsettled bookings cannot be read.
    pub async fn reconcile(&self, budget: ReconcileBudget) -> Result<ReconcileReport, StoreError> {
        let store = self.reader.store();
        // Asks for one more than allowed, to know whether there are more.
        let mut unsettled = store.unsettled_bookings(MAX_UNSETTLED + 1).await?;
        let has_more = unsettled.len() > MAX_UNSETTLED;
        unsettled.truncate(MAX_UNSETTLED);
        let mut run = Run::new(&unsettled);
        run.report.is_cut_short = has_more;

        let deadline = budget.deadline;
        self.apply_sessions(SessionStatus::Complete, &mut run, &budget, deadline).await;
        run.report.live_holds = self.live_holds(&unsettled, &mut run, deadline).await;
        if let Some(holds) = run.report.live_holds {
            metrics::record_live_unpaid_holds(holds);
        }
        // Thousands of sessions may expire at once, and freeing their times is less urgent
        // than money that is checked one by one.
        let now = Instant::now();
        let half = now + deadline.saturating_duration_since(now) / 2;
        self.apply_sessions(SessionStatus::Expired, &mut run, &budget, half).await;
        self.check_due(&unsettled, &mut run, &budget).await;
        if run.report.is_cut_short {
            count(Metric::ReconcileCutShort);
        }
        Ok(run.report)
    }

    /// Counts the unpaid holds that have not ended; none if that cannot be told.
    async fn live_holds(
        &self,
        unsettled: &[UnsettledBooking],
        run: &mut Run,
        deadline: Instant,
    ) -> Option<usize> {
        let now = self.now();
        let mut live = 0;
        for bookings in unsettled.chunks(STATES_PER_READ) {
            if Instant::now() >= deadline {
                run.report.is_cut_short = true;
                return None;
            }
            let ids: Vec<_> = bookings.iter().map(|booking| booking.id.clone()).collect();
            match self.reader.store().booking_states(&ids).await {
                Ok(states) => {
                    let is_live = |state: &&BookingState| {
                        state.state.awaits_client() && now < state.hold_until
                    };
                    live += states.iter().filter(is_live).count();
                }
                Err(error) => {
                    run.count_failure();
                    tracing::warn!(error.cause = chain(&error), "Holds could not be counted");
                    return None;
                }
            }
        }
        Some(live)
    }

    /// Checks the bookings that are due one by one.
    async fn check_due(
        &self,
        unsettled: &[UnsettledBooking],
        run: &mut Run,
        budget: &ReconcileBudget,
    ) {
        let now = self.now();
        let due = unsettled.iter().take_while(|booking| booking.check_at <= now);
        let due: Vec<_> = due.filter(|it| !run.changed.contains(&it.id)).collect();
        run.report.is_cut_short |= due.len() > budget.bookings;
        for UnsettledBooking { id, .. } in due.iter().take(budget.bookings) {
            if Instant::now() >= budget.deadline {
                run.report.is_cut_short = true;
                return;
            }
            self.reader.clock().pause(budget.pause).await;
            match self.check(id).await {
                Ok(is_changed) => run.checked(is_changed),
                Err(error) => {
                    run.booking_failed(id, &error);
                    let later = self.now() + ERROR_INTERVAL;
                    if let Err(error) = self.check_again_at(id, later).await {
                        tracing::error!(
                            booking.id = %id, error.cause = chain(&error),
                            "Booking could not be rescheduled"
                        );
                    }
                }
            }
        }
    }

    /// Brings a booking up to date with Stripe. Returns whether its state has changed.
    async fn check(&self, id: &BookingId) -> Result<bool, SettleError> {
        let Some(before) = self.reader.store().booking(id).await? else { return Ok(false) };
        let after = match before.state {
            State::Held | State::Processing | State::Standby | State::InLine | State::Capturing => {
                self.settle(id, Trigger::Reconciliation).await?
            }
            State::Released if before.authorises() => Some(self.release(&before).await?),
            State::Refunding => self.advance_refund(&before).await?,
            State::Cancelled if before.awaits_payment() => self.check_payment(&before).await?,
            State::Confirmed
            | State::Expired
            | State::Cancelled
            | State::Refunded
            | State::RefundFailed
            | State::Released => None,
        };
        let after = after.unwrap_or_else(|| before.clone());
        let soon = self.now() + HOLD_INTERVAL;
        let at = match after.state {
            State::Held | State::Standby | State::InLine | State::Capturing => Some(soon),
            State::Processing | State::Refunding => Some(self.now() + MONEY_INTERVAL),
            State::Cancelled if after.awaits_payment() => Some(self.now() + MONEY_INTERVAL),
            _ => None,
        };
        if let Some(at) = at {
            self.check_again_at(id, at).await?;
        }
        Ok(after.state != before.state)
    }

    /// Asks Stripe about the payment of a booking that was cancelled while the
    /// payment was pending.
    async fn check_payment(&self, booking: &Booking) -> Result<Option<Booking>, SettleError> {
        let Some(event) = self.refresh_from_stripe(booking).await? else { return Ok(None) };
        let applied = self.apply_if_same_session(booking, &event, Trigger::Reconciliation).await?;
        Ok(Some(applied.booking))
    }

    /// Moves a booking towards the end of the index if it is still due.
    async fn check_again_at(&self, id: &BookingId, later: Timestamp) -> Result<(), StoreError> {
        let updated = self.update(id, None, |booking: Booking| async move {
            let now = self.now();
            if booking.check_at.is_none_or(|at| at > now) {
                return Ok::<_, StoreError>(Decision::Keep(booking, ()));
            }
            let booking = Booking { check_at: Some(later), ..booking };
            Ok(Decision::Write(BookingUpdate::only(booking), ()))
        });
        updated.await.map(drop)
    }
}
