//! Why a time is not offered: each piece that is taken away from a day, and the
//! rule that takes it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::booking::BookingId;
use super::clock_time::{ClockRange, ClockTime};
use super::day::Day;
use super::day_sheet::DaySheet;
use super::interval::{Interval, IntervalSet};
use super::salon::Salon;
use super::service::{Service, StaffMember};

/// A rule that takes time away from a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule<'a> {
    /// Outside the hours of the salon or the person.
    Closed,
    /// A closure, with its reason.
    Closure(&'a str),
    /// Too soon to be booked.
    Notice,
    /// In the person's calendar.
    Calendar,
    /// The person's calendar cannot be read.
    UnknownCalendar,
    /// A live hold of this booking.
    Hold(&'a BookingId),
    /// This booking.
    Booking(&'a BookingId),
    /// The buffer behind this booking or hold.
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

/// A piece of a day that is taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed<'a> {
    /// The piece.
    pub time: Interval<Timestamp>,
    /// What takes it.
    pub rule: Rule<'a>,
}

/// A time on the salon's step at which somebody works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The time.
    pub start: Timestamp,
    /// The first rule in the way of a service at that time.
    pub obstacle: Option<Rule<'a>>,
}

/// What takes time away from one person's day.
#[derive(Debug)]
pub struct Explanation<'a> {
    salon: &'a Salon,
    day: &'a Day,
    working: IntervalSet<Timestamp>,
    removed: Vec<Removed<'a>>,
}

impl<'a> Explanation<'a> {
    /// Explains a day as it is at `now`, given the person's day sheet and what
    /// their calendar says, if it could be read.
    #[must_use]
    pub fn new(
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

    /// Returns the pieces that are taken away, by their start. They may
    /// overlap: two rules may take the same time.
    #[must_use]
    pub fn removed(&self) -> &[Removed<'a>] {
        &self.removed
    }

    /// Returns every time on the salon's step within working hours, and what
    /// is in the way of `service` there.
    #[must_use]
    pub fn candidates(&self, service: &Service) -> Vec<Candidate<'a>> {
        let step = self.salon.slot_step_minutes;
        let starts = self.working.iter().flat_map(|open| self.day.aligned(step, open));
        starts.map(|start| Candidate { start, obstacle: self.obstacle(service, start) }).collect()
    }

    fn obstacle(&self, service: &Service, start: Timestamp) -> Option<Rule<'a>> {
        let duration = SignedDuration::from_mins(service.duration_minutes.into());
        let buffer = SignedDuration::from_mins(service.buffer_minutes.into());
        let end = start + duration;
        let free_from = (end + buffer).min(self.day.span().end());
        let in_the_way = |removed: &&Removed<'a>| match removed.rule {
            // The buffer may pass closing time.
            Rule::Closed | Rule::Closure(_) | Rule::Notice => overlaps(&removed.time, start, end),
            _ => overlaps(&removed.time, start, free_from),
        };
        if end > self.day.span().end() {
            return Some(Rule::Closed);
        }
        self.removed.iter().find(in_the_way).map(|removed| removed.rule.clone())
    }
}

fn overlaps(time: &Interval<Timestamp>, start: Timestamp, end: Timestamp) -> bool {
    Interval::new(start, end).is_some_and(|span| time.overlaps(&span))
}

fn all<'a>(times: &IntervalSet<Timestamp>, rule: &Rule<'a>) -> Vec<Removed<'a>> {
    times.iter().map(|time| Removed { time: *time, rule: rule.clone() }).collect()
}
