//! Whether a slot can be booked, and with whom: the decision of `POST /checkout`.
//!
//! It uses [`Availability`], as `GET /availability` does, so every offered start
//! is accepted and no other is.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::availability::{Availability, BusyTimes};
use super::day::Day;
use super::day_sheet::{DaySheet, taken_time};
use super::interval::{Interval, IntervalSet};
use super::salon::Salon;
use super::service::{Service, StaffId};

/// A request for a service at a time, with a named staff member or anyone.
#[derive(Clone, Copy, Debug)]
pub struct SlotRequest<'a> {
    pub service: &'a Service,
    pub start: Timestamp,
    /// `None`: anyone.
    pub staff: Option<&'a StaffId>,
}

/// Why the salon's rules exclude a time, whether or not it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Part of the appointment is outside opening hours.
    #[error("the salon is not open then")]
    OutsideHours,
    /// In the past, or within the notice period.
    #[error("that is too soon")]
    TooSoon,
    /// After the last date that can be booked.
    #[error("that is too far ahead")]
    TooFar,
    /// Not at a time at which appointments start.
    #[error("appointments do not start then")]
    NotOnStep,
}

/// Why a time that the rules allow cannot be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotUnavailable {
    /// Nobody eligible is free.
    Taken,
    /// Availability is unknown for every eligible staff member.
    Unknown,
}

/// A time that could be booked instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    pub at: Timestamp,
    /// The salon's offset from UTC at that time.
    pub offset: Offset,
}

impl SlotRequest<'_> {
    /// Returns the salon's local date of the start.
    #[must_use]
    pub fn date(&self, salon: &Salon) -> Date {
        salon.time_zone.to_datetime(self.start).date()
    }

    /// Returns the appointment, and when its staff member is free again.
    ///
    /// # Panics
    /// If the service takes no time, which the salon file does not allow.
    #[must_use]
    pub fn times(&self, salon: &Salon) -> (Interval<Timestamp>, Timestamp) {
        let day = Day::new(self.date(salon), &salon.time_zone);
        let appointment = Interval::new(self.start, self.service.end(self.start));
        let free_from = self.service.free_from(self.start, day.span().end());
        (appointment.expect("a service takes time"), free_from)
    }

    /// Checks the request against the salon's rules.
    ///
    /// # Errors
    /// The first rule that excludes it.
    pub fn check_rules(&self, salon: &Salon, now: Timestamp) -> Result<(), RuleError> {
        let date = self.date(salon);
        let horizon = salon.horizon(now);
        if self.start < now + SignedDuration::from_mins(salon.notice_minutes.into()) {
            return Err(RuleError::TooSoon);
        }
        if !horizon.contains(date) {
            return Err(RuleError::TooFar);
        }
        let nobody_is_busy: BusyTimes =
            salon.staff.iter().map(|member| (member.id.clone(), IntervalSet::empty())).collect();
        if !self.free_staff(salon, &nobody_is_busy, now).is_empty() {
            return Ok(());
        }
        let day = Day::new(date, &salon.time_zone);
        let next = Interval::new(self.start, self.start + SignedDuration::from_secs(1));
        let aligned = next.and_then(|next| day.aligned(salon.slot_step_minutes, &next).next());
        if aligned == Some(self.start) {
            Err(RuleError::OutsideHours)
        } else {
            Err(RuleError::NotOnStep)
        }
    }

    /// Chooses a staff member: of those who are free, the one with the least
    /// booked time on that date; of several such, the first in the salon file.
    ///
    /// `sheets` are the day sheets of that date; they only rank the staff.
    ///
    /// # Errors
    /// If nobody is free, or nobody's availability is known.
    pub fn choose_staff(
        &self,
        salon: &Salon,
        busy: &BusyTimes,
        sheets: &HashMap<StaffId, DaySheet>,
        now: Timestamp,
    ) -> Result<StaffId, SlotUnavailable> {
        let booked = |id: &&StaffId| sheets.get(*id).map_or(SignedDuration::ZERO, DaySheet::booked);
        let free = self.free_staff(salon, busy, now);
        if let Some(least) = free.into_iter().min_by_key(booked) {
            return Ok(least.clone());
        }
        let is_unknown =
            Availability::new(salon, busy, now).is_unknown(Some(&self.service.id), self.staff);
        Err(if is_unknown { SlotUnavailable::Unknown } else { SlotUnavailable::Taken })
    }

    /// Chooses a staff member for a client who stands by: of those in whose way only holds
    /// are, the one whose holds end first. Returns when they end.
    ///
    /// `busy` leaves out holds; `sheets` are the day sheets of that date.
    #[must_use]
    pub fn choose_standby(
        &self,
        salon: &Salon,
        busy: &BusyTimes,
        sheets: &HashMap<StaffId, DaySheet>,
        now: Timestamp,
    ) -> Option<(StaffId, Timestamp)> {
        let (appointment, free_from) = self.times(salon);
        let time = taken_time(appointment, free_from);
        let decided_by = |id: &StaffId| sheets.get(id).and_then(|it| it.holds_end(time, now));
        let free = self.free_staff(salon, busy, now).into_iter();
        let chosen = free.map(|id| (id.clone(), decided_by(id).unwrap_or(now)));
        chosen.min_by_key(|(_, decided_by)| *decided_by)
    }

    /// Returns up to `count` other times for the same request, the nearest first.
    #[must_use]
    pub fn alternatives(
        &self,
        salon: &Salon,
        busy: &BusyTimes,
        now: Timestamp,
        count: usize,
    ) -> Vec<Alternative> {
        let horizon = salon.horizon(now);
        let availability = Availability::new(salon, busy, now);
        let days = availability.starts(self.service, self.staff, (horizon.first, horizon.last));
        let starts = days.flat_map(|day| day.starts);
        let mut starts: Vec<Alternative> = starts
            .filter(|start| start.at != self.start)
            .map(|start| Alternative { at: start.at, offset: start.offset })
            .collect();
        starts.sort_by_key(|start| (start.at.duration_since(self.start).abs(), start.at));
        starts.truncate(count);
        starts
    }

    /// Returns the free staff in order of preference.
    fn free_staff<'s>(
        &self,
        salon: &'s Salon,
        busy: &'s BusyTimes,
        now: Timestamp,
    ) -> Vec<&'s StaffId> {
        let date = self.date(salon);
        let availability = Availability::new(salon, busy, now);
        let mut days = availability.starts(self.service, self.staff, (date, date));
        let starts = days.next().map(|day| day.starts).unwrap_or_default();
        let found = starts.into_iter().find(|start| start.at == self.start);
        found.map(|start| start.staff).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
