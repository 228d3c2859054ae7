//! Parsing recurrence rules (RFC 5545, 3.3.10).

use std::str::FromStr;

use jiff::civil::{Date, DateTime, Weekday};

use super::values::{DateOrDateTime, Reason, parse};

/// The frequency of a rule. Hourly and faster rules are not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// The end of a rule, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The whole of this day.
    Date(Date),
    /// On the clock of the event.
    Local(DateTime),
    /// On the clock of UTC.
    Utc(DateTime),
}

/// A weekday of `BYDAY`, such as `MO`, `1MO` or `-1FR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByDay {
    /// Which one in the month or year. Negative: counted from the end.
    pub(super) ordinal: Option<i16>,
    pub(super) weekday: Weekday,
}

/// A recurrence rule. An omitted part is an empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: u32,
    pub(super) count: Option<u32>,
    pub(super) until: Option<Until>,
    pub(super) months: Vec<i16>,
    pub(super) week_numbers: Vec<i16>,
    pub(super) year_days: Vec<i16>,
    pub(super) month_days: Vec<i16>,
    pub(super) week_days: Vec<ByDay>,
    pub(super) hours: Vec<i16>,
    pub(super) minutes: Vec<i16>,
    pub(super) seconds: Vec<i16>,
    pub(super) positions: Vec<i16>,
    pub(super) week_start: Weekday,
}

impl Rule {
    /// Parses a rule.
    ///
    /// # Errors
    ///
    /// If any part does not follow the grammar or is not supported. No part is ignored.
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let wrong = |reason: &str| format!("rule {text:?}: {reason}");
        let upper = text.to_ascii_uppercase();
        let mut frequency = None;
        let mut rule = Self {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            week_numbers: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            week_days: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            seconds: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
        };
        let mut seen = Vec::new();
        for part in upper.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| wrong("a part has no value"))?;
            let (name, value) = (name.trim(), value.trim());
            if seen.contains(&name) {
                return Err(wrong(&format!("{name} is given twice")));
            }
            seen.push(name);
            let understood = match name {
                "FREQ" => parse_frequency(value).map(|given| frequency = Some(given)),
                "INTERVAL" => positive(value).map(|given| rule.interval = given),
                "COUNT" => positive(value).map(|given| rule.count = Some(given)),
                "UNTIL" => parse_until(value).map(|given| rule.until = Some(given)),
                "WKST" => parse_weekday(value).map(|given| rule.week_start = given),
                "BYDAY" => by_day(value).map(|given| rule.week_days = given),
                "BYMONTH" => numbers(value, 1..=12, false).map(|given| rule.months = given),
                "BYMONTHDAY" => numbers(value, 1..=31, true).map(|given| rule.month_days = given),
                "BYYEARDAY" => numbers(value, 1..=366, true).map(|given| rule.year_days = given),
                "BYWEEKNO" => numbers(value, 1..=53, true).map(|given| rule.week_numbers = given),
                "BYSETPOS" => numbers(value, 1..=366, true).map(|given| rule.positions = given),
                "BYHOUR" => numbers(value, 0..=23, false).map(|given| rule.hours = given),
                "BYMINUTE" => numbers(value, 0..=59, false).map(|given| rule.minutes = given),
                "BYSECOND" => numbers(value, 0..=59, false).map(|given| rule.seconds = given),
                // RFC 7529, but only the values that change nothing.
                "RSCALE" => (value == "GREGORIAN").then_some(()),
                "SKIP" => (value == "OMIT").then_some(()),
                _ => None,
            };
            understood.ok_or_else(|| wrong(&format!("{part} is not understood")))?;
        }
        rule.frequency = frequency.ok_or_else(|| wrong("it has no FREQ"))?;
        rule.contradiction().map_or(Ok(rule), |reason| Err(wrong(reason)))
    }

    /// Returns the combination of parts that 3.3.10 forbids, if the rule has one.
    fn contradiction(&self) -> Option<&'static str> {
        use Frequency::{Daily, Monthly, Weekly, Yearly};
        let by_nothing = [&self.months, &self.week_numbers, &self.year_days, &self.month_days]
            .into_iter()
            .chain([&self.hours, &self.minutes, &self.seconds])
            .all(Vec::is_empty)
            && self.week_days.is_empty();
        let has_ordinals = self.week_days.iter().any(|day| day.ordinal.is_some());
        if self.count.is_some() && self.until.is_some() {
            Some("COUNT and UNTIL exclude each other")
        } else if !self.positions.is_empty() && by_nothing {
            Some("BYSETPOS has nothing to choose from")
        } else if has_ordinals && matches!(self.frequency, Daily | Weekly) {
            Some("BYDAY may be numbered in months and years only")
        } else if has_ordinals && !self.week_numbers.is_empty() {
            Some("BYDAY may not be numbered where BYWEEKNO is given")
        } else if !self.month_days.is_empty() && self.frequency == Weekly {
            Some("weeks have no BYMONTHDAY")
        } else if !self.year_days.is_empty() && matches!(self.frequency, Daily | Weekly | Monthly) {
            Some("only years have a BYYEARDAY")
        } else if !self.week_numbers.is_empty() && self.frequency != Yearly {
            Some("only years have a BYWEEKNO")
        } else {
            None
        }
    }
}

fn parse_frequency(text: &str) -> Option<Frequency> {
    Some(match text {
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        _ => return None,
    })
}

fn positive(text: &str) -> Option<u32> {
    u32::from_str(text).ok().filter(|&number| number > 0)
}

fn parse_until(text: &str) -> Option<Until> {
    Some(match parse(text)? {
        DateOrDateTime::Date(date) => Until::Date(date),
        DateOrDateTime::DateTime { civil, is_utc: true } => Until::Utc(civil),
        DateOrDateTime::DateTime { civil, is_utc: false } => Until::Local(civil),
    })
}

fn parse_weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

fn by_day(text: &str) -> Option<Vec<ByDay>> {
    let one = |text: &str| {
        let text = text.trim();
        let (ordinal, weekday) = text.split_at_checked(text.len().checked_sub(2)?)?;
        let weekday = parse_weekday(weekday)?;
        let ordinal = match ordinal {
            "" => None,
            _ => Some(number(ordinal, &(1..=53), true)?),
        };
        Some(ByDay { ordinal, weekday })
    };
    text.split(',').map(one).collect()
}

/// Parses a list of numbers. Returns them sorted, without duplicates.
fn numbers(text: &str, range: std::ops::RangeInclusive<i16>, signed: bool) -> Option<Vec<i16>> {
    let one = |text: &str| number(text.trim(), &range, signed);
    let mut numbers: Vec<_> = text.split(',').map(one).collect::<Option<_>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Some(numbers)
}

fn number(text: &str, range: &std::ops::RangeInclusive<i16>, signed: bool) -> Option<i16> {
    let number = i16::from_str(text).ok()?;
    let size = if signed { number.checked_abs()? } else { number };
    range.contains(&size).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_not_understood_is_an_error() {
        let cases = [
            ("", "it has no FREQ"),
            ("COUNT=3", "it has no FREQ"),
            ("FREQ=HOURLY", "FREQ=HOURLY is not understood"),
            ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0 is not understood"),
            ("FREQ=DAILY;COUNT=0", "COUNT=0 is not understood"),
            ("FREQ=DAILY;COUNT=-1", "COUNT=-1 is not understood"),
            ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL=TOMORROW is not understood"),
            ("FREQ=DAILY;BYMONTH=13", "BYMONTH=13 is not understood"),
            ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY=0 is not understood"),
            ("FREQ=MONTHLY;BYMONTHDAY=-32768", "BYMONTHDAY=-32768 is not understood"),
            ("FREQ=WEEKLY;BYDAY=MO,", "BYDAY=MO, is not understood"),
            ("FREQ=WEEKLY;BYDAY=\u{e9}", "BYDAY=\u{e9} is not understood"),
            ("FREQ=WEEKLY;BYDAY", "a part has no value"),
            ("FREQ=WEEKLY;BYEASTER=1", "BYEASTER=1 is not understood"),
            ("RSCALE=HEBREW;FREQ=YEARLY", "RSCALE=HEBREW is not understood"),
            ("FREQ=DAILY;SKIP=FORWARD", "SKIP=FORWARD is not understood"),
            ("FREQ=DAILY;FREQ=DAILY", "FREQ is given twice"),
            ("FREQ=DAILY;COUNT=1;UNTIL=20261124", "COUNT and UNTIL exclude each other"),
            ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY may be numbered in months and years only"),
            ("FREQ=WEEKLY;BYMONTHDAY=1", "weeks have no BYMONTHDAY"),
            ("FREQ=MONTHLY;BYYEARDAY=1", "only years have a BYYEARDAY"),
            ("FREQ=MONTHLY;BYWEEKNO=1", "only years have a BYWEEKNO"),
            (
                "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
                "BYDAY may not be numbered where BYWEEKNO is given",
            ),
            ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS has nothing to choose from"),
        ];
        for (text, expected) in cases {
            assert_eq!(Rule::parse(text), Err(format!("rule {text:?}: {expected}")));
        }
    }

    #[test]
    fn case_order_and_a_trailing_semicolon_do_not_matter() {
        assert_eq!(
            Rule::parse("byday=+1mo,-1FR;FREQ=monthly;"),
            Rule::parse("FREQ=MONTHLY;BYDAY=1MO,-1FR;INTERVAL=1;WKST=MO"),
        );
    }
}
