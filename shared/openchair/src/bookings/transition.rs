//! Applying an event to a booking, and writing what follows from it.

use super::hold_counts::Canceller;
use super::payment_context::PaymentFindings;
use super::settle::SettleError;
use super::update::{BookingUpdate, Decision};
use super::{Bookings, vanished};
use crate::busy::Origin;
use crate::payments::Payments;
use crate::store::booking_store::BookingStore;
use crate::telemetry::metrics::{Metric, count};
use salon::booking::{Booking, BookingEvent, BookingId, HoldKey, RequestKey, State, Transition};
use salon::day_sheet::NextInLine;

/// What caused a change of a booking. It is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An event from Stripe.
    Webhook,
    /// A visitor viewed the booking.
    View,
    /// The request that placed the hold was repeated.
    RepeatedRequest,
    /// The client cancelled.
    Cancellation,
    /// The client books another time instead.
    Replacement,
    /// Another visitor wants the time of an ended hold.
    NewHold,
    /// A client in line wants the time, or has got it.
    Line,
    /// Stripe rejected the payment session.
    SessionRejected,
    /// The schedule.
    Reconciliation,
    /// A refund made progress.
    Refund,
    /// Somebody has refunded the payment in Stripe's Dashboard.
    Dashboard,
}

impl Trigger {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::View => "view",
            Self::RepeatedRequest => "repeated_request",
            Self::Cancellation => "cancellation",
            Self::Replacement => "replacement",
            Self::NewHold => "new_hold",
            Self::Line => "line",
            Self::SessionRejected => "session_rejected",
            Self::Reconciliation => "reconciliation",
            Self::Refund => "refund",
            Self::Dashboard => "dashboard",
        }
    }
}

/// A booking after an event.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    pub(super) booking: Booking,
    /// The change of its state, if the event caused one.
    pub(super) transition: Option<Transition>,
}

/// What an event has changed.
#[derive(Clone, Copy, Debug)]
struct Change {
    transition: Transition,
    /// Whether the day sheet has changed, and somebody is in its line.
    affects_line: bool,
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Applies an event to a booking, its day sheet and the hold counts. Starts
    /// the refund if one follows.
    pub(super) async fn apply(
        &self,
        id: &BookingId,
        event: &BookingEvent,
        trigger: Trigger,
    ) -> Result<Applied, SettleError> {
        self.apply_if(id, |_| true, event, trigger).await
    }

    /// Applies an event that follows from Stripe's answer about the session of
    /// `asked`, unless the booking has another session by now, which may be open.
    pub(super) async fn apply_if_same_session(
        &self,
        asked: &Booking,
        event: &BookingEvent,
        trigger: Trigger,
    ) -> Result<Applied, SettleError> {
        let attempt = asked.checkout.attempt;
        self.apply_if(&asked.id, |read| read.checkout.attempt == attempt, event, trigger).await
    }

    /// Applies an event to a booking if `is_meant` holds for it as it is written.
    pub(super) async fn apply_if(
        &self,
        id: &BookingId,
        is_meant: impl Fn(&Booking) -> bool + Send + Sync,
        event: &BookingEvent,
        trigger: Trigger,
    ) -> Result<Applied, SettleError> {
        self.apply_for(id, is_meant, event, trigger, None).await
    }

    /// Cancels a booking for its client, at the network address `address`.
    pub(super) async fn apply_cancellation(
        &self,
        id: &BookingId,
        address: Option<&HoldKey>,
    ) -> Result<Applied, SettleError> {
        let canceller = Some(Canceller { address });
        self.apply_for(id, |_| true, &BookingEvent::Cancelled, Trigger::Cancellation, canceller)
            .await
    }

    /// Applies an event like [`apply_if`](Self::apply_if). If a client cancels, `canceller` says
    /// where.
    pub(super) async fn apply_for(
        &self,
        id: &BookingId,
        is_meant: impl Fn(&Booking) -> bool + Send + Sync,
        event: &BookingEvent,
        trigger: Trigger,
        canceller: Option<Canceller<'_>>,
    ) -> Result<Applied, SettleError> {
        let is_meant = &is_meant;
        let updated = self
            .update(id, None, |before: Booking| async move {
                if is_meant(&before) {
                    self.decide(before, event, trigger, canceller).await
                } else {
                    Ok(Decision::Keep(before, None))
                }
            })
            .await?;
        let (mut booking, change) = updated.ok_or_else(|| vanished(id))?;
        let transition = change.map(|change| change.transition);
        if let Some(Change { transition, affects_line }) = change {
            report(&booking, transition, trigger);
            if booking.state == State::Refunding && transition.from != State::Refunding {
                booking = self.start_refund(booking).await;
            }
            if booking.state == State::Capturing || booking.authorises() {
                booking = self.start_capture_or_release(booking).await;
            }
            if affects_line {
                self.serve_line_after(&booking).await;
                if booking.state == State::InLine {
                    let served = self.reader.store().booking(id).await?;
                    booking = served.ok_or_else(|| vanished(id))?;
                }
            }
        }
        Ok(Applied { booking, transition })
    }

    /// Decides what an event changes: the booking, and all that follows from its
    /// new state.
    async fn decide(
        &self,
        before: Booking,
        event: &BookingEvent,
        trigger: Trigger,
        canceller: Option<Canceller<'_>>,
    ) -> Result<Decision<Option<Change>>, SettleError> {
        let PaymentFindings { context, mut sheets } = if before.needs_payment_context(event) {
            self.payment_findings(&before).await?
        } else {
            PaymentFindings::default()
        };
        let next = match event {
            BookingEvent::TimeFree => Some(NextInLine::TimeFree(before.id.clone())),
            BookingEvent::TimeTaken => Some(NextInLine::TimeTaken(before.id.clone())),
            _ => None,
        };
        if let Some(next) = next {
            let sheet = self.sheet(&before.staff, before.date).await?;
            if sheet.next_in_line(self.now()) != next {
                // The line has changed since it was decided who is next.
                return Ok(Decision::Keep(before, None));
            }
            sheets.insert(before.staff.clone(), sheet);
        }
        let mut booking = before.clone();
        let Some(transition) = booking.apply(event.clone(), &context, self.now()) else {
            return Ok(Decision::Keep(booking, None));
        };
        let entry = booking.entry();
        let mut affects_line = false;
        let is_place_kept =
            before.entry() == entry && before.place_in_line() == booking.place_in_line();
        let sheet = if is_place_kept {
            None
        } else {
            let sheet = match sheets.remove(&booking.staff) {
                Some(sheet) => sheet,
                None => self.sheet(&booking.staff, booking.date).await?,
            };
            let takes_new_time = entry.is_some() && before.entry().is_none();
            if takes_new_time && sheet.is_taken_by_another(booking.taken(), &booking.id) {
                // The time was taken after the event was applied.
                return Ok(Decision::Conflict);
            }
            let sheet = sheet.with(&booking);
            affects_line = sheet.as_ref().is_some_and(|sheet| !sheet.line().is_empty());
            sheet
        };
        let hold_counts = self.follow_hold_counts(&before, &mut booking, canceller).await?;
        let update = BookingUpdate {
            sheet,
            hold_counts,
            frees_request_key: self.frees_request_key(&booking, trigger).await?,
            booking,
        };
        Ok(Decision::Write(update, Some(Change { transition, affects_line })))
    }

    /// Returns whether the booking's idempotency key may be used again, because its
    /// request never led to a session that could be paid.
    async fn frees_request_key(
        &self,
        booking: &Booking,
        trigger: Trigger,
    ) -> Result<bool, SettleError> {
        let Some(key) = &booking.request_key else { return Ok(false) };
        let had_no_session = trigger == Trigger::SessionRejected
            || (booking.state == State::Expired && booking.checkout.session.is_none());
        Ok(had_no_session && self.is_stored_for(key, &booking.id).await?)
    }

    /// Returns whether an idempotency key still belongs to a booking. After it has
    /// run out, it may belong to a later one.
    async fn is_stored_for(&self, key: &RequestKey, id: &BookingId) -> Result<bool, SettleError> {
        let stored = self.reader.store().reservation_context(&[], Some(key)).await?.request;
        Ok(stored.is_some_and(|stored| stored.booking_id == *id))
    }
}

/// Logs and counts a transition.
fn report(booking: &Booking, transition: Transition, trigger: Trigger) {
    if transition.from == transition.to && transition.to != State::Refunding {
        tracing::warn!(
            booking.id = %booking.id, booking.state = booking.state.as_str(),
            booking.trigger = trigger.as_str(),
            "Booking has an incident of a payment"
        );
        return;
    }
    // Only a payment leads out of these states.
    if matches!(transition.from, State::Expired | State::Cancelled) {
        count(Metric::LatePayments);
    }
    match transition.to {
        State::Confirmed => count(Metric::BookingsConfirmed),
        State::Refunded => count(Metric::RefundsMade),
        State::RefundFailed => count(Metric::RefundsFailed),
        State::Held
        | State::Processing
        | State::Expired
        | State::Cancelled
        | State::Refunding
        | State::Standby
        | State::InLine
        | State::Capturing
        | State::Released => {}
    }
    tracing::info!(
        booking.id = %booking.id, booking.from = transition.from.as_str(),
        booking.to = transition.to.as_str(), booking.trigger = trigger.as_str(),
        booking.has_conflict, "Booking changed state"
    );
}
