//! Open time and start times: what is shown as free and what can be booked.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::clock_time::ClockTime;
use super::day::Day;
use super::interval::{Interval, IntervalSet};
use super::salon::Salon;
use super::service::{Service, ServiceId, StaffId, StaffMember};

/// The busy time of each staff member: their calendar, and live holds and
/// bookings with their buffers.
///
/// The availability of an absent staff member is unknown, so they are not offered.
pub type BusyTimes = HashMap<StaffId, IntervalSet<Timestamp>>;

/// The free time of a salon, given the busy time of its staff.
#[derive(Debug)]
pub struct Availability<'a> {
    salon: &'a Salon,
    busy: &'a BusyTimes,
    days: Vec<Day>,
    /// The first instant that the notice period allows.
    earliest: Timestamp,
}

/// The times on one date at which a service can start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DayStarts<'a> {
    pub date: Date,
    /// In order.
    pub starts: Vec<Start<'a>>,
}

/// A time at which a service can start, and the staff who are free then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Start<'a> {
    pub at: Timestamp,
    /// The salon's offset from UTC at that time.
    pub offset: Offset,
    /// In order of preference. Never empty.
    pub staff: Vec<&'a StaffId>,
}

impl<'a> Availability<'a> {
    /// Computes the days of the salon's horizon as of `now`.
    #[must_use]
    pub fn new(salon: &'a Salon, busy: &'a BusyTimes, now: Timestamp) -> Self {
        let days = Day::series(salon.horizon(now).dates(), &salon.time_zone).collect();
        let earliest = now + SignedDuration::from_mins(salon.notice_minutes.into());
        Self { salon, busy, days, earliest }
    }

    /// Returns whether the availability of every eligible staff member is unknown.
    #[must_use]
    pub fn is_unknown(&self, service: Option<&ServiceId>, staff: Option<&StaffId>) -> bool {
        let mut eligible = self.salon.eligible_staff(service, staff).peekable();
        eligible.peek().is_some() && eligible.all(|member| !self.busy.contains_key(&member.id))
    }

    /// For each day, returns the wall-clock times at which `staff` is free, or
    /// anyone if none is given.
    pub fn open_time(
        &self,
        staff: Option<&StaffId>,
    ) -> impl Iterator<Item = (Date, IntervalSet<ClockTime>)> {
        let known = self.known_staff(None, staff);
        self.days.iter().map(move |day| {
            let free = |one: &KnownStaff<'_>| self.bookable(day, one.member).difference(one.busy);
            let free = match known.as_slice() {
                [one] => free(one),
                several => several.iter().flat_map(free).collect(),
            };
            (day.date(), day.clock_times(&free))
        })
    }

    /// Returns the times at which `service` can start on the days from `first`
    /// to `last`, with anyone or with `staff`.
    ///
    /// A start is a multiple of the salon's slot step past midnight. The appointment lies in open
    /// time, and neither it nor its buffer overlaps busy time. The buffer may
    /// extend past closing time, but not past midnight.
    pub fn starts(
        &self,
        service: &Service,
        staff: Option<&StaffId>,
        (first, last): (Date, Date),
    ) -> impl Iterator<Item = DayStarts<'a>> {
        let known = self.known_staff(Some(&service.id), staff);
        let requested =
            self.days.iter().filter(move |day| first <= day.date() && day.date() <= last);
        requested.map(move |day| {
            let mut found: Vec<(Timestamp, usize)> = Vec::new();
            for (rank, one) in known.iter().enumerate() {
                found.extend(self.starts_with(day, one, service).into_iter().map(|at| (at, rank)));
            }
            found.sort_unstable();
            let starts = found.chunk_by(|(a, _), (b, _)| a == b).map(|same| Start {
                at: same[0].0,
                offset: day.offset_at(same[0].0),
                staff: same.iter().map(|(_, rank)| &known[*rank].member.id).collect(),
            });
            DayStarts { date: day.date(), starts: starts.collect() }
        })
    }

    fn starts_with(&self, day: &Day, staff: &KnownStaff<'_>, service: &Service) -> Vec<Timestamp> {
        let mut starts = Vec::new();
        // Starts are in order, so busy time that ends before one start is skipped for all later ones.
        let span = day.span();
        let mut busy = staff.busy.overlapping(&span).peekable();
        for open in &self.bookable(day, staff.member) {
            let is_free = |start: &Timestamp| {
                while busy.next_if(|busy| busy.end() <= *start).is_some() {}
                let free_until = busy.peek().map_or(Timestamp::MAX, |busy| busy.start());
                service.free_from(*start, span.end()) <= free_until
            };
            let in_open_time = day
                .aligned(self.salon.slot_step_minutes, open)
                .take_while(|start| service.end(*start) <= open.end());
            starts.extend(in_open_time.filter(is_free));
        }
        starts
    }

    /// Returns the time of a day within which a staff member could be booked,
    /// if they had no busy time.
    fn bookable(&self, day: &Day, member: &StaffMember) -> IntervalSet<Timestamp> {
        if self.salon.is_closed_on(day.date()) {
            return IntervalSet::default();
        }
        let working = day.instants(self.salon.hours_of(member).on(day.date().weekday()));
        if self.earliest <= day.span().start() {
            return working;
        }
        let after_notice =
            |open: &Interval<Timestamp>| Interval::new(open.start().max(self.earliest), open.end());
        working.iter().filter_map(after_notice).collect()
    }

    /// Returns the eligible staff whose busy time is known.
    fn known_staff(
        &self,
        service: Option<&ServiceId>,
        staff: Option<&StaffId>,
    ) -> Vec<KnownStaff<'a>> {
        let known =
            |member: &'a StaffMember| Some(KnownStaff { member, busy: self.busy.get(&member.id)? });
        self.salon.eligible_staff(service, staff).filter_map(known).collect()
    }
}

/// A staff member whose busy time is known.
struct KnownStaff<'a> {
    member: &'a StaffMember,
    busy: &'a IntervalSet<Timestamp>,
}

#[cfg(test)]
mod tests;
