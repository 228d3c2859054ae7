//! What must hold after every step, and what must have become of it all in the
//! end: the invariants of a booking's life.
//!
//! They are judged by what is in the table and in Stripe's books, and by what
//! has been seen of them before; none of it asks the code that is tested what
//! it thinks.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use openchair::payments::RefundStatus;
use salon::booking::{Booking, BookingId, State};
use testing::Contents;

use super::stripe::{CheckoutSession, Ledger, Stage};
use super::table::short;

/// For how long a hold outlives its session.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// What is wrong, in a sentence.
pub(super) type Violation = String;

/// Watches the bookings of a schedule.
#[derive(Debug, Default)]
pub(super) struct Watch {
    states: HashMap<BookingId, State>,
    /// How much has to come back, of the bookings whose client lost the time.
    owed: HashMap<BookingId, i64>,
}

impl Watch {
    /// Checks what must hold at all times.
    pub(super) fn check(
        &mut self,
        contents: Contents<'_>,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        check_sheets(contents)?;
        check_counts(contents)?;
        for booking in contents.bookings.values() {
            self.observe(booking);
        }
        for session in ledger.sessions() {
            let booking = contents.bookings.get(&session.booking);
            let booking = booking.ok_or_else(|| format!("{} has no booking", session.id))?;
            check_session(session, booking)?;
            self.check_money(session, booking, ledger)?;
        }
        Ok(())
    }

    /// Notes what a client is owed when the time is lost: by the terms, as of
    /// when that was decided, which may be a while before it was written.
    fn observe(&mut self, booking: &Booking) {
        let before = self.states.insert(booking.id.clone(), booking.state);
        if before == Some(booking.state) {
            return;
        }
        let deposit = booking.terms.deposit.amount();
        let owed = match (before, booking.state) {
            (Some(State::Confirmed), State::Cancelled | State::Refunding) => {
                let terms = booking.terms.cancellation;
                let notice = SignedDuration::from_hours(terms.full_refund_hours.into());
                if booking.appointment.start().duration_since(booking.changed_at) >= notice {
                    deposit
                } else {
                    (deposit * i64::from(terms.late_refund_percent) + 99) / 100
                }
            }
            (_, State::Refunding) => deposit,
            _ => return,
        };
        self.owed.insert(booking.id.clone(), owed);
    }

    /// Never is more sent back than is owed.
    fn check_money(
        &self,
        session: &CheckoutSession,
        booking: &Booking,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        let back = ledger.refunded(&session.payment);
        let owed = self.owed.get(&booking.id).copied().unwrap_or(0);
        if back > owed {
            let id = short(&booking.id);
            return Err(format!("{back} of {id} is going back, and {owed} is owed"));
        }
        Ok(())
    }

    /// Checks what must have become of everything when nothing is on its way.
    pub(super) fn check_end(
        &self,
        contents: Contents<'_>,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        for booking in contents.bookings.values() {
            let (id, state) = (short(&booking.id), booking.state);
            if matches!(state, State::Held | State::Processing | State::Refunding) {
                return Err(format!("{id} is {state}, and nothing is on its way"));
            }
            let mut sessions = ledger.sessions().iter();
            let is_its = |session: &&CheckoutSession| {
                session.booking == booking.id && session.stage == Stage::Paid
            };
            let paid = sessions.find(is_its);
            if paid.is_none() && !matches!(state, State::Expired | State::Cancelled) {
                return Err(format!("{id} is {state}, and was never paid"));
            }
            if sessions.any(|session| is_its(&session)) {
                return Err(format!("{id} was paid twice"));
            }
            let Some(paid) = paid else { continue };
            let owed = self.owed.get(&booking.id).copied().unwrap_or(0);
            let back = ledger.refunded(&paid.payment);
            let has_failed = ledger
                .refunds_of(&paid.payment)
                .any(|refund| refund.status == RefundStatus::Failed);
            let is_right = match state {
                State::Confirmed => back == 0,
                State::Cancelled => booking.payment.is_some() && owed == 0 && back == 0,
                State::Refunded => back == owed && owed > 0,
                State::RefundFailed => has_failed && back < owed,
                State::Expired | State::Held | State::Processing | State::Refunding => false,
            };
            if !is_right {
                return Err(format!(
                    "{id} was paid and is {state}: {owed} is owed, and {back} has gone back"
                ));
            }
        }
        if let Some((_, count)) = contents.counts.iter().find(|(_, count)| !count.holds.is_empty())
        {
            return Err(format!("{} holds count, and there are none", count.holds.len()));
        }
        Ok(())
    }
}

/// No two entries overlap, and each is as its booking says.
fn check_sheets(contents: Contents<'_>) -> Result<(), Violation> {
    let mut entries = 0;
    for ((staff, date), sheet) in contents.sheets {
        let mut free_from = Timestamp::MIN;
        for entry in sheet.entries() {
            entries += 1;
            let id = short(&entry.booking_id);
            if entry.appointment.start() < free_from {
                return Err(format!("{id} begins while {staff} is busy with somebody else"));
            }
            free_from = free_from.max(entry.free_from);
            let booking = contents.bookings.get(&entry.booking_id);
            let is_its = |booking: &Booking| {
                booking.staff == *staff
                    && booking.date == *date
                    && booking.entry().as_ref() == Some(entry)
            };
            if !booking.is_some_and(is_its) {
                return Err(format!("the entry of {id} is not what its booking says"));
            }
        }
    }
    let keeping = contents.bookings.values().filter(|booking| booking.entry().is_some()).count();
    if keeping != entries {
        return Err(format!("{keeping} bookings keep a time, and day sheets have {entries}"));
    }
    Ok(())
}

/// Only holds count against anybody.
fn check_counts(contents: Contents<'_>) -> Result<(), Violation> {
    let counted = contents.counts.values().flat_map(|count| count.holds.keys());
    for id in counted {
        let booking = contents.bookings.get(id);
        if booking.is_none_or(|booking| booking.state != State::Held) {
            return Err(format!("{} counts as a hold, and is none", short(id)));
        }
    }
    Ok(())
}

/// What a session and its booking must agree on at all times.
fn check_session(session: &CheckoutSession, booking: &Booking) -> Result<(), Violation> {
    let (id, state) = (short(&booking.id), booking.state);
    if state == State::Held
        && session.stage == Stage::Open
        && booking.hold_until() < session.expires_at + MARGIN
    {
        return Err(format!("{} can be paid for longer than {id} keeps its time", session.id));
    }
    let may_be = match session.stage {
        Stage::Open => &[State::Held][..],
        Stage::Expired => &[State::Held, State::Expired, State::Cancelled],
        Stage::Failed => &[State::Held, State::Processing, State::Expired, State::Cancelled],
        // Cancelled while the money was on its way.
        Stage::Pending => &[State::Held, State::Processing, State::Cancelled],
        Stage::Paid => &[
            State::Held,
            State::Processing,
            State::Confirmed,
            State::Cancelled,
            State::Refunding,
            State::Refunded,
            State::RefundFailed,
        ],
    };
    if may_be.contains(&state) {
        return Ok(());
    }
    Err(format!("{} is {:?}, and {id} is {state}", session.id, session.stage))
}
