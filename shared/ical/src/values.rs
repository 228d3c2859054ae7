//! Values: dates, times, durations, periods, offsets (RFC 5545, 3.3).

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::lines::Line;
use super::zones::{Zone, Zones};

/// A date or a date-time on the clock of a zone.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// The time on the clock; midnight for a date.
    pub(super) civil: DateTime,
    pub(super) zone: Zone,
    pub(super) is_date: bool,
}

impl Moment {
    pub(super) fn instant(&self) -> Timestamp {
        self.zone.instant(self.civil)
    }
}

/// A duration: nominal days on the clock, then exact seconds (RFC 5545, 3.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) days: i64,
    pub(super) seconds: i64,
}

impl Length {
    pub(super) const ZERO: Self = Self { days: 0, seconds: 0 };

    /// Returns the end of an event that begins at `civil`, the instant `start` in `zone`.
    pub(super) fn end(self, civil: DateTime, start: Timestamp, zone: &Zone) -> Timestamp {
        let from = if self.days == 0 {
            start
        } else {
            let days = SignedDuration::from_hours(self.days * 24);
            zone.instant(civil.checked_add(days).unwrap_or(DateTime::MAX))
        };
        from.checked_add(SignedDuration::from_secs(self.seconds)).unwrap_or(Timestamp::MAX)
    }

    /// Returns an exact duration that is at least as long.
    pub(super) fn at_most(self) -> SignedDuration {
        SignedDuration::from_hours((self.days + 1) * 24)
            .saturating_add(SignedDuration::from_secs(self.seconds))
    }
}

/// A period of time (RFC 5545, 3.3.9).
#[derive(Clone, Debug)]
pub(super) struct Period {
    pub(super) start: Moment,
    pub(super) end: Timestamp,
}

/// Why a value is not understood.
pub(super) type Reason = String;

fn unreadable(line: &Line<'_>) -> Reason {
    format!("{} {:?} cannot be read", line.property.name(), line.value)
}

/// Parses a property with one date or date-time.
pub(super) fn moment<'a>(line: &Line<'a>, zones: &mut Zones<'a>) -> Result<Moment, Reason> {
    moment_of(line, line.value, zones)
}

/// Parses a property with a list of dates or date-times.
pub(super) fn moments<'a>(line: &Line<'a>, zones: &mut Zones<'a>) -> Result<Vec<Moment>, Reason> {
    line.value.split(',').map(|value| moment_of(line, value.trim(), zones)).collect()
}

/// Parses a property with a list of periods: `start/end` or `start/duration`.
pub(super) fn periods<'a>(line: &Line<'a>, zones: &mut Zones<'a>) -> Result<Vec<Period>, Reason> {
    let mut period = |value: &str| {
        let (start, end) = value.trim().split_once('/').ok_or_else(|| unreadable(line))?;
        let start = moment_of(line, start, zones)?;
        let begin = start.instant();
        let end = match length(end) {
            Some(length) => length.end(start.civil, begin, &start.zone),
            None => moment_of(line, end, zones)?.instant(),
        };
        if start.is_date || end < begin {
            return Err(unreadable(line));
        }
        Ok(Period { start, end })
    };
    line.value.split(',').map(&mut period).collect()
}

fn moment_of<'a>(line: &Line<'a>, value: &str, zones: &mut Zones<'a>) -> Result<Moment, Reason> {
    let (civil, is_utc) = match parse(value).ok_or_else(|| unreadable(line))? {
        DateOrDateTime::Date(date) => {
            let civil = date.to_datetime(Time::midnight());
            return Ok(Moment { civil, zone: zones.floating()?, is_date: true });
        }
        DateOrDateTime::DateTime { civil, is_utc } => (civil, is_utc),
    };
    if line.param_is("VALUE", "DATE") {
        return Err(unreadable(line));
    }
    let zone = match line.param("TZID") {
        _ if is_utc => Zone::utc(),
        Some(name) => zones.named(name)?,
        None => zones.floating()?,
    };
    Ok(Moment { civil, zone, is_date: false })
}

/// A date or a date-time without its zone (RFC 5545, 3.3.4 and 3.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateOrDateTime {
    Date(Date),
    DateTime { civil: DateTime, is_utc: bool },
}

/// Parses `YYYYMMDD` or `YYYYMMDDTHHMMSS` with or without `Z`.
pub(super) fn parse(value: &str) -> Option<DateOrDateTime> {
    let bytes = value.as_bytes();
    let (date, rest) = bytes.split_at_checked(8)?;
    let date =
        Date::new(i16::try_from(digits(&date[..4])?).ok()?, two(&date[4..6])?, two(&date[6..])?)
            .ok()?;
    let (time, is_utc) = match rest {
        [] => return Some(DateOrDateTime::Date(date)),
        [b'T' | b't', time @ .., b'Z' | b'z'] => (time, true),
        [b'T' | b't', time @ ..] => (time, false),
        _ => return None,
    };
    if time.len() != 6 {
        return None;
    }
    let second = two(&time[4..])?;
    // 60 is a leap second, to be read as 59 (RFC 5545, 3.3.12).
    let second = if second == 60 { 59 } else { second };
    let time = Time::new(two(&time[..2])?, two(&time[2..4])?, second, 0).ok()?;
    Some(DateOrDateTime::DateTime { civil: date.to_datetime(time), is_utc })
}

/// Parses a non-negative duration such as `P1W`, `P1DT2H` or `PT30M`.
pub(super) fn length(value: &str) -> Option<Length> {
    let upper = value.to_ascii_uppercase();
    let rest = upper.strip_prefix('+').unwrap_or(&upper).strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None if rest.is_empty() => return None,
        None => (rest, ""),
    };
    let mut length = Length::ZERO;
    parts(date, "WD", |unit, number| {
        length.days += number * if unit == 'W' { 7 } else { 1 };
    })?;
    parts(time, "HMS", |unit, number| {
        length.seconds += number
            * match unit {
                'H' => 3600,
                'M' => 60,
                _ => 1,
            };
    })?;
    Some(length)
}

/// Parses numbers, each followed by a unit, with the units in the given order.
fn parts(mut text: &str, mut units: &str, mut each: impl FnMut(char, i64)) -> Option<()> {
    while !text.is_empty() {
        let at = text.find(|c: char| !c.is_ascii_digit())?;
        let number = digits(&text.as_bytes()[..at])?;
        let unit = text[at..].chars().next()?;
        units = &units[units.find(unit)? + 1..];
        each(unit, number.into());
        text = &text[at + 1..];
    }
    Some(())
}

/// Parses `+HHMM`, `-HHMM` or `±HHMMSS` (RFC 5545, 3.3.14).
pub(super) fn offset(value: &str) -> Option<Offset> {
    let (sign, rest) = value.as_bytes().split_first()?;
    let seconds = match rest.len() {
        4 => 0,
        6 => two(&rest[4..])?,
        _ => return None,
    };
    let whole =
        i32::from(two(&rest[..2])?) * 3600 + i32::from(two(&rest[2..4])?) * 60 + i32::from(seconds);
    match sign {
        b'+' => Offset::from_seconds(whole).ok(),
        b'-' => Offset::from_seconds(-whole).ok(),
        _ => None,
    }
}

/// Parses one to seven digits.
fn digits(bytes: &[u8]) -> Option<i32> {
    if bytes.is_empty() || bytes.len() > 7 {
        return None;
    }
    bytes.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i32::from(byte - b'0'))
    })
}

fn two(bytes: &[u8]) -> Option<i8> {
    digits(bytes).and_then(|number| i8::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_distinguishes_days_from_hours() {
        let cases = [
            ("P1W", Some((7, 0))),
            ("P1DT2H3M4S", Some((1, 7384))),
            ("PT36H", Some((0, 129_600))),
            ("+pt90m", Some((0, 5400))),
            ("P0D", Some((0, 0))),
            ("P", None),
            ("P1DT", None),
            ("PT1M1H", None),
            ("PT1D", None),
            ("-PT1H", None),
            ("PT1\u{e9}", None),
            ("P99999999D", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(days, seconds)| Length { days, seconds });
            assert_eq!(length(text), expected, "{text}");
        }
    }

    #[test]
    fn a_date_or_time_that_does_not_exist_is_refused() {
        for text in [
            "20260230",
            "2026113",
            "20261124T",
            "20261124T2400",
            "20261124T250000",
            "20261124 090000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("20261124T235960Z"), parse("20261124t235959z"));
    }

    #[test]
    fn an_offset_may_have_seconds() {
        assert_eq!(offset("-0800"), Offset::from_hours(-8).ok());
        assert_eq!(offset("+005328"), Offset::from_seconds(3208).ok());
        assert_eq!(offset("0800"), None);
        assert_eq!(offset("+9900"), None);
    }
}
