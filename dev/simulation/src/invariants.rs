//! What must hold after every step, and what must have become of every booking in
//! the end.
//!
//! This is judged by the contents of the table and by Stripe's ledger, now and
//! before. None of it asks the code under test for its opinion.

mod other_payments;
mod promise;

use std::collections::{HashMap, HashSet};
use std::fmt;

use jiff::SignedDuration;
use openchair::payments::RefundStatus;
use salon::booking::{Booking, BookingId, State};
use salon::day_sheet::{Entry, PlaceInLine};
use testing::Contents;

pub(super) use self::promise::check_reconciled;
use super::stripe_model::{CheckoutSession, Ledger, PaymentState};
use super::trace::short;

const STATE_FITS_SESSION: &str = "the state of a booking fits its session";
pub(super) const SETTLES: &str = "everything settles in the end";

/// How long an unpaid booking may keep its time.
const HOLD: SignedDuration = SignedDuration::from_mins(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: &'static str,
    pub details: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (expected: {})", self.details, self.invariant)
    }
}

pub(super) fn violated<T>(invariant: &'static str, details: String) -> Result<T, Violation> {
    Err(Violation { invariant, details })
}

/// What has been seen of the bookings of a schedule.
#[derive(Debug, Default)]
pub(super) struct BookingHistory {
    states: HashMap<BookingId, State>,
    /// How much must be refunded, for each booking that lost its time.
    owed: HashMap<BookingId, i64>,
    /// Who was in line and has lost the place, although nobody had paid for the time, they
    /// had not cancelled, and the authorisation was good.
    released_without_reason: HashSet<BookingId>,
    /// The holds that were in the way of each client when the client got in line.
    in_the_way: HashMap<BookingId, HashSet<BookingId>>,
    /// Who has tried to cancel.
    pub(super) cancelled: HashSet<BookingId>,
}

impl BookingHistory {
    /// Checks what must hold at all times.
    pub(super) fn check(
        &mut self,
        contents: Contents<'_>,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        contents.check().or_else(|details| {
            violated("day sheets have the bookings' entries, and these never overlap", details)
        })?;
        check_counts(contents)?;
        self.check_line(contents)?;
        for booking in contents.bookings.values() {
            if booking.entry().and_then(|entry| entry.until) > Some(booking.created_at + HOLD) {
                let (id, until) = (short(&booking.id), booking.hold_until);
                let details = format!("{id} is held from {} until {until}", booking.created_at);
                return violated("an unpaid booking keeps its time for 10 minutes", details);
            }
            self.observe_line(booking, contents, ledger)?;
            self.observe(booking, ledger)?;
        }
        for session in &ledger.sessions {
            let Some(booking) = contents.bookings.get(&session.booking) else {
                return violated("every session has a booking", format!("{} has none", session.id));
            };
            if session.is_elsewhere {
                other_payments::check(session, booking)?;
                continue;
            }
            check_session(session, booking)?;
            let refunded = ledger.refunded_by_us(&session.payment);
            let owed = self.owed(booking);
            if refunded > owed {
                let id = short(&booking.id);
                let details = format!("{refunded} of {id} is refunded, but {owed} is owed");
                return violated("no more is refunded than is owed", details);
            }
        }
        Ok(())
    }

    fn owed(&self, booking: &Booking) -> i64 {
        self.owed.get(&booking.id).copied().unwrap_or(0)
    }

    /// Checks that a hold never delays whoever was in line before it was placed.
    fn check_line(&mut self, contents: Contents<'_>) -> Result<(), Violation> {
        for sheet in contents.sheets.values() {
            for place in sheet.line() {
                let overlaps = |entry: &&Entry| entry.taken().overlaps(&place.taken);
                let holds = sheet.entries().filter(|entry| entry.until.is_some());
                let holds: HashSet<_> =
                    holds.filter(overlaps).map(|entry| entry.booking_id.clone()).collect();
                let first = self.in_the_way.entry(place.booking_id.clone());
                if let Some(later) = holds.difference(first.or_insert_with(|| holds.clone())).next()
                {
                    let (id, later) = (short(&place.booking_id), short(later));
                    let details = format!("{later} was placed after {id} was in line");
                    return violated("a hold delays nobody who was in line before it", details);
                }
            }
        }
        Ok(())
    }

    /// Checks that the line is served in order, and notes who loses a place without a reason.
    fn observe_line(
        &mut self,
        booking: &Booking,
        contents: Contents<'_>,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        let before = self.states.get(&booking.id).copied();
        let time = booking.taken();
        let sheet = contents.sheets.get(&(booking.staff.clone(), booking.date));
        match (before, booking.state) {
            (Some(State::InLine), State::Capturing) => {
                let is_earlier = |place: &&PlaceInLine| {
                    place.taken.overlaps(&time) && Some(place.since) < booking.in_line_since
                };
                if let Some(earlier) = sheet.and_then(|it| it.line().iter().find(is_earlier)) {
                    let (id, earlier) = (short(&booking.id), short(&earlier.booking_id));
                    let details = format!("{id} overtakes {earlier}");
                    return violated("whoever authorised first gets the time", details);
                }
            }
            (Some(State::InLine | State::Capturing), State::Released) => {
                let is_paid = sheet.is_some_and(|it| it.paid().overlaps(&time));
                let payment = booking.payment.as_deref().unwrap_or_default();
                let is_good = ledger.is_authorised(payment);
                if is_good && !is_paid && !self.cancelled.contains(&booking.id) {
                    self.released_without_reason.insert(booking.id.clone());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes what a client is owed when the time is lost: by the terms, as of the
    /// decision, which may be a while before it was written.
    fn observe(&mut self, booking: &Booking, ledger: &Ledger) -> Result<(), Violation> {
        let before = self.states.insert(booking.id.clone(), booking.state);
        if before == Some(booking.state) {
            return Ok(());
        }
        let payment = booking.payment.as_deref().unwrap_or_default();
        let is_by_hand = booking.incidents.refunded_by_hand.is_some();
        let deposit = booking.terms.deposit.amount();
        let owed = match (before, booking.state) {
            (Some(State::Confirmed), State::Cancelled | State::Refunding) if !is_by_hand => {
                if !self.cancelled.contains(&booking.id) {
                    let details = format!("{} is {}", short(&booking.id), booking.state);
                    return violated("only the client or a full refund undoes a booking", details);
                }
                if ledger.is_warning_known(payment) && booking.state == State::Refunding {
                    let details = format!("{} is refunded", short(&booking.id));
                    return violated("a payment that the bank may take is not refunded", details);
                }
                if booking.incidents.is_contested(payment) {
                    return Ok(());
                }
                let terms = booking.terms.cancellation;
                let notice = SignedDuration::from_hours(terms.full_refund_hours.into());
                if booking.appointment.start().duration_since(booking.changed_at) >= notice {
                    deposit
                } else {
                    (deposit * i64::from(terms.late_refund_percent) + 99) / 100
                }
            }
            (Some(State::Confirmed), State::Refunding) => {
                let by_hand = ledger.refunded_by_others(payment);
                if by_hand < deposit {
                    let details = format!("{by_hand} of {} is refunded", short(&booking.id));
                    return violated("only the client or a full refund undoes a booking", details);
                }
                deposit
            }
            (_, State::Refunding) => deposit,
            _ => return Ok(()),
        };
        self.owed.insert(booking.id.clone(), owed);
        Ok(())
    }

    /// Checks what must have become of every booking when nothing is pending.
    pub(super) fn check_end(
        &self,
        contents: Contents<'_>,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        let mut bookings: Vec<_> = contents.bookings.values().collect();
        bookings.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        bookings.into_iter().try_for_each(|booking| {
            other_payments::check_end(booking, ledger)?;
            self.check_end_of(booking, ledger)
        })
    }

    /// Checks that a client who stood by in vain is not charged, and lost to a payment.
    fn check_released(&self, booking: &Booking, ledger: &Ledger) -> Result<(), Violation> {
        let id = short(&booking.id);
        let is_own = |it: &&CheckoutSession| it.booking == booking.id && !it.is_elsewhere;
        let mut sessions = ledger.sessions.iter().filter(is_own);
        if sessions.any(|session| session.state != PaymentState::Released) {
            return violated("nobody is charged in vain", format!("{id} is still authorised"));
        }
        if self.released_without_reason.contains(&booking.id) {
            let details = format!("{id} lost its place, but nobody had paid for the time");
            return violated("whoever authorised gets the time unless somebody has paid", details);
        }
        Ok(())
    }

    fn check_end_of(&self, booking: &Booking, ledger: &Ledger) -> Result<(), Violation> {
        let (id, state) = (short(&booking.id), booking.state);
        if state.is_open() || state == State::Refunding || booking.authorises() {
            return violated(SETTLES, format!("{id} is {state}, but nothing is pending"));
        }
        let is_paid = |session: &&CheckoutSession| {
            session.booking == booking.id
                && session.state == PaymentState::Paid
                && !session.is_elsewhere
        };
        let mut paid = ledger.sessions.iter().filter(is_paid);
        let Some(session) = paid.next() else {
            if matches!(state, State::Expired | State::Cancelled) {
                return Ok(());
            }
            if state == State::Released {
                return self.check_released(booking, ledger);
            }
            return violated(STATE_FITS_SESSION, format!("{id} is {state}, but was never paid"));
        };
        if let Some(second) = paid.next() {
            let details = format!("{id} was paid by {} and by {}", session.id, second.id);
            return violated("a booking is paid at most once", details);
        }
        let owed = self.owed(booking);
        let refunded = ledger.refunded(&session.payment);
        let by_us = ledger.refunded_by_us(&session.payment);
        let has_failed =
            ledger.refunds_of(&session.payment).any(|refund| refund.status == RefundStatus::Failed);
        let may_fail = has_failed || ledger.is_contested(&session.payment);
        let is_right = match state {
            // Somebody may have refunded it after the appointment began.
            State::Confirmed => {
                by_us == 0
                    && (refunded < session.amount || booking.incidents.refunded_by_hand.is_some())
            }
            State::Cancelled => booking.payment.is_some() && owed == 0 && by_us == 0,
            State::Refunded => refunded >= owed && owed > 0,
            State::RefundFailed => may_fail && refunded < owed,
            State::Expired
            | State::Held
            | State::Processing
            | State::Refunding
            | State::Standby
            | State::InLine
            | State::Capturing
            | State::Released => false,
        };
        if is_right {
            return Ok(());
        }
        let details = format!("{id} was paid and is {state}: {refunded} of {owed} is refunded");
        violated("every payment ends confirmed or refunded", details)
    }
}

fn check_counts(contents: Contents<'_>) -> Result<(), Violation> {
    for (id, until) in contents.counts.values().flat_map(|count| &count.holds) {
        let may_count = |booking: &Booking| match booking.state {
            State::Held | State::Standby | State::InLine | State::Processing => {
                booking.counts_as_hold_until() == Some(*until)
            }
            State::Confirmed | State::Expired | State::Capturing => false,
            // If it was paid, its cancellation counts for a day.
            State::Cancelled
            | State::Refunding
            | State::Refunded
            | State::RefundFailed
            | State::Released => booking.hold_until < *until,
        };
        if !contents.bookings.get(id).is_some_and(may_count) {
            return violated(
                "only unpaid and cancelled bookings count against a client",
                format!("{} counts, but is neither", short(id)),
            );
        }
    }
    let has_needless_keys = |booking: &&Booking| {
        booking.counts_as_hold_until().is_none() && !booking.hold_keys.is_empty()
    };
    if let Some(booking) = contents.bookings.values().find(has_needless_keys) {
        return violated(
            "only unpaid bookings keep the keys under which they count",
            format!("{} is {}", short(&booking.id), booking.state),
        );
    }
    Ok(())
}

/// Checks what a session and its booking must agree on at all times.
fn check_session(session: &CheckoutSession, booking: &Booking) -> Result<(), Violation> {
    let (id, state) = (short(&booking.id), booking.state);
    let allowed = match session.state {
        PaymentState::Open => &[State::Held, State::Standby][..],
        PaymentState::Expired => &[State::Held, State::Standby, State::Expired, State::Cancelled],
        PaymentState::Authorised => {
            &[State::Standby, State::InLine, State::Capturing, State::Released]
        }
        PaymentState::Released => {
            &[State::Standby, State::InLine, State::Capturing, State::Released, State::Expired]
        }
        PaymentState::Failed => &[State::Held, State::Processing, State::Expired, State::Cancelled],
        // It may be cancelled while the money is on its way.
        PaymentState::Pending => &[State::Held, State::Processing, State::Cancelled],
        PaymentState::Paid => &[
            State::Held,
            State::Processing,
            State::Capturing,
            State::Confirmed,
            State::Cancelled,
            State::Refunding,
            State::Refunded,
            State::RefundFailed,
        ],
    };
    if allowed.contains(&state) {
        return Ok(());
    }
    let details = format!("session {} is {:?}, but {id} is {state}", session.id, session.state);
    violated(STATE_FITS_SESSION, details)
}
