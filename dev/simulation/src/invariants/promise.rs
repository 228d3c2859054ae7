//! The promise to whoever pays or authorises.

use jiff::{SignedDuration, Timestamp};
use salon::day_sheet::{DaySheet, Entry};
use testing::Contents;

use super::{Violation, violated};
use crate::stripe_model::{CheckoutSession, Ledger, PaymentState};
use crate::trace::short;

/// The age up to which a run of the schedule lists sessions.
const LISTED_AGE: SignedDuration = SignedDuration::from_mins(50);

/// Checks the promise to whoever pays or authorises, after a run of the schedule in
/// which nothing went wrong: it knows of every payment, and whoever is in line waits for
/// a hold that has not ended. No hold lasts longer than 10 minutes or is placed after
/// somebody is in line, so they have the time after that and one run.
///
/// One case takes longer: where Stripe repeats a stored failure, nobody knows whether the hold
/// has a session, and it keeps its time until the session would have ended.
pub(crate) fn check_reconciled(
    contents: Contents<'_>,
    ledger: &Ledger,
    now: Timestamp,
) -> Result<(), Violation> {
    for booking in contents.bookings.values() {
        let (id, state) = (short(&booking.id), booking.state);
        let mut sessions = ledger.sessions.iter().filter(|it| it.booking == booking.id);
        // After an error, a booking that is too old for the list is checked 5 minutes later.
        let is_due = booking.check_at.is_some_and(|at| at <= now);
        let is_finished = |session: &CheckoutSession| {
            !session.is_elsewhere
                && matches!(session.state, PaymentState::Paid | PaymentState::Authorised)
                && (is_due || now <= session.created_at + LISTED_AGE)
        };
        if state.awaits_client() && sessions.any(is_finished) {
            let details = format!("{id} is {state}, but the client has paid or authorised");
            return violated("one run of the schedule finds every payment", details);
        }
        let Some(place) = booking.place_in_line() else { continue };
        let sheet = contents.sheets.get(&(booking.staff.clone(), booking.date));
        let may_have_session = |entry: &Entry| {
            contents.bookings.get(&entry.booking_id).is_some_and(|hold| {
                hold.checkout.session.is_none() && now < hold.checkout.expires_at
            })
        };
        let is_in_the_way = |entry: &Entry| {
            entry.taken().overlaps(&place.taken)
                && entry.until.is_some_and(|it| now < it || may_have_session(entry))
        };
        // Whoever is in line before waits for a hold too, which is checked at their turn.
        let is_behind = |sheet: &DaySheet| {
            let mut before = sheet.line().iter().take_while(|it| it.booking_id != booking.id);
            before.any(|it| it.taken.overlaps(&place.taken))
        };
        if !sheet.is_some_and(|it| it.entries().any(is_in_the_way) || is_behind(it)) {
            let details = format!("{id} is in line, but no hold is in the way");
            return violated("whoever is in line gets the time after one run", details);
        }
    }
    Ok(())
}
