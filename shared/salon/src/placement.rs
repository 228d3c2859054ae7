//! Whether a time can be booked, and with whom: what `POST /checkout` decides.
//!
//! It asks [`Availability`], which answers `GET /availability` too, so that
//! what is offered is what is accepted.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::availability::{Availability, BusyTimes};
use super::day::Day;
use super::day_sheet::DaySheet;
use super::interval::{Interval, IntervalSet};
use super::salon::Salon;
use super::service::{Service, StaffId};

/// A service at a time, with somebody or with anyone.
#[derive(Clone, Copy, Debug)]
pub struct SlotRequest<'a> {
    /// What.
    pub service: &'a Service,
    /// When.
    pub start: Timestamp,
    /// With whom, if that matters.
    pub staff: Option<&'a StaffId>,
}

/// A time that the salon's rules exclude, whoever else has booked what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Not all of the appointment is in opening hours.
    #[error("the salon is not open then")]
    OutsideHours,
    /// In the past, or within the notice period.
    #[error("that is too soon")]
    TooSoon,
    /// After the last date that can be booked.
    #[error("that is too far ahead")]
    TooFar,
    /// Between the times at which appointments start.
    #[error("appointments do not start then")]
    NotOnStep,
}

/// A time that cannot be booked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotUnavailable {
    /// Somebody else has it.
    Taken,
    /// Of nobody who could do it is it known whether they are free.
    Unknown,
}

/// A time that could be booked instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The time.
    pub at: Timestamp,
    /// The salon's offset from UTC then.
    pub offset: Offset,
}

impl SlotRequest<'_> {
    /// Returns the salon's local date of it.
    #[must_use]
    pub fn date(&self, salon: &Salon) -> Date {
        salon.time_zone.to_datetime(self.start).date()
    }

    /// Returns the appointment, and when its staff member is free again. The
    /// buffer behind it is cut at the end of the day.
    ///
    /// # Panics
    /// Never: services take time.
    #[must_use]
    pub fn times(&self, salon: &Salon) -> (Interval<Timestamp>, Timestamp) {
        let day = Day::new(self.date(salon), &salon.time_zone);
        let end = self.start + SignedDuration::from_mins(self.service.duration_minutes.into());
        let buffer = SignedDuration::from_mins(self.service.buffer_minutes.into());
        let free_from = (end + buffer).min(day.span().end()).max(end);
        (Interval::new(self.start, end).expect("services take time"), free_from)
    }

    /// Holds the wish against the salon's rules.
    ///
    /// # Errors
    /// The first rule in its way.
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

    /// Chooses who does it: of those who are free, who has the least booked on
    /// that day, and of those the first in the salon file.
    ///
    /// `sheets` are the day sheets of that date; a hold on them that is due and
    /// not settled does not keep its time here.
    ///
    /// # Errors
    /// When nobody can.
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

    /// Returns up to `count` times at which the same can be booked, the nearest
    /// first.
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

    /// Returns who is free, in the salon's order.
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
