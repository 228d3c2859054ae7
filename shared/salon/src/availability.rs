//! When a chair is free: the rules that decide what is shown and what is sold.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::clock_time::ClockTime;
use super::day::Day;
use super::interval::{Interval, IntervalSet};
use super::salon::Salon;
use super::service::{Service, ServiceId, StaffId, StaffMember};

/// When each staff member is taken: by their calendar, and by live holds and
/// bookings with their buffers.
///
/// Somebody who is not in it is unknown, and what is unknown is not free.
pub type BusyTimes = HashMap<StaffId, IntervalSet<Timestamp>>;

/// What is free at a salon, given when its staff are busy.
#[derive(Debug)]
pub struct Availability<'a> {
    salon: &'a Salon,
    busy: &'a BusyTimes,
    days: Vec<Day>,
    /// Nothing can start before this.
    earliest: Timestamp,
}

/// The times on one date at which a service can start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DayStarts<'a> {
    /// The salon's local date.
    pub date: Date,
    /// The times, in order.
    pub starts: Vec<Start<'a>>,
}

/// A time at which a service can start, and who is free then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Start<'a> {
    /// The instant.
    pub at: Timestamp,
    /// The salon's offset from UTC at that instant.
    pub offset: Offset,
    /// Who can do it, in the salon's order. Never empty.
    pub staff: Vec<&'a StaffId>,
}

impl<'a> Availability<'a> {
    /// Lays out the salon's horizon as it is at `now`.
    #[must_use]
    pub fn new(salon: &'a Salon, busy: &'a BusyTimes, now: Timestamp) -> Self {
        let days = Day::series(salon.horizon(now).dates(), &salon.time_zone).collect();
        let earliest = now + SignedDuration::from_mins(salon.notice_minutes.into());
        Self { salon, busy, days, earliest }
    }

    /// Tells whether nothing is known of any of those whom a question is about,
    /// so that there is no answer to it.
    #[must_use]
    pub fn is_unknown(&self, service: Option<&ServiceId>, staff: Option<&StaffId>) -> bool {
        let mut meant = self.meant(service, staff).peekable();
        meant.peek().is_some() && meant.all(|member| !self.busy.contains_key(&member.id))
    }

    /// Returns the wall-clock times of each day at which somebody is free, or
    /// the one person asked for.
    pub fn open_time(
        &self,
        staff: Option<&StaffId>,
    ) -> impl Iterator<Item = (Date, IntervalSet<ClockTime>)> {
        let people = self.people(None, staff);
        self.days.iter().map(move |day| {
            let free =
                |person: &Person<'_>| self.bookable(day, person.member).difference(person.busy);
            let free = match people.as_slice() {
                [person] => free(person),
                people => people.iter().flat_map(free).collect(),
            };
            (day.date(), day.clock_times(&free))
        })
    }

    /// Returns the exact times at which `service` can start on the days from
    /// `first` to `last`, with anyone or with the one person asked for.
    ///
    /// A time is on the salon's step of the wall clock, the appointment lies
    /// inside open time, and neither it nor its buffer touches busy time. The
    /// buffer may pass closing time, and is cut at the end of the day.
    pub fn starts(
        &self,
        service: &Service,
        staff: Option<&StaffId>,
        (first, last): (Date, Date),
    ) -> impl Iterator<Item = DayStarts<'a>> {
        let people = self.people(Some(&service.id), staff);
        let asked = self.days.iter().filter(move |day| first <= day.date() && day.date() <= last);
        asked.map(move |day| {
            let mut found: Vec<(Timestamp, usize)> = Vec::new();
            for (rank, person) in people.iter().enumerate() {
                found.extend(
                    self.starts_with(day, person, service).into_iter().map(|at| (at, rank)),
                );
            }
            found.sort_unstable();
            let starts = found.chunk_by(|(a, _), (b, _)| a == b).map(|same| Start {
                at: same[0].0,
                offset: day.offset_at(same[0].0),
                staff: same.iter().map(|(_, rank)| &people[*rank].member.id).collect(),
            });
            DayStarts { date: day.date(), starts: starts.collect() }
        })
    }

    fn starts_with(&self, day: &Day, person: &Person<'_>, service: &Service) -> Vec<Timestamp> {
        let duration = SignedDuration::from_mins(service.duration_minutes.into());
        let with_buffer = duration + SignedDuration::from_mins(service.buffer_minutes.into());
        let mut starts = Vec::new();
        // Both go forward in time, so what is over for one start is for the next.
        let span = day.span();
        let mut busy = person.busy.overlapping(&span).peekable();
        for open in &self.bookable(day, person.member) {
            let is_free = |start: &Timestamp| {
                while busy.next_if(|busy| busy.end() <= *start).is_some() {}
                let free_until = busy.peek().map_or(Timestamp::MAX, |busy| busy.start());
                (*start + with_buffer).min(span.end()) <= free_until
            };
            let in_open_time = day
                .aligned(self.salon.slot_step_minutes, open)
                .take_while(|start| *start + duration <= open.end());
            starts.extend(in_open_time.filter(is_free));
        }
        starts
    }

    /// Returns the instants of a day at which a person could be booked if
    /// nothing were in their calendar.
    fn bookable(&self, day: &Day, member: &StaffMember) -> IntervalSet<Timestamp> {
        if self.salon.is_closed_on(day.date()) {
            return IntervalSet::default();
        }
        let working = day.instants(self.salon.hours_of(member).on(day.date().weekday()));
        if self.earliest <= day.span().start() {
            return working;
        }
        let in_time =
            |open: &Interval<Timestamp>| Interval::new(open.start().max(self.earliest), open.end());
        working.iter().filter_map(in_time).collect()
    }

    /// Iterates over those whom a question is about, known or not.
    fn meant<'q>(
        &self,
        service: Option<&'q ServiceId>,
        staff: Option<&'q StaffId>,
    ) -> impl Iterator<Item = &'a StaffMember> + use<'a, 'q> {
        self.salon.staff.iter().filter(move |member| {
            service.is_none_or(|service| member.performs(service))
                && staff.is_none_or(|staff| *staff == member.id)
        })
    }

    fn people(&self, service: Option<&ServiceId>, staff: Option<&StaffId>) -> Vec<Person<'a>> {
        let known =
            |member: &'a StaffMember| Some(Person { member, busy: self.busy.get(&member.id)? });
        self.meant(service, staff).filter_map(known).collect()
    }
}

/// Somebody whose busy times are known.
struct Person<'a> {
    member: &'a StaffMember,
    busy: &'a IntervalSet<Timestamp>,
}

#[cfg(test)]
mod tests;
