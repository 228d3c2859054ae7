//! Opening hours and closures.

use jiff::civil::{Date, Weekday};

use super::clock_time::ClockTime;
use super::interval::IntervalSet;

/// The opening or working hours of each weekday, in wall-clock time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeeklyHours([IntervalSet<ClockTime>; 7]);

impl WeeklyHours {
    /// Makes a week from seven days, Monday first.
    #[must_use]
    pub const fn new(days: [IntervalSet<ClockTime>; 7]) -> Self {
        Self(days)
    }

    #[must_use]
    pub fn on(&self, weekday: Weekday) -> &IntervalSet<ClockTime> {
        &self.0[usize::from(weekday.to_monday_zero_offset().unsigned_abs())]
    }

    /// Returns the hours of each day, Monday first, that lie outside `limits`.
    #[must_use]
    pub fn outside(&self, limits: &Self) -> [IntervalSet<ClockTime>; 7] {
        std::array::from_fn(|day| self.0[day].difference(&limits.0[day]))
    }

    /// Returns the length of the longest opening in minutes.
    #[must_use]
    pub fn longest(&self) -> u16 {
        let lengths =
            self.0.iter().flatten().map(|range| range.end().minutes() - range.start().minutes());
        lengths.max().unwrap_or(0)
    }
}

/// A range of whole days on which the salon is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closure {
    pub first: Date,
    /// The last closed date, inclusive.
    pub last: Date,
    /// Shown to the salon only.
    pub reason: String,
}

impl Closure {
    #[must_use]
    pub fn covers(&self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }
}
