//! Reminders: when a client is reminded of an appointment.

use std::ops::Range;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::booking::{Booking, State};
use super::clock_time::ClockTime;
use super::dst_policy::DstPolicy;

/// How long before quiet hours a reminder is sent that would fall into them.
/// The schedule that sends reminders runs at least once an hour.
const LEAD_BEFORE_QUIET: SignedDuration = SignedDuration::from_hours(1);

/// When reminders are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminders {
    /// How long before the appointment, in hours of the wall clock: 24 is the
    /// same time on the day before, even if the clocks change in between.
    pub hours: u16,
    /// When no reminder is sent.
    pub quiet: Option<QuietHours>,
}

/// Hours on the salon's wall clock in which no reminder is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: ClockTime,
    until: ClockTime,
}

impl QuietHours {
    /// The least time of a day that must not be quiet, in minutes.
    const MIN_AWAKE_MINUTES: u16 = 2 * 60;

    /// Makes the hours `[from, until)`, across midnight if `until` is earlier.
    ///
    /// Returns `None` if they are empty or leave less than two hours of a day.
    #[must_use]
    pub fn new(from: ClockTime, until: ClockTime) -> Option<Self> {
        const DAY: u16 = ClockTime::END_OF_DAY.minutes();
        let [from, until] = [from, until].map(|time| time.minutes() % DAY);
        let awake = (DAY + from - until) % DAY;
        let (from, until) = (ClockTime::from_minutes(from)?, ClockTime::from_minutes(until)?);
        (awake >= Self::MIN_AWAKE_MINUTES).then_some(Self { from, until })
    }

    fn contains(self, time: Time) -> bool {
        let (from, until) = (civil_time(self.from), civil_time(self.until));
        if from < until { from <= time && time < until } else { from <= time || time < until }
    }

    /// Returns the end of the quiet hours that contain `local`.
    fn end_after(self, local: DateTime) -> DateTime {
        let end = local.date().to_datetime(civil_time(self.until));
        if end > local { end } else { end.saturating_add(Span::new().days(1)) }
    }

    /// Returns the start of the quiet hours that contain `local`.
    fn start_before(self, local: DateTime) -> DateTime {
        let start = local.date().to_datetime(civil_time(self.from));
        if start <= local { start } else { start.saturating_sub(Span::new().days(1)) }
    }
}

fn civil_time(time: ClockTime) -> Time {
    let minutes = time.minutes().into();
    Time::midnight().saturating_add(SignedDuration::from_mins(minutes))
}

impl Reminders {
    /// Returns when the reminder of an appointment is due.
    ///
    /// A reminder that falls into quiet hours waits for their end if that is
    /// before the day of the appointment. Otherwise it is due before they begin.
    #[must_use]
    pub fn due_at(&self, start: Timestamp, zone: &TimeZone) -> Timestamp {
        let local = zone.to_datetime(start);
        let due = local.saturating_sub(Span::new().hours(self.hours));
        let due = match self.quiet.filter(|quiet| quiet.contains(due.time())) {
            Some(quiet) if quiet.end_after(due).date() < local.date() => quiet.end_after(due),
            Some(quiet) => quiet.start_before(due).saturating_sub(LEAD_BEFORE_QUIET),
            None => due,
        };
        DstPolicy::FirstOrShifted.first_instant(due, zone).unwrap_or(start)
    }

    /// Returns whether a reminder that has not been sent should be sent at `now`.
    ///
    /// A booking confirmed after its reminder was due gets none, because the
    /// confirmation was just sent. A late reminder is sent until the
    /// appointment begins, outside quiet hours.
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

    /// Returns the start times of appointments whose reminders may be due at `now`.
    #[must_use]
    pub fn starts_to_check(&self, now: Timestamp) -> Range<Timestamp> {
        // The longest quiet hours, the hour before them, and an hour for a clock change.
        let ahead = SignedDuration::from_hours(i64::from(self.hours) + 22 + 1 + 1);
        let end = now.saturating_add(ahead).unwrap_or(Timestamp::MAX);
        now..end
    }
}

#[cfg(test)]
mod tests;
