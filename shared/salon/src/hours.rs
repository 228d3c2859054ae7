//! Opening hours and closures.

use jiff::civil::{Date, Weekday};

use super::clock_time::{ClockRange, ClockTime};
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

    /// Returns when the last appointment of each day ends, Monday first. `None`: no
    /// appointment fits into that day's hours.
    ///
    /// Appointments take `duration` minutes and start at multiples of `step` minutes,
    /// counted from midnight.
    #[must_use]
    pub fn last_ends(&self, duration: u16, step: u16) -> [Option<ClockTime>; 7] {
        let last_end = |opening: &ClockRange| {
            let latest_start = opening.end().minutes().checked_sub(duration)?;
            let start = latest_start - latest_start.checked_rem(step)?;
            let fits = start >= opening.start().minutes();
            fits.then(|| ClockTime::from_minutes(start + duration)).flatten()
        };
        std::array::from_fn(|day| self.0[day].iter().filter_map(last_end).max())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_appointment_starts_at_the_last_step_from_which_it_fits() {
        let cases = [
            ("10:00-19:00", 60, 15, Some("19:00")),
            ("10:00-19:10", 60, 15, Some("19:00")),
            ("10:00-19:00", 50, 15, Some("18:50")),
            ("10:00-19:00", 55, 60, Some("18:55")),
            ("20:00-24:00", 60, 15, Some("24:00")),
            ("23:05-24:00", 45, 60, None),
            ("10:00-10:30", 60, 15, None),
            ("10:00-12:00 23:45-24:00", 60, 15, Some("12:00")),
            ("", 5, 5, None),
        ];
        for (ranges, duration, step, expected) in cases {
            let time = |text: &str| text.parse::<ClockTime>().expect("a time");
            let range = |text: &str| {
                let (start, end) = text.split_once('-').expect("two times");
                ClockRange::new(time(start), time(end)).expect("a range")
            };
            let tuesday: IntervalSet<ClockTime> = ranges.split_whitespace().map(range).collect();
            let mut days = [const { IntervalSet::empty() }; 7];
            days[1] = tuesday;
            let mut ends = [None; 7];
            ends[1] = expected.map(time);
            assert_eq!(
                WeeklyHours::new(days).last_ends(duration, step),
                ends,
                "{duration} minutes every {step} in {ranges}"
            );
        }
    }
    fn week(tuesday: &str, wednesday: &str) -> WeeklyHours {
        let mut days = [const { IntervalSet::empty() }; 7];
        for (day, ranges) in [(1, tuesday), (2, wednesday)] {
            let range = |text: &str| {
                let (start, end) = text.split_once('-').expect("two times");
                ClockRange::new(start.parse().expect(start), end.parse().expect(end))
            };
            days[day] = ranges.split_whitespace().filter_map(range).collect();
        }
        WeeklyHours::new(days)
    }

    #[test]
    fn each_weekday_has_its_own_hours() {
        let hours = week("10:00-12:00", "");
        assert!(!hours.on(Weekday::Tuesday).is_empty());
        for closed in [Weekday::Monday, Weekday::Wednesday, Weekday::Sunday] {
            assert!(hours.on(closed).is_empty(), "{closed:?}");
        }
    }

    #[test]
    fn the_longest_opening_is_one_without_a_break() {
        assert_eq!(week("10:00-12:00 13:00-16:30", "10:00-13:00").longest(), 210);
        assert_eq!(week("10:00-12:00", "09:00-13:00").longest(), 240);
        assert_eq!(week("", "").longest(), 0);
    }

    #[test]
    fn hours_outside_the_limits_are_found_on_their_day() {
        let limits = week("10:00-12:00 13:00-19:00", "10:00-12:00");
        let inside = week("10:00-11:00 13:00-19:00", "10:00-12:00");
        assert!(inside.outside(&limits).iter().all(IntervalSet::is_empty));
        let outside = week("11:00-14:00", "10:00-12:00").outside(&limits);
        assert_eq!(WeeklyHours::new(outside), week("12:00-13:00", ""));
    }

    #[test]
    fn a_closure_covers_both_its_ends() {
        let closure = Closure {
            first: jiff::civil::date(2026, 12, 24),
            last: jiff::civil::date(2026, 12, 26),
            reason: "Christmas".to_owned(),
        };
        for (day, expected) in [(23, false), (24, true), (26, true), (27, false)] {
            assert_eq!(closure.covers(jiff::civil::date(2026, 12, day)), expected, "{day}");
        }
    }
}
