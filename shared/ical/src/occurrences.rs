//! The occurrences of a recurrence rule, on the clock of its event (RFC 5545, 3.3.10).
//!
//! A rule is walked period by period (days, weeks, months or years). The candidates of a period
//! are the days that all `BY…` parts admit. This covers both columns of the RFC's table, where
//! a part expands and where it limits, once the parts that the rule omits are filled in from
//! the event's start.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, Weekday};

use super::rule::{ByDay, Frequency, Rule};

/// The most days that are examined for one rule: 270 years of every day.
///
/// Only a rule with a `COUNT` is walked from its start. Any other walk begins at the first
/// requested period.
const MAX_DAYS: usize = 100_000;

/// A rule has too many occurrences, or too many days have to be examined to find them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyOccurrences;

impl Rule {
    /// Lists the occurrences from the day `from` to the day `to`, in order.
    ///
    /// `start` begins the count, and is listed only if the rule admits it. The caller checks
    /// `UNTIL`, which needs the zone.
    ///
    /// # Errors
    ///
    /// [`TooManyOccurrences`] if there are more than `limit`, or more than `MAX_DAYS` have to be examined.
    pub(super) fn between(
        &self,
        start: DateTime,
        from: Date,
        to: Date,
        limit: usize,
    ) -> Result<Vec<DateTime>, TooManyOccurrences> {
        let rule = self.filled_in(start);
        let times = rule.times(start.time());
        let wanted = rule.period_of(start.date(), from.max(start.date()));
        let mut found = Vec::new();
        let mut left = rule.count.map(u64::from);
        let mut days_seen = 0;
        let mut period = if left.is_some() { 0 } else { wanted };
        let mut candidates = Vec::new();
        while let Some(first) = rule.first_day(start.date(), period) {
            // The first week of a year may begin in the year before.
            if first > plus_days(to, 7) {
                break;
            }
            candidates.clear();
            days_seen += rule.candidates(first, &times, limit, &mut candidates)?;
            if days_seen > MAX_DAYS {
                return Err(TooManyOccurrences);
            }
            rule.keep_positions(&mut candidates);
            for &time in candidates.iter().filter(|&&time| time >= start) {
                if left == Some(0) {
                    return Ok(found);
                }
                left = left.map(|left| left - 1);
                if (from..=to).contains(&time.date()) {
                    found.push(time);
                }
            }
            if found.len() > limit {
                return Err(TooManyOccurrences);
            }
            period += 1;
            if let (Some(left), Some(each)) = (&mut left, rule.times_each_period(times.len()))
                && period < wanted
            {
                let skipped = u64::from(wanted - period).saturating_mul(each);
                *left = left.saturating_sub(skipped);
                period = wanted;
            }
        }
        Ok(found)
    }

    /// Fills in the parts that the rule omits from the event's start.
    fn filled_in(&self, start: DateTime) -> Self {
        let mut rule = self.clone();
        let weekday = ByDay { ordinal: None, weekday: start.weekday() };
        let day_is_open = rule.week_days.is_empty() && rule.month_days.is_empty();
        match rule.frequency {
            Frequency::Weekly if rule.week_days.is_empty() => rule.week_days.push(weekday),
            Frequency::Monthly if day_is_open => rule.month_days.push(start.day().into()),
            Frequency::Yearly if day_is_open && rule.year_days.is_empty() => {
                if !rule.week_numbers.is_empty() {
                    rule.week_days.push(weekday);
                    return rule;
                }
                rule.month_days.push(start.day().into());
                if rule.months.is_empty() {
                    rule.months.push(start.month().into());
                }
            }
            Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly => {}
        }
        rule
    }

    /// Lists the times of day of the occurrences, in order.
    fn times(&self, start: Time) -> Vec<Time> {
        let or = |list: &[i16], one: i8| match list {
            [] => vec![i16::from(one)],
            list => list.to_vec(),
        };
        let hours = or(&self.hours, start.hour());
        let minutes = or(&self.minutes, start.minute());
        let seconds = or(&self.seconds, start.second());
        let mut times = Vec::with_capacity(hours.len() * minutes.len() * seconds.len());
        for &hour in &hours {
            for &minute in &minutes {
                for &second in &seconds {
                    let [hour, minute, second] = [hour, minute, second]
                        .map(|number| i8::try_from(number).expect("rules are read in range"));
                    times.push(Time::constant(hour, minute, second, 0));
                }
            }
        }
        times
    }

    /// Returns the number of occurrences in each period, if it is constant.
    fn times_each_period(&self, times: usize) -> Option<u64> {
        let has_filter = [&self.months, &self.month_days, &self.positions]
            .into_iter()
            .any(|list| !list.is_empty());
        let days = match self.frequency {
            _ if has_filter => return None,
            Frequency::Daily if self.week_days.is_empty() => 1,
            Frequency::Weekly => {
                let has = |weekday| self.week_days.iter().any(|day| day.weekday == weekday);
                Weekday::Monday.cycle_forward().take(7).filter(|&weekday| has(weekday)).count()
            }
            _ => return None,
        };
        u64::try_from(days * times).ok()
    }

    /// Returns the number of the last period that begins on or before `day`.
    fn period_of(&self, start: Date, day: Date) -> u32 {
        let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month());
        let units = match self.frequency {
            Frequency::Daily => days_between(start, day),
            Frequency::Weekly => days_between(self.week_of(start), day) / 7,
            Frequency::Monthly => months(day) - months(start),
            // One less, as the last week of a year may end in the next.
            Frequency::Yearly => i64::from(day.year() - start.year() - 1),
        };
        u32::try_from(units.max(0) / i64::from(self.interval)).unwrap_or(u32::MAX)
    }

    /// Returns the first day of a period, counted from the period of the event's start.
    fn first_day(&self, start: Date, period: u32) -> Option<Date> {
        let units = i64::from(period).checked_mul(i64::from(self.interval))?;
        // Beyond any calendar, and an overflow below.
        if units > 10_000_000 {
            return None;
        }
        match self.frequency {
            Frequency::Daily => start.checked_add(SignedDuration::from_hours(24 * units)).ok(),
            Frequency::Weekly => {
                let days = SignedDuration::from_hours(24 * 7 * units);
                self.week_of(start).checked_add(days).ok()
            }
            Frequency::Monthly => {
                let months = i64::from(start.year()) * 12 + i64::from(start.month() - 1) + units;
                let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
                Date::new(i16::try_from(months.div_euclid(12)).ok()?, month, 1).ok()
            }
            Frequency::Yearly => {
                let year = i16::try_from(i64::from(start.year()) + units).ok()?;
                if self.week_numbers.is_empty() {
                    Date::new(year, 1, 1).ok()
                } else {
                    self.first_week(year)
                }
            }
        }
    }

    /// Returns the first day of the week that `date` is in.
    fn week_of(&self, date: Date) -> Date {
        plus_days(date, -i64::from(self.week_start.until(date.weekday())))
    }

    /// Returns the first day of week 1, the first week with at least four days in the year.
    fn first_week(&self, year: i16) -> Option<Date> {
        Date::new(year, 1, 4).ok().map(|date| self.week_of(date))
    }

    /// Adds the occurrences of the period that begins on `first`, in order. Returns the number
    /// of days examined.
    fn candidates(
        &self,
        first: Date,
        times: &[Time],
        limit: usize,
        candidates: &mut Vec<DateTime>,
    ) -> Result<usize, TooManyOccurrences> {
        let (days, weeks) = match self.frequency {
            Frequency::Daily => (1, 0),
            Frequency::Weekly => (7, 0),
            Frequency::Monthly => (i64::from(first.days_in_month()), 0),
            Frequency::Yearly if self.week_numbers.is_empty() => {
                (i64::from(first.days_in_year()), 0)
            }
            Frequency::Yearly => {
                // The year of week 1, which may begin in December.
                let year = plus_days(first, 3).year();
                let next = self.first_week(year + 1).unwrap_or(Date::MAX);
                let days = days_between(first, next);
                (days, i16::try_from(days / 7).expect("a year has 52 or 53 weeks"))
            }
        };
        let mut seen = 0;
        let mut index = 0;
        while index < days {
            let date = plus_days(first, index);
            if !self.months.is_empty() && !self.months.contains(&date.month().into()) {
                // Skip to the next month.
                index += i64::from(date.days_in_month() - date.day()) + 1;
                seen += 1;
                continue;
            }
            let week = i16::try_from(index / 7).expect("a period is at most a year") + 1;
            if self.admits(date, week, weeks) {
                candidates.extend(times.iter().map(|&time| date.to_datetime(time)));
                if candidates.len() > limit {
                    return Err(TooManyOccurrences);
                }
            }
            index += 1;
            seen += 1;
        }
        Ok(seen)
    }

    /// Returns whether all parts but `BYMONTH` and `BYSETPOS` admit this day.
    fn admits(&self, date: Date, week: i16, weeks: i16) -> bool {
        let has = |list: &[i16], number: i16, of: i16| {
            list.is_empty() || list.contains(&number) || list.contains(&(number - of - 1))
        };
        let of_month = (i16::from(date.day()), i16::from(date.days_in_month()));
        has(&self.month_days, of_month.0, of_month.1)
            && (self.week_days.is_empty() || self.admits_weekday(date, of_month))
            && (self.year_days.is_empty()
                || has(&self.year_days, date.day_of_year(), date.days_in_year()))
            && has(&self.week_numbers, week, weeks)
    }

    fn admits_weekday(&self, date: Date, of_month: (i16, i16)) -> bool {
        let weekday = date.weekday();
        self.week_days.iter().filter(|day| day.weekday == weekday).any(|day| {
            let Some(ordinal) = day.ordinal else {
                return true;
            };
            let in_year = self.frequency == Frequency::Yearly && self.months.is_empty();
            let (number, of) =
                if in_year { (date.day_of_year(), date.days_in_year()) } else { of_month };
            ordinal == (number - 1) / 7 + 1 || -ordinal == (of - number) / 7 + 1
        })
    }

    /// Keeps only the positions of `BYSETPOS`.
    fn keep_positions(&self, candidates: &mut Vec<DateTime>) {
        if self.positions.is_empty() {
            return;
        }
        let count = i64::try_from(candidates.len()).expect("a period has few times");
        let mut position = 0;
        candidates.retain(|_| {
            position += 1;
            let is_wanted = |&wanted: &i16| {
                i64::from(wanted) == position || i64::from(wanted) == position - count - 1
            };
            self.positions.iter().any(is_wanted)
        });
    }
}

fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(SignedDuration::from_hours(24 * days))
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}
