//! When a chair is free: the rules that decide what is shown and what is sold.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::clock_time::ClockTime;
use super::day::Day;
use super::interval::{Interval, IntervalSet};
use super::salon::Salon;
use super::service::{Service, StaffId, StaffMember};

/// When each staff member is taken: by their calendar, and by live holds and
/// bookings with their buffers. Nobody's absence means nothing is known to be
/// in the way.
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
        let days =
            salon.horizon(now).dates().map(|date| Day::new(date, &salon.time_zone)).collect();
        let earliest = now + SignedDuration::from_mins(salon.notice_minutes.into());
        Self { salon, busy, days, earliest }
    }

    /// Returns the wall-clock times of each day at which somebody is free, or
    /// the one person asked for.
    pub fn open_time(
        &self,
        staff: Option<&StaffId>,
    ) -> impl Iterator<Item = (Date, IntervalSet<ClockTime>)> {
        let wanted: Vec<_> = self.salon.staff.iter().filter(|m| is_wanted(m, staff)).collect();
        self.days.iter().map(move |day| {
            let free = |member: &&StaffMember| {
                self.bookable(day, member).difference(self.busy(&member.id))
            };
            let free = match wanted.as_slice() {
                [member] => free(member),
                members => members.iter().flat_map(|m| free(m).as_slice().to_vec()).collect(),
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
        let performing = |m: &&StaffMember| m.performs(&service.id) && is_wanted(m, staff);
        let performing: Vec<_> = self.salon.staff.iter().filter(performing).collect();
        let asked = self.days.iter().filter(move |day| first <= day.date() && day.date() <= last);
        asked.map(move |day| {
            let mut found: Vec<(Timestamp, usize)> = Vec::new();
            for (rank, member) in performing.iter().enumerate() {
                found.extend(
                    self.member_starts(day, member, service).into_iter().map(|at| (at, rank)),
                );
            }
            found.sort_unstable();
            let starts = found.chunk_by(|(a, _), (b, _)| a == b).map(|same| Start {
                at: same[0].0,
                offset: day.offset_at(same[0].0),
                staff: same.iter().map(|(_, rank)| &performing[*rank].id).collect(),
            });
            DayStarts { date: day.date(), starts: starts.collect() }
        })
    }

    fn member_starts(&self, day: &Day, member: &StaffMember, service: &Service) -> Vec<Timestamp> {
        let busy = self.busy(&member.id);
        let duration = SignedDuration::from_mins(service.duration_minutes.into());
        let with_buffer = duration + SignedDuration::from_mins(service.buffer_minutes.into());
        let mut starts = Vec::new();
        for open in &self.bookable(day, member) {
            let occupied = |start: Timestamp| {
                Interval::new(start, (start + with_buffer).min(day.span().end()))
            };
            let in_open_time = day
                .aligned(self.salon.slot_step_minutes, open)
                .take_while(|start| *start + duration <= open.end());
            starts.extend(
                in_open_time
                    .filter(|start| occupied(*start).is_some_and(|span| !busy.overlaps(&span))),
            );
        }
        starts
    }

    /// Returns the instants of a day at which a person could be booked if
    /// nothing were in their calendar.
    fn bookable(&self, day: &Day, member: &StaffMember) -> IntervalSet<Timestamp> {
        if self.salon.is_closed_on(day.date()) {
            return IntervalSet::default();
        }
        let hours = member.hours.as_ref().unwrap_or(&self.salon.hours);
        let working = day.instants(hours.on(day.date().weekday()));
        let in_time =
            |open: &Interval<Timestamp>| Interval::new(open.start().max(self.earliest), open.end());
        working.iter().filter_map(in_time).collect()
    }

    fn busy(&self, staff: &StaffId) -> &'a IntervalSet<Timestamp> {
        static NOTHING: IntervalSet<Timestamp> = IntervalSet::empty();
        self.busy.get(staff).unwrap_or(&NOTHING)
    }
}

fn is_wanted(member: &StaffMember, asked: Option<&StaffId>) -> bool {
    asked.is_none_or(|asked| *asked == member.id)
}

#[cfg(test)]
mod tests;
