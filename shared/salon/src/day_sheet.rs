//! Day sheets: the holds and bookings of one staff member on one date, and the line of
//! those who stand by.

use jiff::{SignedDuration, Timestamp};

use super::booking::{Booking, BookingId};
use super::interval::{Interval, IntervalSet};

/// How many entries of a day sheet may be paid by methods that take days to settle.
const MAX_DELAYED: usize = 2;

/// The holds and bookings of one staff member on one date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaySheet {
    version: u64,
    entries: Vec<Entry>,
    /// In order: whoever authorised first is first.
    line: Vec<PlaceInLine>,
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
    /// Whether its payment may take days: its session offers such methods, or such a payment
    /// is being processed.
    pub may_be_delayed: bool,
}

/// A client who stands by, with an authorised payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceInLine {
    pub booking_id: BookingId,
    /// When the payment was authorised.
    pub since: Timestamp,
    /// The time that the client wants: the appointment and its buffer.
    pub taken: Interval<Timestamp>,
}

/// What has to be done next for the line of a day sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextInLine {
    /// Nothing: nobody is in line, or the holds in the way have not ended.
    Wait,
    /// This hold has ended and is in the way. It may have been paid.
    Settle(BookingId),
    /// This client cannot get the time any more.
    TimeTaken(BookingId),
    /// This client gets the time.
    TimeFree(BookingId),
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
            may_be_delayed: false,
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
        Self { version, entries, line: Vec::new() }
    }

    /// Returns the sheet with this line.
    #[must_use]
    pub fn with_line(self, mut line: Vec<PlaceInLine>) -> Self {
        line.sort_by(|a, b| (a.since, &a.booking_id).cmp(&(b.since, &b.booking_id)));
        Self { line, ..self }
    }

    /// Returns how many times the sheet has been written.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Returns those who are in line, in order.
    #[must_use]
    pub fn line(&self) -> &[PlaceInLine] {
        &self.line
    }

    /// Returns the time that nobody else can book at `now`: that of live entries, and of
    /// everyone in line.
    #[must_use]
    pub fn busy(&self, now: Timestamp) -> IntervalSet<Timestamp> {
        let live = self.entries.iter().filter(|entry| entry.is_live(now)).map(Entry::taken);
        live.chain(self.line.iter().map(|place| place.taken)).collect()
    }

    /// Returns the time that nobody can get by standing by: it is paid.
    #[must_use]
    pub fn paid(&self) -> IntervalSet<Timestamp> {
        self.entries.iter().filter(|entry| entry.until.is_none()).map(Entry::taken).collect()
    }

    /// Returns when the last of the live holds ends that overlap `time`; none if there is
    /// no such hold.
    #[must_use]
    pub fn holds_end(&self, time: Interval<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let overlapping = self.entries.iter().filter(|entry| entry.taken().overlaps(&time));
        overlapping.filter_map(|entry| entry.until.filter(|until| now < *until)).max()
    }

    /// Decides who of those in line is next, and what has to be done first.
    ///
    /// A client is served when no hold is in the way any longer and nobody waits before
    /// them for the same time.
    #[must_use]
    pub fn next_in_line(&self, now: Timestamp) -> NextInLine {
        let mut waiting: Vec<Interval<Timestamp>> = Vec::new();
        for place in &self.line {
            let in_the_way: Vec<&Entry> =
                self.entries.iter().filter(|entry| entry.taken().overlaps(&place.taken)).collect();
            if in_the_way.iter().any(|entry| entry.until.is_none()) {
                return NextInLine::TimeTaken(place.booking_id.clone());
            }
            let must_wait = in_the_way.iter().any(|entry| entry.is_live(now))
                || waiting.iter().any(|earlier| earlier.overlaps(&place.taken));
            if must_wait {
                waiting.push(place.taken);
            } else if let Some(ended) = in_the_way.first() {
                return NextInLine::Settle(ended.booking_id.clone());
            } else {
                return NextInLine::TimeFree(place.booking_id.clone());
            }
        }
        NextInLine::Wait
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

    /// Returns whether somebody in line wants some of `time`.
    #[must_use]
    pub fn is_wanted(&self, time: Interval<Timestamp>) -> bool {
        self.line.iter().any(|place| place.taken.overlaps(&time))
    }

    /// Returns whether the session of another hold may offer payment methods that take days to
    /// settle. A hold that has ended but is not settled may have been paid, so it counts.
    #[must_use]
    pub fn has_room_for_delayed(&self) -> bool {
        self.entries.iter().filter(|entry| entry.may_be_delayed).count() < MAX_DELAYED
    }

    /// Returns the total length of all entries, live or not.
    #[must_use]
    pub fn booked(&self) -> SignedDuration {
        let length = |entry: &Entry| entry.free_from.duration_since(entry.appointment.start());
        self.entries.iter().map(length).fold(SignedDuration::ZERO, |sum, length| sum + length)
    }

    /// Returns the sheet's next version, with the entry and the place in line that `booking`
    /// has now. Returns `None` if nothing changes.
    #[must_use]
    pub fn with(&self, booking: &Booking) -> Option<Self> {
        self.with_places(&booking.id, booking.entry(), booking.place_in_line())
    }

    /// Returns the sheet as it would be without a booking, with the same version.
    #[must_use]
    pub fn without(&self, booking: &BookingId) -> Self {
        let mut sheet = self.clone();
        sheet.entries.retain(|entry| entry.booking_id != *booking);
        sheet.line.retain(|place| place.booking_id != *booking);
        sheet
    }

    fn with_places(
        &self,
        booking: &BookingId,
        entry: Option<Entry>,
        place: Option<PlaceInLine>,
    ) -> Option<Self> {
        let mut entries: Vec<_> =
            self.entries.iter().filter(|known| known.booking_id != *booking).cloned().collect();
        entries.extend(entry);
        entries.sort_by_key(|entry| entry.appointment.start());
        let others = self.line.iter().filter(|known| known.booking_id != *booking).cloned();
        let next = Self::new(self.version, entries).with_line(others.chain(place).collect());
        (next != *self).then(|| Self { version: self.version + 1, ..next })
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
mod tests;
