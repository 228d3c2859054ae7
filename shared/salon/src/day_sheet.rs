//! Day sheets: the holds and bookings of one staff member on one date.

use jiff::{SignedDuration, Timestamp};

use super::booking::BookingId;
use super::interval::{Interval, IntervalSet};

/// The holds and bookings of one staff member on one date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaySheet {
    version: u64,
    entries: Vec<Entry>,
}

/// A hold or a booking on a day sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    pub booking_id: BookingId,
    pub appointment: Interval<Timestamp>,
    /// When the staff member is free again: the end of the appointment and its
    /// buffer.
    pub free_from: Timestamp,
    /// When an unpaid hold lapses; `None` once it is paid.
    pub until: Option<Timestamp>,
}

impl Entry {
    /// Makes an entry. Returns `None` if `free_from` is before the appointment's end.
    #[must_use]
    pub fn new(
        booking_id: BookingId,
        appointment: Interval<Timestamp>,
        free_from: Timestamp,
        until: Option<Timestamp>,
    ) -> Option<Self> {
        (appointment.end() <= free_from).then_some(Self {
            booking_id,
            appointment,
            free_from,
            until,
        })
    }

    /// Returns whether the entry keeps its time at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Returns the time that is taken: the appointment and its buffer.
    #[must_use]
    pub fn taken(&self) -> Interval<Timestamp> {
        taken_time(self.appointment, self.free_from)
    }
}

impl DaySheet {
    /// Makes a sheet. A sheet that was never written is empty and has version 0.
    #[must_use]
    pub const fn new(version: u64, entries: Vec<Entry>) -> Self {
        Self { version, entries }
    }

    /// Returns how many times the sheet has been written.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Returns the time taken by entries that are live at `now`.
    #[must_use]
    pub fn busy(&self, now: Timestamp) -> IntervalSet<Timestamp> {
        self.entries.iter().filter(|entry| entry.is_live(now)).map(Entry::taken).collect()
    }

    /// Iterates over the holds that overlap `time`, have ended by `now` and are not
    /// settled yet. They may have been paid.
    pub fn unsettled_holds_in(
        &self,
        time: Interval<Timestamp>,
        now: Timestamp,
    ) -> impl Iterator<Item = &Entry> {
        let is_unsettled =
            move |entry: &&Entry| !entry.is_live(now) && entry.taken().overlaps(&time);
        self.entries.iter().filter(is_unsettled)
    }

    /// Returns whether an entry of another booking, live or not, overlaps `time`.
    #[must_use]
    pub fn is_taken_by_another(&self, time: Interval<Timestamp>, booking: &BookingId) -> bool {
        let others = self.entries.iter().filter(|entry| entry.booking_id != *booking);
        others.into_iter().any(|entry| entry.taken().overlaps(&time))
    }

    /// Returns the total length of all entries, live or not.
    #[must_use]
    pub fn booked(&self) -> SignedDuration {
        let length = |entry: &Entry| entry.free_from.duration_since(entry.appointment.start());
        self.entries.iter().map(length).fold(SignedDuration::ZERO, |sum, length| sum + length)
    }

    /// Returns the sheet's next version, with the booking's entry replaced by
    /// `entry`, or removed if that is `None`. Returns `None` if nothing changes.
    #[must_use]
    pub fn with(&self, booking: &BookingId, entry: Option<Entry>) -> Option<Self> {
        let known = self.entries.iter().find(|known| known.booking_id == *booking);
        if known == entry.as_ref() {
            return None;
        }
        let others = self.entries.iter().filter(|known| known.booking_id != *booking).cloned();
        let mut entries: Vec<_> = others.chain(entry).collect();
        entries.sort_by_key(|entry| entry.appointment.start());
        Some(Self { version: self.version + 1, entries })
    }
}

/// Returns the time that an appointment takes from its staff member.
pub(super) fn taken_time(
    appointment: Interval<Timestamp>,
    free_from: Timestamp,
) -> Interval<Timestamp> {
    Interval::new(appointment.start(), free_from).unwrap_or(appointment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    fn id(number: u128) -> BookingId {
        BookingId::from_bits(number)
    }

    fn entry(number: u128, start: i64, end: i64, until: Option<i64>) -> Entry {
        let appointment = Interval::new(at(start), at(end)).expect("a span");
        Entry::new(id(number), appointment, at(end), until.map(at)).expect("an entry")
    }

    #[test]
    fn a_hold_ends_exactly_at_until_and_a_booking_never_ends() {
        let sheet = DaySheet::new(2, vec![entry(1, 100, 200, Some(50)), entry(2, 300, 400, None)]);
        let starts = |now| {
            sheet.busy(at(now)).iter().map(|span| span.start().as_second()).collect::<Vec<_>>()
        };
        assert_eq!(starts(49), [100, 300]);
        assert_eq!(starts(50), [300], "a hold has ended at `until`");
        assert_eq!(starts(1_000), [300]);
    }

    #[test]
    fn an_ended_hold_is_unsettled_until_it_is_removed() {
        let sheet = DaySheet::new(1, vec![entry(1, 100, 200, Some(50))]);
        let time = Interval::new(at(150), at(160)).expect("a span");
        let due = |now| {
            sheet
                .unsettled_holds_in(time, at(now))
                .map(|e| e.booking_id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(due(49), []);
        assert_eq!(due(50), [id(1)]);
        assert!(sheet.is_taken_by_another(time, &id(2)));
        assert!(
            !sheet.is_taken_by_another(time, &id(1)),
            "a booking does not conflict with itself"
        );
    }

    #[test]
    fn only_a_change_makes_a_next_version() {
        let hold = entry(1, 100, 200, Some(50));
        let booking = entry(1, 100, 200, None);
        let first = DaySheet::default().with(&id(1), Some(hold.clone())).expect("a change");
        assert_eq!(first, DaySheet::new(1, vec![hold.clone()]));
        assert_eq!(first.with(&id(1), Some(hold)), None);
        let booked = first.with(&id(1), Some(booking.clone())).expect("a change");
        assert_eq!(booked, DaySheet::new(2, vec![booking]));
        assert_eq!(booked.with(&id(1), None), Some(DaySheet::new(3, vec![])));
        assert_eq!(booked.with(&id(2), None), None);
    }
}
