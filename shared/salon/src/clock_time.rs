//! Wall-clock times within a day.

use std::fmt;
use std::str::FromStr;

use super::interval::Interval;

/// A wall-clock time in whole minutes, from `00:00` to `24:00`, the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockTime(u16);

const MINUTES_PER_DAY: u16 = 24 * 60;

impl ClockTime {
    pub const START_OF_DAY: Self = Self(0);
    /// `24:00`.
    pub const END_OF_DAY: Self = Self(MINUTES_PER_DAY);

    /// Makes the time `minutes` after midnight. Returns `None` for more than 1440.
    #[must_use]
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes <= MINUTES_PER_DAY { Some(Self(minutes)) } else { None }
    }

    /// Returns the minutes since midnight.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

/// `HH:MM`, 24 hours.
impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// The text is not a wall-clock time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written HH:MM, from 00:00 to 24:00")]
pub struct ClockTimeError;

impl FromStr for ClockTime {
    type Err = ClockTimeError;

    fn from_str(text: &str) -> Result<Self, ClockTimeError> {
        let (hours, minutes) = text.split_once(':').ok_or(ClockTimeError)?;
        let number = |digits: &str| {
            let well_formed = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            well_formed.then(|| digits.parse::<u16>().ok()).flatten().ok_or(ClockTimeError)
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        if minutes > 59 {
            return Err(ClockTimeError);
        }
        Self::from_minutes(hours * 60 + minutes).ok_or(ClockTimeError)
    }
}

/// A range of wall-clock times within a day.
pub type ClockRange = Interval<ClockTime>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_displayed_as_it_was_parsed() {
        for text in ["00:00", "09:05", "23:59", "24:00"] {
            assert_eq!(text.parse::<ClockTime>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn a_day_has_1440_minutes() {
        assert_eq!(ClockTime::from_minutes(0), Some(ClockTime::START_OF_DAY));
        assert_eq!(ClockTime::from_minutes(1_440), Some(ClockTime::END_OF_DAY));
        assert_eq!(ClockTime::from_minutes(1_441), None);
        assert_eq!("09:05".parse().map(ClockTime::minutes), Ok(545));
    }

    #[test]
    fn an_invalid_time_is_refused() {
        for text in
            ["", "9:00", "24:01", "12:60", "1200", "12:0", "+1:00", "12:00 ", "１２:00", "99:99"]
        {
            assert_eq!(text.parse::<ClockTime>(), Err(ClockTimeError), "{text:?}");
        }
    }
}
