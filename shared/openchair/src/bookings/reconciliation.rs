//! Settling the bookings that no event has settled.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::Bookings;
use super::settle::SettleError;
use super::transition::Trigger;
use super::update::{BookingUpdate, Decision};
use crate::busy::Origin;
use crate::payments::Payments;
use crate::store::StoreError;
use crate::store::booking_store::BookingStore;
use crate::telemetry::chain;
use crate::telemetry::metrics::{self, Metric, count};
use salon::booking::{Booking, BookingId, State};

/// When a hold is checked again.
const HOLD_INTERVAL: SignedDuration = SignedDuration::from_secs(90);
/// When a booking with a pending payment or refund is checked again.
const MONEY_INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// When a booking is checked again after an error.
const ERROR_INTERVAL: SignedDuration = SignedDuration::from_mins(5);

/// The limits of one run.
#[derive(Clone, Copy, Debug)]
pub struct ReconcileBudget {
    /// How many bookings the run may check.
    pub bookings: usize,
    /// The pause between two bookings. Each costs a few requests to Stripe, and
    /// visitors' requests come first.
    pub pause: Duration,
    /// When the run starts no further booking.
    pub deadline: Instant,
}

/// The result of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReconcileReport {
    /// Bookings that were checked.
    pub looked_at: usize,
    /// Bookings that changed, which no event had done.
    pub repaired: usize,
    /// Bookings that could not be settled. They will be tried again.
    pub failed: usize,
    /// Whether more bookings are due than the run had time for.
    pub is_cut_short: bool,
}

/// A booking after it was checked.
struct Checked {
    /// Its state; none if the booking no longer exists.
    state: Option<State>,
    is_changed: bool,
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Checks the bookings that are due, the longest overdue first.
    ///
    /// Each of them leaves the list or moves to its end before the next one is
    /// checked. The next run starts with what this one does not reach, and a
    /// booking that cannot be settled delays no other.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub async fn reconcile(&self, budget: ReconcileBudget) -> Result<ReconcileReport, StoreError> {
        let mut report = ReconcileReport::default();
        // Asks for one more than allowed, to know whether there are more.
        let limit = budget.bookings.saturating_add(1);
        let due = self.reader.store().bookings_to_check(self.now(), limit).await?;
        report.is_cut_short = due.len() > budget.bookings;
        let mut live_holds = 0;
        for (index, id) in due.iter().take(budget.bookings).enumerate() {
            if Instant::now() >= budget.deadline {
                report.is_cut_short = true;
                break;
            }
            if index > 0 {
                self.reader.clock().pause(budget.pause).await;
            }
            report.looked_at += 1;
            match self.check(id).await {
                Ok(checked) => {
                    live_holds += usize::from(checked.state == Some(State::Held));
                    if checked.is_changed {
                        report.repaired += 1;
                        count(Metric::ReconcileRepaired);
                    }
                }
                Err(error) => {
                    report.failed += 1;
                    count(Metric::ReconcileFailed);
                    tracing::warn!(
                        booking.id = %id, error.cause = chain(&error),
                        "Booking could not be settled"
                    );
                    if let Err(error) = self.check_again_in(id, ERROR_INTERVAL).await {
                        tracing::error!(
                            booking.id = %id, error.cause = chain(&error),
                            "Booking could not be rescheduled"
                        );
                    }
                }
            }
        }
        metrics::set_live_unpaid_holds(live_holds);
        Ok(report)
    }

    async fn check(&self, id: &BookingId) -> Result<Checked, SettleError> {
        let Some(before) = self.reader.store().booking(id).await? else {
            return Ok(Checked { state: None, is_changed: false });
        };
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
        let interval = match after.state {
            State::Held | State::Standby | State::InLine | State::Capturing => Some(HOLD_INTERVAL),
            State::Processing | State::Refunding => Some(MONEY_INTERVAL),
            State::Cancelled if after.awaits_payment() => Some(MONEY_INTERVAL),
            _ => None,
        };
        if let Some(interval) = interval {
            self.check_again_in(id, interval).await?;
        }
        Ok(Checked { state: Some(after.state), is_changed: after.state != before.state })
    }

    /// Asks Stripe about the payment of a booking that was cancelled while the
    /// payment was pending.
    async fn check_payment(&self, booking: &Booking) -> Result<Option<Booking>, SettleError> {
        let Some(event) = self.refresh_from_stripe(booking).await? else { return Ok(None) };
        let applied = self.apply_if_same_session(booking, &event, Trigger::Reconciliation).await?;
        Ok(Some(applied.booking))
    }

    /// Moves a booking to the end of the list if it is still due.
    async fn check_again_in(
        &self,
        id: &BookingId,
        interval: SignedDuration,
    ) -> Result<(), StoreError> {
        let updated = self.update(id, None, |booking: Booking| async move {
            let now = self.now();
            if booking.check_at.is_none_or(|at| at > now) {
                return Ok::<_, StoreError>(Decision::Keep(booking, ()));
            }
            let booking = Booking { check_at: Some(now + interval), ..booking };
            Ok(Decision::Write(BookingUpdate::only(booking), ()))
        });
        updated.await.map(drop)
    }
}
