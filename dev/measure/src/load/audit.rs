//! Compares the replies to visitors with the table and with the sandbox.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use openchair::store::{Consistency, Sheets, Store as _};
use salon::day_sheet::{DaySheet, Entry};
use salon::interval::Interval;
use serde_json::Value;

use super::test_bed::TestBed;
use crate::measure_error::{Context as _, Error};
use crate::reply::Reply;
use crate::statistics::float;

/// The replies, compared with the table and with the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Audit {
    /// Holds in the table.
    pub(super) holds: usize,
    /// Holds that a reply promised and that are not in the table.
    pub(super) holds_lost: usize,
    /// Holds in the table that no reply explains.
    pub(super) holds_unexplained: usize,
    /// Bookings with more than one session at the sandbox.
    pub(super) duplicate_sessions: usize,
    /// Sessions at the sandbox without a hold in the table.
    pub(super) sessions_without_hold: usize,
    /// Entries of one person that overlap an earlier one.
    pub(super) overlaps: usize,
}

impl Audit {
    /// Returns the figures of a table's row. Each but the first should be 0.
    pub(super) fn figures(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let contradictions = [
            ("lost", self.holds_lost),
            ("unexplained", self.holds_unexplained),
            ("with two sessions", self.duplicate_sessions),
            ("sessions without a hold", self.sessions_without_hold),
            ("overlaps", self.overlaps),
        ];
        let total = contradictions.iter().map(|(_, count)| count).sum();
        let figures = [("holds", self.holds)].into_iter().chain(contradictions);
        figures.chain([("contradictions", total)]).map(|(name, count)| (name, float(count)))
    }
}

/// What the last reply to a request promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// There is a hold with this booking id.
    Booking(String),
    /// Stripe was busy: there is a hold at this time.
    Hold(Timestamp),
    /// There was no reply, or a failure: there may be a hold at this time.
    Maybe(Timestamp),
}

impl Promise {
    /// Returns the promise of a reply to a request for `start`, if it makes one.
    pub(super) fn of(reply: &Reply, start: Timestamp) -> Option<Self> {
        if reply.is_session() {
            let booking_id = reply.body.get("bookingId").and_then(Value::as_str);
            return Some(Self::Booking(booking_id.unwrap_or_default().to_owned()));
        }
        if reply.is_busy() {
            return Some(Self::Hold(start));
        }
        reply.is_failure().then_some(Self::Maybe(start))
    }
}

/// Reads the table and the sandbox, and compares them with the promises.
pub(super) async fn audit(bed: &TestBed<'_>, promises: &[Promise]) -> Result<Audit, Error> {
    let now = bed.test.clock.now();
    let staff: Vec<_> = bed.salon.staff.iter().map(|member| &member.id).collect();
    let sheets = bed.store.sheets(&staff, bed.salon.horizon(now), Consistency::Strong).await;
    let sheets = sheets.context("could not read the table for the audit")?;
    let sessions = bed.sandbox.sessions().into_iter();
    let sessions: Vec<String> =
        sessions.filter_map(|session| session.client_reference_id).collect();
    Ok(compare(promises, &sheets, &sessions, now))
}

/// Compares the promises with the day sheets, and with the booking ids of the sessions.
fn compare(promises: &[Promise], sheets: &Sheets, sessions: &[String], now: Timestamp) -> Audit {
    let sheets: Vec<&DaySheet> = sheets.values().flatten().collect();
    let entries: Vec<&Entry> = sheets
        .iter()
        .flat_map(|sheet| sheet.entries())
        .filter(|entry| entry.is_live(now))
        .collect();
    let mut unexplained: HashMap<&str, Timestamp> = entries
        .iter()
        .map(|entry| (entry.booking_id.as_str(), entry.appointment.start()))
        .collect();
    let mut lost = 0;
    for promise in promises {
        if let Promise::Booking(id) = promise {
            lost += usize::from(unexplained.remove(id.as_str()).is_none());
        }
    }
    // The other promises have a time but no id, so the holds at that time are counted.
    let mut holds_at: HashMap<Timestamp, usize> = HashMap::new();
    for start in unexplained.values() {
        *holds_at.entry(*start).or_default() += 1;
    }
    let mut is_hold_missing_at = |start: &Timestamp| match holds_at.get_mut(start) {
        Some(count @ 1..) => {
            *count -= 1;
            false
        }
        _ => true,
    };
    for promise in promises {
        if let Promise::Hold(start) = promise {
            lost += usize::from(is_hold_missing_at(start));
        }
    }
    for promise in promises {
        if let Promise::Maybe(start) = promise {
            is_hold_missing_at(start);
        }
    }
    let booked: HashSet<&str> = entries.iter().map(|entry| entry.booking_id.as_str()).collect();
    let mut sessions_of: HashMap<&str, usize> = HashMap::new();
    for booking in sessions {
        *sessions_of.entry(booking).or_default() += 1;
    }
    Audit {
        holds: entries.len(),
        holds_lost: lost,
        holds_unexplained: holds_at.values().sum(),
        duplicate_sessions: sessions_of.values().filter(|count| **count > 1).count(),
        sessions_without_hold: sessions_of.keys().filter(|id| !booked.contains(**id)).count(),
        overlaps: sheets.iter().map(|sheet| overlaps(sheet, now)).sum(),
    }
}

/// Counts the live entries of a sheet that begin before an earlier one has ended.
///
/// Appointments do not cross midnight, so entries of different sheets cannot overlap.
fn overlaps(sheet: &DaySheet, now: Timestamp) -> usize {
    let mut taken: Vec<_> =
        sheet.entries().filter(|entry| entry.is_live(now)).map(Entry::taken).collect();
    taken.sort_by_key(Interval::start);
    let mut free_from = Timestamp::MIN;
    let mut count = 0;
    for time in taken {
        count += usize::from(time.start() < free_from);
        free_from = free_from.max(time.end());
    }
    count
}

#[cfg(test)]
mod tests {
    use salon::booking::BookingId;
    use salon::service::StaffId;

    use super::*;

    const MINUTE: i64 = 60;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * MINUTE).unwrap()
    }

    fn id(number: u128) -> BookingId {
        BookingId::from_bits(number)
    }

    /// Sheets of one person, with a quarter of an hour for each booking.
    fn sheets(bookings: &[(u128, i64)]) -> Sheets {
        let entry = |(number, minute): &(u128, i64)| {
            let appointment = Interval::new(at(*minute), at(minute + 15)).unwrap();
            Entry::new(id(*number), appointment, at(minute + 15), None).unwrap()
        };
        let sheet = DaySheet::new(1, bookings.iter().map(entry).collect());
        HashMap::from([(StaffId::new("s1").unwrap(), vec![sheet])])
    }

    fn booking(number: u128) -> Promise {
        Promise::Booking(id(number).to_string())
    }

    fn sessions(numbers: &[u128]) -> Vec<String> {
        numbers.iter().map(|number| id(*number).to_string()).collect()
    }

    #[test]
    fn nothing_is_reported_where_all_agree() {
        let promises =
            [booking(1), Promise::Hold(at(15)), Promise::Maybe(at(30)), Promise::Maybe(at(45))];
        let sheets = sheets(&[(1, 0), (2, 15), (3, 30)]);
        let audit = compare(&promises, &sheets, &sessions(&[1, 3]), at(-60));
        assert_eq!(audit, Audit { holds: 3, ..Audit::default() });
    }

    #[test]
    fn each_disagreement_is_reported() {
        type Case<'a> = (&'a str, &'a [Promise], &'a [(u128, i64)], &'a [u128], Audit);
        let none = Audit::default();
        let cases: [Case<'_>; 6] = [
            ("a booking that is missing", &[booking(1)], &[], &[], Audit { holds_lost: 1, ..none }),
            (
                "a hold that is missing",
                &[Promise::Hold(at(0))],
                &[(1, 15)],
                &[],
                Audit { holds: 1, holds_lost: 1, holds_unexplained: 1, ..none },
            ),
            (
                "one hold for two promises",
                &[Promise::Hold(at(0)), Promise::Hold(at(0))],
                &[(1, 0)],
                &[],
                Audit { holds: 1, holds_lost: 1, ..none },
            ),
            (
                "a hold without a promise",
                &[],
                &[(1, 0)],
                &[],
                Audit { holds: 1, holds_unexplained: 1, ..none },
            ),
            (
                "two sessions for one booking",
                &[booking(1)],
                &[(1, 0)],
                &[1, 1],
                Audit { holds: 1, duplicate_sessions: 1, ..none },
            ),
            (
                "two bookings at one time, and a session for neither",
                &[booking(1), booking(2)],
                &[(1, 0), (2, 10)],
                &[3],
                Audit { holds: 2, sessions_without_hold: 1, overlaps: 1, ..none },
            ),
        ];
        for (what, promises, bookings, opened, expected) in cases {
            let audit = compare(promises, &sheets(bookings), &sessions(opened), at(-60));
            assert_eq!(audit, expected, "{what}");
        }
    }

    #[test]
    fn a_long_entry_overlaps_all_that_begin_within_it() {
        let long = Entry::new(id(9), Interval::new(at(0), at(60)).unwrap(), at(60), None).unwrap();
        let short = sheets(&[(1, 15), (2, 30), (3, 60)]);
        let short = short.values().flatten().flat_map(DaySheet::entries).cloned();
        let sheet = DaySheet::new(1, std::iter::once(long).chain(short).collect());
        assert_eq!(overlaps(&sheet, at(-60)), 2);
    }
}
