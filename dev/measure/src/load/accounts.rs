//! Whether the table and the sandbox's books agree with what visitors were told.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use openchair::store::{Consistency, Sheets, Store, StoreError};
use salon::Salon;
use salon::day_sheet::{DaySheet, Entry};
use salon::interval::Interval;

use super::results::Accounts;
use super::visitors::Answer;
use stand_ins::sandbox::Sandbox;

/// What the last answer to one request means for the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// There is a hold with this id.
    Booking(String),
    /// Stripe was busy: there is a hold at this time.
    Kept(Timestamp),
    /// No answer, or a failure: there may be a hold at this time.
    Unknown(Timestamp),
}

impl Promise {
    /// Reads what an answer to a request for `start` promises, if anything.
    pub(super) fn of(answer: &Answer, start: Timestamp) -> Option<Self> {
        if answer.is_session() {
            return Some(Self::Booking(answer.text("bookingId").unwrap_or_default().to_owned()));
        }
        if answer.is_busy() {
            return Some(Self::Kept(start));
        }
        answer.is_failure().then_some(Self::Unknown(start))
    }
}

/// Reads the table and the books, and holds the promises against them.
///
/// # Errors
/// Fails if the table cannot be read.
pub(super) async fn audit(
    store: &impl Store,
    salon: &Salon,
    sandbox: &Sandbox,
    promises: &[Promise],
    now: Timestamp,
) -> Result<Accounts, StoreError> {
    let staff: Vec<_> = salon.staff.iter().map(|member| &member.id).collect();
    let sheets = store.sheets(&staff, salon.horizon(now), Consistency::Strong).await?;
    let sessions = sandbox.sessions().into_iter();
    let sessions: Vec<String> =
        sessions.filter_map(|session| session.client_reference_id).collect();
    Ok(reckon(promises, &sheets, &sessions, now))
}

/// Holds the promises against the sheets, and against the bookings that sessions
/// were opened for.
fn reckon(promises: &[Promise], sheets: &Sheets, sessions: &[String], now: Timestamp) -> Accounts {
    let sheets: Vec<&DaySheet> = sheets.values().flatten().collect();
    let entries: Vec<&Entry> = sheets
        .iter()
        .flat_map(|sheet| sheet.entries())
        .filter(|entry| entry.is_live(now))
        .collect();
    let mut unaccounted: HashMap<&str, Timestamp> = entries
        .iter()
        .map(|entry| (entry.booking_id.as_str(), entry.appointment.start()))
        .collect();
    let mut lost = 0;
    for promise in promises {
        if let Promise::Booking(id) = promise {
            lost += u64::from(unaccounted.remove(id.as_str()).is_none());
        }
    }
    // Whose hold it is at a time is not known, but how many there are.
    let mut at: HashMap<Timestamp, u64> = HashMap::new();
    for start in unaccounted.values() {
        *at.entry(*start).or_default() += 1;
    }
    let mut take = |start: &Timestamp| match at.get_mut(start) {
        Some(count @ 1..) => {
            *count -= 1;
            true
        }
        _ => false,
    };
    for promise in promises {
        if let Promise::Kept(start) = promise {
            lost += u64::from(!take(start));
        }
    }
    for promise in promises {
        if let Promise::Unknown(start) = promise {
            take(start);
        }
    }
    let booked: HashSet<&str> = entries.iter().map(|entry| entry.booking_id.as_str()).collect();
    let mut opened: HashMap<&str, u64> = HashMap::new();
    for booking in sessions {
        *opened.entry(booking).or_default() += 1;
    }
    Accounts {
        holds: entries.len() as u64,
        holds_lost: lost,
        holds_unaccounted: at.values().sum(),
        sessions_twice: opened.values().filter(|count| **count > 1).count() as u64,
        sessions_without_hold: opened.keys().filter(|id| !booked.contains(**id)).count() as u64,
        overlaps: sheets.iter().map(|sheet| overlaps(sheet, now)).sum(),
    }
}

/// Counts the live entries of a sheet that begin before an earlier one is over.
///
/// Appointments do not cross midnight, so those of two sheets cannot overlap.
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

/// Counts the sessions that the sandbox opened for bookings in each second, for
/// `seconds` from `begun` on.
pub(super) fn sessions_by_second(sandbox: &Sandbox, begun: Timestamp, seconds: usize) -> Vec<u64> {
    let created = sandbox.sessions().into_iter().filter(|it| it.client_reference_id.is_some());
    by_second(created.map(|session| session.created), begun, seconds)
}

fn by_second(
    instants: impl Iterator<Item = Timestamp>,
    begun: Timestamp,
    seconds: usize,
) -> Vec<u64> {
    let mut counts = vec![0; seconds];
    for at in instants {
        let since = at.duration_since(begun);
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
    fn what_agrees_is_in_order() {
        let promises =
            [booking(1), Promise::Kept(at(15)), Promise::Unknown(at(30)), Promise::Unknown(at(45))];
        let sheets = sheets(&[(1, 0), (2, 15), (3, 30)]);
        let accounts = reckon(&promises, &sheets, &sessions(&[1, 3]), at(-60));
        assert_eq!(accounts, Accounts { holds: 3, ..Accounts::default() });
    }

    #[test]
    fn each_disagreement_is_seen() {
        type Case<'a> = (&'a str, &'a [Promise], &'a [(u128, i64)], &'a [u128], Accounts);
        let none = Accounts::default();
        let cases: [Case<'_>; 6] = [
            (
                "a booking that is not there",
                &[booking(1)],
                &[],
                &[],
                Accounts { holds_lost: 1, ..none },
            ),
            (
                "a kept hold that is not there",
                &[Promise::Kept(at(0))],
                &[(1, 15)],
                &[],
                Accounts { holds: 1, holds_lost: 1, holds_unaccounted: 1, ..none },
            ),
            (
                "one hold for two that were kept",
                &[Promise::Kept(at(0)), Promise::Kept(at(0))],
                &[(1, 0)],
                &[],
                Accounts { holds: 1, holds_lost: 1, ..none },
            ),
            (
                "a hold of nobody",
                &[],
                &[(1, 0)],
                &[],
                Accounts { holds: 1, holds_unaccounted: 1, ..none },
            ),
            (
                "two sessions of one booking",
                &[booking(1)],
                &[(1, 0)],
                &[1, 1],
                Accounts { holds: 1, sessions_twice: 1, ..none },
            ),
            (
                "two at one time, and a session of neither",
                &[booking(1), booking(2)],
                &[(1, 0), (2, 10)],
                &[3],
                Accounts { holds: 2, sessions_without_hold: 1, overlaps: 1, ..none },
            ),
        ];
        for (what, promises, bookings, opened, expected) in cases {
            let accounts = reckon(promises, &sheets(bookings), &sessions(opened), at(-60));
            assert_eq!(accounts, expected, "{what}");
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
    fn sessions_are_counted_in_their_second_and_others_are_not() {
        let begun = Timestamp::from_millisecond(1_800_000_000_500).unwrap();
        let instants = [-600, 0, 999, 1_000, 2_999, 3_000]
            .map(|ms| begun + SignedDuration::from_millis(ms))
            .into_iter();
        assert_eq!(by_second(instants, begun, 3), [2, 1, 1]);
    }
}
