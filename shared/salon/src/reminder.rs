//! Reminders: when a client is told again of an appointment.

use std::ops::Range;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::booking::{Booking, State};
use super::clock_time::ClockTime;

/// How long before quiet hours a reminder is due that would fall into them: a
/// schedule that asks once an hour still finds it.
const BEFORE_QUIET: SignedDuration = SignedDuration::from_hours(1);

/// When reminders are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminders {
    /// How many hours of the wall clock before the appointment: 24 is the same
    /// time on the day before, also where the clocks change in between.
    pub hours: u16,
    /// When none is sent.
    pub quiet: Option<QuietHours>,
}

/// Hours of the night, on the salon's wall clock, in which nobody is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: ClockTime,
    until: ClockTime,
}

impl QuietHours {
    /// The shortest time of a day that is not quiet, in minutes.
    const SHORTEST_REST: u16 = 2 * 60;

    /// Makes the hours `[from, until)`, over midnight if `until` is earlier.
    ///
    /// Returns `None` where that is no time at all, or where less than two
    /// hours of a day are left.
    #[must_use]
    pub fn new(from: ClockTime, until: ClockTime) -> Option<Self> {
        const DAY: u16 = ClockTime::END_OF_DAY.minutes();
        let [from, until] = [from, until].map(|time| time.minutes() % DAY);
        let rest = (DAY + from - until) % DAY;
        let (from, until) = (ClockTime::from_minutes(from)?, ClockTime::from_minutes(until)?);
        (rest >= Self::SHORTEST_REST).then_some(Self { from, until })
    }

    fn contains(self, time: Time) -> bool {
        let (from, until) = (on_the_clock(self.from), on_the_clock(self.until));
        if from < until { from <= time && time < until } else { from <= time || time < until }
    }

    /// Returns when the quiet hours end in which `local` is.
    fn end_after(self, local: DateTime) -> DateTime {
        let end = local.date().to_datetime(on_the_clock(self.until));
        if end > local { end } else { end.saturating_add(Span::new().days(1)) }
    }

    /// Returns when the quiet hours began in which `local` is.
    fn start_before(self, local: DateTime) -> DateTime {
        let start = local.date().to_datetime(on_the_clock(self.from));
        if start <= local { start } else { start.saturating_sub(Span::new().days(1)) }
    }
}

fn on_the_clock(time: ClockTime) -> Time {
    let minutes = time.minutes().into();
    Time::midnight().saturating_add(SignedDuration::from_mins(minutes))
}

impl Reminders {
    /// Returns when the reminder of an appointment is due.
    ///
    /// One that falls into quiet hours waits for their end, if that is still
    /// before the day of the appointment; otherwise it goes out before they begin.
    #[must_use]
    pub fn due_at(&self, start: Timestamp, zone: &TimeZone) -> Timestamp {
        let local = zone.to_datetime(start);
        let due = local.saturating_sub(Span::new().hours(self.hours));
        let due = match self.quiet.filter(|quiet| quiet.contains(due.time())) {
            Some(quiet) if quiet.end_after(due).date() < local.date() => quiet.end_after(due),
            Some(quiet) => quiet.start_before(due).saturating_sub(BEFORE_QUIET),
            None => due,
        };
        zone.to_ambiguous_timestamp(due).compatible().unwrap_or(start)
    }

    /// Tells whether a reminder is to be sent at `now`, if it has not been.
    ///
    /// A booking that was confirmed when its reminder was due already gets none:
    /// the confirmation has just said it all. One that was not sent in time is
    /// sent later, outside quiet hours, until the appointment begins.
    #[must_use]
    pub fn is_due(&self, booking: &Booking, zone: &TimeZone, now: Timestamp) -> bool {
        let start = booking.appointment.start();
        let due = self.due_at(start, zone);
        let is_quiet = self.quiet.is_some_and(|quiet| quiet.contains(zone.to_datetime(now).time()));
        booking.state == State::Confirmed
            && booking.changed_at < due
            && (due..start).contains(&now)
            && !is_quiet
    }

    /// Returns when appointments begin whose reminders can be due at `now`.
    #[must_use]
    pub fn starts_to_look_at(&self, now: Timestamp) -> Range<Timestamp> {
        // A day of quiet hours, the hour before them, and one for the clocks.
        let ahead = SignedDuration::from_hours(i64::from(self.hours) + 24 + 1 + 1);
        let end = now.saturating_add(ahead).unwrap_or(Timestamp::MAX);
        now..end
    }
}

#[cfg(test)]
mod tests;
