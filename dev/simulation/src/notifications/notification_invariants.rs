//! What everyone must have been notified of in the end.
//!
//! This is judged by the table's stream, the mails that SES has accepted, and the
//! events in the calendars.

use std::collections::BTreeSet;

use jiff::Timestamp;
use salon::booking::{Booking, State};
use salon::interval::Interval;
use testing::Contents;

use super::mail_and_calendars::readable;
use super::notification_log::{Key, MailCount, NotificationLog, Record};
use crate::invariants::{Violation, violated};
use crate::trace::short;

const EVERYONE_NOTIFIED: &str = "the visitor and the owner get a mail for every change";
const CALENDARS_MATCH: &str = "calendars show exactly the confirmed bookings";

/// The effects that are mails, and who receives them.
const MAILS: [(&str, &str); 2] = [("mail-visitor", "visitor"), ("mail-owner", "owner")];

/// Checks the notifications when all changes have been handled.
pub(super) fn check(contents: Contents<'_>, log: &NotificationLog) -> Result<(), Violation> {
    let mut expected = BTreeSet::new();
    for record in &log.records {
        let Some(news) = news(record) else { continue };
        let booking = contents.bookings.get(&record.booking);
        let is_confirmed = booking.is_some_and(|booking| booking.state == State::Confirmed);
        let may_be_left_out = matches!(news, "confirmed" | "moved")
            && log.late.contains(&record.number)
            && !is_confirmed;
        for (effect, recipient) in MAILS {
            if matches!((news, recipient), ("released", "owner") | ("contested", "visitor")) {
                continue;
            }
            let key: Key = (record.booking.clone(), effect, record.version);
            let id = format!("{}.{news}.{recipient}", record.booking);
            match log.mails.get(&key).filter(|mail| mail.sent > 0) {
                Some(mail) => check_mail(mail, &id, record)?,
                None if may_be_left_out => {}
                None => {
                    let details = format!("no mail to the {recipient}: {}", record.description());
                    return violated(EVERYONE_NOTIFIED, details);
                }
            }
            expected.insert(key);
        }
    }
    let other = log.mails.iter().find(|(key, mail)| mail.sent > 0 && !expected.contains(key));
    if let Some((_, mail)) = other {
        let details = format!("{} was sent, but nothing had happened", readable(&mail.id));
        return violated("nobody gets a mail without a change", details);
    }
    let mut bookings: Vec<_> = contents.bookings.values().collect();
    bookings.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    bookings.into_iter().try_for_each(|booking| check_events(booking, log))
}

/// Checks that a mail was sent once. SES cannot be asked whether it has accepted a
/// mail, so an attempt that was interrupted after that is repeated, and the repeat
/// is announced (docs/decisions/0009).
fn check_mail(mail: &MailCount, id: &str, record: &Record) -> Result<(), Violation> {
    let MailCount { sent, interrupted, announced, .. } = *mail;
    let name = readable(id);
    if mail.id != id {
        let details =
            format!("{} instead of {name} for {}", readable(&mail.id), record.description());
        return violated(EVERYONE_NOTIFIED, details);
    }
    if sent > 1 + interrupted {
        let details = format!("{name} was sent {sent} times, {interrupted} interrupted");
        return violated("a mail is repeated only after an interrupted attempt", details);
    }
    if sent > 1 + announced {
        let details = format!("{name} was sent {sent} times, {announced} repeats announced");
        return violated("every repeat of a mail is announced", details);
    }
    Ok(())
}

/// Checks that a confirmed booking has one event, at its time, in the calendar of
/// its staff member, and that any other booking has none.
fn check_events(booking: &Booking, log: &NotificationLog) -> Result<(), Violation> {
    let id = short(&booking.id);
    let was_confirmed = log
        .records
        .iter()
        .any(|record| record.booking == booking.id && record.to == State::Confirmed);
    let events = log.events.iter().filter(|((_, event), _)| *event == booking.id);
    let mut shown = Vec::new();
    for ((calendar, _), event) in events {
        if !was_confirmed {
            let details = format!("{id} was in the calendar of {calendar}, but never confirmed");
            return violated(CALENDARS_MATCH, details);
        }
        if !event.is_deleted {
            shown.push(entry(calendar, event.time));
        }
    }
    let expected = match booking.state {
        State::Confirmed => vec![entry(booking.staff.as_str(), booking.appointment)],
        _ => vec![],
    };
    if shown != expected {
        let state = booking.state;
        let details = format!("{id} is {state}, and calendars show {shown:?}, not {expected:?}");
        return violated(CALENDARS_MATCH, details);
    }
    Ok(())
}

/// Returns a calendar and a time in it, for comparing and for reading.
fn entry(calendar: &str, time: Interval<Timestamp>) -> String {
    format!("{calendar} from {} to {}", time.start(), time.end())
}

/// Returns which news a change is, if people are notified of it.
fn news(record: &Record) -> Option<&'static str> {
    if record.is_contested {
        return Some("contested");
    }
    Some(match (record.from, record.to) {
        (State::Expired, State::Confirmed) if record.is_moved => "moved",
        (State::Held | State::Processing | State::Expired | State::Capturing, State::Confirmed) => {
            "confirmed"
        }
        (State::InLine | State::Capturing, State::Released) => "released",
        (State::Confirmed, State::Cancelled | State::Refunding) => "cancelled",
        (State::Expired, State::Refunding) => "paid-too-late",
        (State::Cancelled, State::Refunding) => "paid-after-cancelling",
        (State::Refunding | State::RefundFailed, State::Refunded) => "refunded",
        (State::Refunding | State::Refunded, State::RefundFailed) => "refund-failed",
        _ => return None,
    })
}
