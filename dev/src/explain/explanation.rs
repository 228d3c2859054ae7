//! Why a time is not offered: the pieces of a day that are not free, each with
//! the rule that takes it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use salon::Salon;
use salon::booking::BookingId;
use salon::clock_time::{ClockRange, ClockTime};
use salon::day::Day;
use salon::day_sheet::DaySheet;
use salon::interval::{Interval, IntervalSet};
use salon::service::{Service, StaffMember};

/// A rule that takes time away from a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule<'a> {
    /// Outside the opening hours of the salon or of the staff member.
    Closed,
    /// Closed on that date, with the reason from the salon file.
    Closure(&'a str),
    /// In the past, or within the notice period.
    Notice,
    /// Busy in the staff member's calendar.
    Calendar,
    /// The staff member's calendar could not be read.
    UnknownCalendar,
    Hold(&'a BookingId),
    Booking(&'a BookingId),
    /// The buffer after this booking or hold.
    Buffer(&'a BookingId),
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Closure(reason) => write!(f, "closure: {reason}"),
            Self::Notice => f.write_str("notice"),
            Self::Calendar => f.write_str("calendar"),
            Self::UnknownCalendar => f.write_str("calendar cannot be read"),
            Self::Hold(id) => write!(f, "hold {id}"),
            Self::Booking(id) => write!(f, "booking {id}"),
            Self::Buffer(id) => write!(f, "buffer of {id}"),
        }
    }
}

/// A piece of a day that cannot be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Removed<'a> {
    pub(super) time: Interval<Timestamp>,
    pub(super) rule: Rule<'a>,
}

/// A time on the salon's step, within working hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    pub(super) start: Timestamp,
    /// The first rule that prevents a service at that time.
    pub(super) obstacle: Option<Rule<'a>>,
}

/// Everything that makes part of one staff member's day unavailable.
#[derive(Debug)]
pub(super) struct Explanation<'a> {
    salon: &'a Salon,
    day: &'a Day,
    working: IntervalSet<Timestamp>,
    removed: Vec<Removed<'a>>,
}

impl<'a> Explanation<'a> {
    /// Explains a day as of `now`. `calendar` is the busy time of the staff
    /// member's calendars, or `None` if they could not be read.
    pub(super) fn new(
        salon: &'a Salon,
        member: &StaffMember,
        day: &'a Day,
        sheets: &'a [DaySheet],
        calendar: Option<&IntervalSet<Timestamp>>,
        now: Timestamp,
    ) -> Self {
        let whole_day = ClockRange::new(ClockTime::START_OF_DAY, ClockTime::END_OF_DAY);
        let whole_day = day.instants(&whole_day.into_iter().collect());
        let working = day.instants(salon.hours_of(member).on(day.date().weekday()));
        let closed = whole_day.difference(&working);
        let mut removed: Vec<Removed<'a>> = all(&closed, &Rule::Closed);

        let closures = salon.closures.iter().filter(|closure| closure.covers(day.date()));
        removed.extend(closures.flat_map(|closure| all(&working, &Rule::Closure(&closure.reason))));

        let earliest = now + SignedDuration::from_mins(salon.notice_minutes.into());
        let too_soon = Interval::new(day.span().start(), earliest).into_iter().collect();
        removed.extend(all(&working.intersection(&too_soon), &Rule::Notice));

        let on_this_day: IntervalSet<Timestamp> = [day.span()].into_iter().collect();
        match calendar {
            Some(busy) => removed.extend(all(&busy.intersection(&on_this_day), &Rule::Calendar)),
            None => removed.extend(all(&on_this_day, &Rule::UnknownCalendar)),
        }
        let entries = sheets.iter().flat_map(DaySheet::entries).filter(|entry| entry.is_live(now));
        for entry in entries {
            let id = &entry.booking_id;
            let rule = if entry.until.is_some() { Rule::Hold(id) } else { Rule::Booking(id) };
            let buffer = Interval::new(entry.appointment.end(), entry.free_from);
            let pieces = [(Some(entry.appointment), rule), (buffer, Rule::Buffer(id))];
            removed.extend(pieces.into_iter().filter_map(|(time, rule)| {
                Some(Removed { time: time?.intersection(&day.span())?, rule })
            }));
        }
        removed.sort_by_key(|removed| (removed.time.start(), removed.time.end()));
        Self { salon, day, working, removed }
    }

    /// Returns the unavailable pieces, ordered by start. They overlap where two
    /// rules take the same time.
    pub(super) fn removed(&self) -> &[Removed<'a>] {
        &self.removed
    }

    /// Returns every time on the salon's step within working hours, each with
    /// the rule that prevents `service` there.
    pub(super) fn candidates(&self, service: &Service) -> Vec<Candidate<'a>> {
        let step = self.salon.slot_step_minutes;
        let starts = self.working.iter().flat_map(|open| self.day.aligned(step, open));
        starts.map(|start| Candidate { start, obstacle: self.obstacle(service, start) }).collect()
    }

    fn obstacle(&self, service: &Service, start: Timestamp) -> Option<Rule<'a>> {
        let end = service.end(start);
        let free_from = service.free_from(start, self.day.span().end());
        let prevents = |removed: &&Removed<'a>| match removed.rule {
            // The buffer may pass closing time.
            Rule::Closed | Rule::Closure(_) | Rule::Notice => overlaps(&removed.time, start, end),
            _ => overlaps(&removed.time, start, free_from),
        };
        if end > self.day.span().end() {
            return Some(Rule::Closed);
        }
        self.removed.iter().find(prevents).map(|removed| removed.rule.clone())
    }
}

fn overlaps(time: &Interval<Timestamp>, start: Timestamp, end: Timestamp) -> bool {
    Interval::new(start, end).is_some_and(|span| time.overlaps(&span))
}

fn all<'a>(times: &IntervalSet<Timestamp>, rule: &Rule<'a>) -> Vec<Removed<'a>> {
    times.iter().map(|time| Removed { time: *time, rule: rule.clone() }).collect()
}

#[cfg(test)]
mod tests;
