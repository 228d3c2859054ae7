use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::settle::{Cause, SettleError};
use super::{Bookings, TRIES, contended};
use crate::busy::Origin;
use crate::payments::Payments;
use crate::store::StoreError;
use crate::store::booking_store::{BookingChange, BookingStore, WriteOutcome};
use crate::telemetry::chain;
use crate::telemetry::metrics::{self, Metric, count};
use salon::booking::{Booking, BookingId, State};

/// After how long a booking that is still open is looked at again.
const OPEN_AGAIN: SignedDuration = SignedDuration::from_secs(90);
/// After how long a booking whose money is on its way is looked at again.
const MONEY_AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// After how long a booking that could not be looked after is tried again.
const FAILED_AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// How much one run may do.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How many bookings it may look after.
    pub bookings: usize,
    /// The time between one booking and the next: each is a request to Stripe
    /// or a few, and visitors' requests come first.
    pub pause: Duration,
    /// When it begins no more.
    pub deadline: Instant,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Bookings that were looked after.
    pub looked_at: usize,
    /// Bookings that changed: what no event had done.
    pub repaired: usize,
    /// Bookings that could not be looked after, and will be again.
    pub failed: usize,
    /// Whether more are due than the run had time for.
    pub is_cut_short: bool,
}

/// A booking after it was looked after.
struct LookedAfter {
    /// Where it stands; nowhere if it is gone.
    state: Option<State>,
    is_changed: bool,
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Looks after the bookings that are due, the longest due first.
    ///
    /// Each of them leaves the list, or goes to its end, before the next one's
    /// turn: what one run does not reach, the next begins with, and one that
    /// cannot be settled holds up no other.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub async fn reconcile(&self, budget: Budget) -> Result<Report, StoreError> {
        let mut report = Report::default();
        // One more, to know whether there are more.
        let due = self
            .reader
            .store()
            .bookings_to_check(self.now(), budget.bookings.saturating_add(1))
            .await?;
        report.is_cut_short = due.len() > budget.bookings;
        let mut live = 0;
        for (index, id) in due.iter().take(budget.bookings).enumerate() {
            if Instant::now() >= budget.deadline {
                report.is_cut_short = true;
                break;
            }
            if index > 0 {
                self.reader.clock().pause(budget.pause).await;
            }
            report.looked_at += 1;
            match self.look_after(id).await {
                Ok(after) => {
                    live += usize::from(after.state == Some(State::Held));
                    if after.is_changed {
                        report.repaired += 1;
                        count(Metric::ReconcileRepaired);
                    }
                }
                Err(error) => {
                    report.failed += 1;
                    count(Metric::ReconcileFailed);
                    tracing::warn!(booking.id = %id, error.cause = chain(&error), "A booking could not be settled");
                    if let Err(error) = self.look_again_in(id, FAILED_AGAIN).await {
                        tracing::error!(booking.id = %id, error.cause = chain(&error), "A booking could not be put off");
                    }
                }
            }
        }
        metrics::set_live_unpaid_holds(live);
        Ok(report)
    }

    /// Looks after one booking. Tells what became of it.
    async fn look_after(&self, id: &BookingId) -> Result<LookedAfter, SettleError> {
        let Some(before) = self.reader.store().booking(id).await? else {
            return Ok(LookedAfter { state: None, is_changed: false });
        };
        let after = match before.state {
            State::Held | State::Processing => self.settle(id, Cause::Reconcile).await?,
            State::Refunding => self.pursue_refund(&before).await?,
            State::Cancelled if before.awaits_payment() => self.ask_for_money(&before).await?,
            State::Confirmed
            | State::Expired
            | State::Cancelled
            | State::Refunded
            | State::RefundFailed => None,
        };
        let after = after.unwrap_or_else(|| before.clone());
        let again = match after.state {
            State::Held => Some(OPEN_AGAIN),
            State::Processing | State::Refunding => Some(MONEY_AGAIN),
            State::Cancelled if after.awaits_payment() => Some(MONEY_AGAIN),
            _ => None,
        };
        if let Some(again) = again {
            self.look_again_in(id, again).await?;
        }
        Ok(LookedAfter { state: Some(after.state), is_changed: after.state != before.state })
    }

    /// Asks Stripe about the money of a booking that was cancelled while that
    /// was on its way.
    async fn ask_for_money(&self, booking: &Booking) -> Result<Option<Booking>, SettleError> {
        let Some(event) = self.learn(booking).await? else { return Ok(None) };
        Ok(Some(self.conclude(booking, &event, Cause::Reconcile).await?.booking))
    }

    /// Sends a booking to the end of the list, if it is still due.
    async fn look_again_in(&self, id: &BookingId, pause: SignedDuration) -> Result<(), StoreError> {
        for attempt in 1..=TRIES {
            let Some(read) = self.reader.store().booking(id).await? else { return Ok(()) };
            let now = self.now();
            if read.check_at.is_none_or(|at| at > now) {
                return Ok(());
            }
            let booking = Booking { check_at: Some(now + pause), ..read };
            let change = BookingChange::only(&booking);
            match self.reader.store().write(&change).await? {
                WriteOutcome::Written(_) => return Ok(()),
                WriteOutcome::Conflict => self.step_back(attempt).await,
            }
        }
        Err(contended())
    }
}
