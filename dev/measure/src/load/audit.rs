//! Compares the replies to visitors with the table and with the sandbox.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use openchair::store::{Consistency, Sheets, Store as _};
use salon::day_sheet::{DaySheet, Entry};
use salon::interval::Interval;
use serde_json::Value;

use super::Error;
use super::function_client::Reply;
use super::load_results::AuditResults;
use super::test_bed::TestBed;
use stand_ins::sandbox::Sandbox;

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
pub(super) async fn audit(bed: &TestBed<'_>, promises: &[Promise]) -> Result<AuditResults, Error> {
    let now = bed.clock.now();
    let staff: Vec<_> = bed.salon.staff.iter().map(|member| &member.id).collect();
    let sheets = bed.store.sheets(&staff, bed.salon.horizon(now), Consistency::Strong).await?;
    let sessions = bed.sandbox.sessions().into_iter();
    let sessions: Vec<String> =
        sessions.filter_map(|session| session.client_reference_id).collect();
    Ok(compare(promises, &sheets, &sessions, now))
}

/// Compares the promises with the day sheets, and with the booking ids of the sessions.
fn compare(
    promises: &[Promise],
    sheets: &Sheets,
    sessions: &[String],
    now: Timestamp,
) -> AuditResults {
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
            lost += u64::from(unexplained.remove(id.as_str()).is_none());
        }
    }
    // The other promises have a time but no id, so the holds at that time are counted.
    let mut holds_at: HashMap<Timestamp, u64> = HashMap::new();
    for start in unexplained.values() {
        *holds_at.entry(*start).or_default() += 1;
    }
    let mut take_hold_at = |start: &Timestamp| match holds_at.get_mut(start) {
        Some(count @ 1..) => {
            *count -= 1;
            true
        }
        _ => false,
    };
    for promise in promises {
        if let Promise::Hold(start) = promise {
            lost += u64::from(!take_hold_at(start));
        }
    }
    for promise in promises {
        if let Promise::Maybe(start) = promise {
            take_hold_at(start);
        }
    }
    let booked: HashSet<&str> = entries.iter().map(|entry| entry.booking_id.as_str()).collect();
    let mut sessions_of: HashMap<&str, u64> = HashMap::new();
    for booking in sessions {
        *sessions_of.entry(booking).or_default() += 1;
    }
    AuditResults {
        holds: entries.len() as u64,
        holds_lost: lost,
        holds_unexplained: holds_at.values().sum(),
        duplicate_sessions: sessions_of.values().filter(|count| **count > 1).count() as u64,
        sessions_without_hold: sessions_of.keys().filter(|id| !booked.contains(**id)).count()
            as u64,
        overlaps: sheets.iter().map(|sheet| overlaps(sheet, now)).sum(),
    }
}

/// Counts the live entries of a sheet that begin before an earlier one has ended.
///
/// Appointments do not cross midnight, so entries of different sheets cannot overlap.
fn overlaps(sheet: &DaySheet, now: Timestamp) -> u64 {
    let mut taken: Vec<_> =
        sheet.entries().filter(|entry| entry.is_live(now)).map(Entry::taken).collect();
    taken.sort_by_key(Interval::start);
    let mut free_from = Timestamp::MIN;
    let mut count = 0;
    for time in taken {
        count += u64::from(time.start() < free_from);
        free_from = free_from.max(time.end());
    }
    count
}

/// Counts the sessions that the sandbox opened for bookings in each of `seconds` seconds
/// from `started` on.
pub(super) fn sessions_by_second(
    sandbox: &Sandbox,
    started: Timestamp,
    seconds: usize,
) -> Vec<u64> {
    let sessions = sandbox.sessions().into_iter();
    let created = sessions.filter(|session| session.client_reference_id.is_some());
    by_second(created.map(|session| session.created), started, seconds)
}

fn by_second(
    instants: impl Iterator<Item = Timestamp>,
    started: Timestamp,
    seconds: usize,
) -> Vec<u64> {
    let mut counts = vec![0; seconds];
    for at in instants {
        let since = at.duration_since(started);
        if since < SignedDuration::ZERO {
            continue;
        }
        let second = usize::try_from(since.as_secs()).ok();
        if let Some(count) = second.and_then(|second| counts.get_mut(second)) {
            *count += 1;
        }
    }
    counts
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
        assert_eq!(audit, AuditResults { holds: 3, ..AuditResults::default() });
    }

    #[test]
    fn each_disagreement_is_reported() {
        type Case<'a> = (&'a str, &'a [Promise], &'a [(u128, i64)], &'a [u128], AuditResults);
        let none = AuditResults::default();
        let cases: [Case<'_>; 6] = [
            (
                "a booking that is missing",
                &[booking(1)],
                &[],
                &[],
                AuditResults { holds_lost: 1, ..none },
            ),
            (
                "a hold that is missing",
                &[Promise::Hold(at(0))],
                &[(1, 15)],
                &[],
                AuditResults { holds: 1, holds_lost: 1, holds_unexplained: 1, ..none },
            ),
            (
                "one hold for two promises",
                &[Promise::Hold(at(0)), Promise::Hold(at(0))],
                &[(1, 0)],
                &[],
                AuditResults { holds: 1, holds_lost: 1, ..none },
            ),
            (
                "a hold without a promise",
                &[],
                &[(1, 0)],
                &[],
                AuditResults { holds: 1, holds_unexplained: 1, ..none },
            ),
            (
                "two sessions for one booking",
                &[booking(1)],
                &[(1, 0)],
                &[1, 1],
                AuditResults { holds: 1, duplicate_sessions: 1, ..none },
            ),
            (
                "two bookings at one time, and a session for neither",
                &[booking(1), booking(2)],
                &[(1, 0), (2, 10)],
                &[3],
                AuditResults { holds: 2, sessions_without_hold: 1, overlaps: 1, ..none },
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

    #[test]
    fn sessions_are_counted_by_second_within_the_time() {
        let started = Timestamp::from_millisecond(1_800_000_000_500).unwrap();
        let instants = [-600, 0, 999, 1_000, 2_999, 3_000]
            .map(|ms| started + SignedDuration::from_millis(ms))
            .into_iter();
        assert_eq!(by_second(instants, started, 3), [2, 1, 1]);
    }
}
