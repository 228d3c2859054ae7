//! Day sheets: what one staff member has been booked for on one date.

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
    /// The booking it belongs to.
    pub booking_id: BookingId,
    /// When the client is there.
    pub appointment: Interval<Timestamp>,
    /// When the staff member is free again: the appointment's end, or the end
    /// of the buffer behind it.
    pub free_from: Timestamp,
    /// When a hold is due to be settled. A booking keeps its time for good.
    pub until: Option<Timestamp>,
}

impl Entry {
    /// Makes an entry, or `None` if it were free before the appointment ends.
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

    /// Tells whether the entry keeps its time at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Returns the time that is taken: the appointment and its buffer.
    #[must_use]
    pub fn taken(&self) -> Interval<Timestamp> {
        Interval::new(self.appointment.start(), self.free_from).unwrap_or(self.appointment)
    }
}

impl DaySheet {
    /// Makes a sheet of its entries, as it was written for the `version`th
    /// time. A sheet that was never written is empty and has version 0.
    #[must_use]
    pub const fn new(version: u64, entries: Vec<Entry>) -> Self {
        Self { version, entries }
    }

    /// Returns how often the sheet has been written.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Iterates over the entries.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Returns the time that live entries take at `now`.
    #[must_use]
    pub fn busy(&self, now: Timestamp) -> IntervalSet<Timestamp> {
        self.entries.iter().filter(|entry| entry.is_live(now)).map(Entry::taken).collect()
    }

    /// Iterates over the holds in the way of `time` that are due at `now` and
    /// have not been settled: nobody knows whether they were paid.
    pub fn unsettled_holds_in(
        &self,
        time: Interval<Timestamp>,
        now: Timestamp,
    ) -> impl Iterator<Item = &Entry> {
        let is_due = move |entry: &&Entry| !entry.is_live(now) && entry.taken().overlaps(&time);
        self.entries.iter().filter(is_due)
    }

    /// Tells whether anything but `booking`, live or due, takes some of `time`.
    #[must_use]
    pub fn is_taken_by_another(&self, time: Interval<Timestamp>, booking: &BookingId) -> bool {
        let others = self.entries.iter().filter(|entry| entry.booking_id != *booking);
        others.into_iter().any(|entry| entry.taken().overlaps(&time))
    }

    /// Returns how much time entries take, due ones included.
    #[must_use]
    pub fn booked(&self) -> SignedDuration {
        let length = |entry: &Entry| entry.free_from.duration_since(entry.appointment.start());
        self.entries.iter().map(length).fold(SignedDuration::ZERO, |sum, length| sum + length)
    }

    /// Returns the sheet's next version: with a booking's entry as given, or
    /// without one. `None` if it is so already.
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
    fn a_hold_keeps_its_time_to_the_second_and_a_booking_for_good() {
        let sheet = DaySheet::new(2, vec![entry(1, 100, 200, Some(50)), entry(2, 300, 400, None)]);
        let starts = |now| {
            sheet.busy(at(now)).iter().map(|span| span.start().as_second()).collect::<Vec<_>>()
        };
        assert_eq!(starts(49), [100, 300]);
        assert_eq!(starts(50), [300], "a hold is over at the instant its `until` names");
        assert_eq!(starts(1_000), [300]);
    }

    #[test]
    fn a_due_hold_is_in_the_way_until_it_is_settled() {
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
        assert!(!sheet.is_taken_by_another(time, &id(1)), "nobody is in their own way");
    }

    #[test]
    fn a_change_makes_the_next_version_and_no_change_makes_none() {
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
