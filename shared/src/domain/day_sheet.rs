//! Day sheets: what one staff member has been booked for on one date.

use jiff::Timestamp;

use super::interval::{Interval, IntervalSet};

/// The holds and bookings of one staff member on one date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaySheet {
    entries: Vec<Entry>,
}

/// A hold or a booking on a day sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The booking it belongs to.
    pub booking_id: String,
    /// When the client is there.
    pub appointment: Interval<Timestamp>,
    /// When the staff member is free again: the appointment's end, or the end
    /// of the buffer behind it.
    pub free_from: Timestamp,
    /// Until when a hold keeps the time. A booking keeps it for good.
    pub until: Option<Timestamp>,
}

impl Entry {
    /// Makes an entry, or `None` if it were free before the appointment ends.
    #[must_use]
    pub fn new(
        booking_id: String,
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
    /// Makes a sheet of its entries.
    #[must_use]
    pub const fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    fn entry(id: &str, start: i64, end: i64, until: Option<i64>) -> Entry {
        let appointment = Interval::new(at(start), at(end)).expect("a span");
        Entry::new(id.to_owned(), appointment, at(end), until.map(at)).expect("an entry")
    }

    #[test]
    fn a_hold_keeps_its_time_to_the_second_and_a_booking_for_good() {
        let sheet = DaySheet::new(vec![
            entry("hold", 100, 200, Some(50)),
            entry("booking", 300, 400, None),
        ]);
        let starts = |now| {
            sheet.busy(at(now)).iter().map(|span| span.start().as_second()).collect::<Vec<_>>()
        };
        assert_eq!(starts(49), [100, 300]);
        assert_eq!(starts(50), [300], "a hold is over at the instant its `until` names");
        assert_eq!(starts(1_000), [300]);
    }
}
