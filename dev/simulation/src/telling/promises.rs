//! What everybody must have been told in the end.
//!
//! It is judged by what the table's stream has had, what SES has taken, and
//! what is in the calendars.

use std::collections::BTreeSet;

use salon::booking::{Booking, State};
use testing::Contents;

use super::super::invariants::Violation;
use super::super::table::short;
use super::told::{Books, Key, Mails, Record};

/// The effects that are mails, and to whom they go.
const MAILS: [(&str, &str); 2] = [("mail-visitor", "visitor"), ("mail-owner", "owner")];

/// Checks what must have become of all changes when all of them are told.
pub(super) fn check(contents: Contents<'_>, books: &Books) -> Result<(), Violation> {
    let mut expected = BTreeSet::new();
    for record in &books.records {
        let Some(news) = news(record) else { continue };
        let booking = contents.bookings.get(&record.booking);
        let is_confirmed = booking.is_some_and(|booking| booking.state == State::Confirmed);
        let may_be_untold = matches!(news, "confirmed" | "moved")
            && books.late.contains(&record.number)
            && !is_confirmed;
        for (effect, recipient) in MAILS {
            let key: Key = (record.booking.clone(), effect, record.version);
            let id = format!("{}.{news}.{recipient}", record.booking);
            match books.mails.get(&key).filter(|mails| mails.taken > 0) {
                Some(mails) => check_mails(mails, &id, record)?,
                None if may_be_untold => {}
                None => return Err(format!("{}: the {recipient} was not told", record.shown())),
            }
            expected.insert(key);
        }
    }
    let untrue = books.mails.iter().find(|(key, mails)| mails.taken > 0 && !expected.contains(key));
    if let Some((_, Mails { id, .. })) = untrue {
        return Err(format!("{id} was sent, and nothing had happened"));
    }
    for booking in contents.bookings.values() {
        check_events(booking, books)?;
    }
    Ok(())
}

/// Each mail is sent once. SES cannot be asked whether it has taken a mail, so
/// an attempt that was cut off after that is made again, and this announced
/// (docs/decisions/0009).
fn check_mails(mails: &Mails, id: &str, record: &Record) -> Result<(), Violation> {
    let Mails { taken, cut_off, announced, .. } = *mails;
    if mails.id != id {
        return Err(format!("{}: told by {} instead of {id}", record.shown(), mails.id));
    }
    if taken > 1 + cut_off {
        return Err(format!("{id} was sent {taken} times, and {cut_off} attempts were cut off"));
    }
    if taken > 1 + announced {
        return Err(format!("{id} was sent {taken} times, and {announced} repeats announced"));
    }
    Ok(())
}

/// A confirmed booking has one event, where and when it is. Any other has none.
fn check_events(booking: &Booking, books: &Books) -> Result<(), Violation> {
    let id = short(&booking.id);
    let was_confirmed = books
        .records
        .iter()
        .any(|record| record.booking == booking.id && record.to == State::Confirmed);
    let events = books.events.iter().filter(|((_, event), _)| *event == booking.id);
    let mut shown = Vec::new();
    for ((calendar, _), event) in events {
        if !was_confirmed {
            return Err(format!("{id} was in the calendar of {calendar}, and never confirmed"));
        }
        if !event.is_deleted {
            shown.push((calendar.as_str(), event.time));
        }
    }
    let expected = match booking.state {
        State::Confirmed => vec![(booking.staff.as_str(), booking.appointment)],
        _ => vec![],
    };
    if shown != expected {
        let state = booking.state;
        return Err(format!("{id} is {state}, and its events are {shown:?}: not {expected:?}"));
    }
    Ok(())
}

/// Returns what is worth telling in a change.
fn news(record: &Record) -> Option<&'static str> {
    Some(match (record.from, record.to) {
        (State::Expired, State::Confirmed) if record.is_moved => "moved",
        (State::Held | State::Processing | State::Expired, State::Confirmed) => "confirmed",
        (State::Confirmed, State::Cancelled | State::Refunding) => "cancelled",
        (State::Expired, State::Refunding) => "paid-too-late",
        (State::Cancelled, State::Refunding) => "paid-after-cancelling",
        (State::Refunding | State::RefundFailed, State::Refunded) => "refunded",
        (State::Refunding | State::Refunded, State::RefundFailed) => "refund-failed",
        _ => return None,
    })
}
