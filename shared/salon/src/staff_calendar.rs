//! Staff members' own calendars, and their busy time as last read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::interval::{Interval, IntervalSet};

/// A calendar named in the salon file. Its address is a secret that is stored
/// elsewhere under this name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CalendarName {
    /// A Google calendar, read through the freeBusy API.
    Google(String),
    /// An iCal feed.
    Ical(String),
}

/// The busy time of one staff member's calendars, as read at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CalendarReading {
    /// Each source is a feed, or all Google calendars together.
    pub sources: BTreeMap<String, SourceReading>,
    /// The time range that was read.
    pub window: Interval<Timestamp>,
    pub read_at: Timestamp,
    /// Until when the calendars need not be read again.
    pub fresh_until: Timestamp,
}

/// The busy time of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReading {
    /// In whole minutes.
    pub busy: IntervalSet<Timestamp>,
    /// The source's version, such as an `ETag`, for a conditional request.
    pub version: Option<String>,
}

impl CalendarReading {
    #[must_use]
    pub const fn new(
        sources: BTreeMap<String, SourceReading>,
        window: Interval<Timestamp>,
        read_at: Timestamp,
        fresh_until: Timestamp,
    ) -> Self {
        Self { sources, window, read_at, fresh_until }
    }

    /// Returns whether the reading covers `window` and is younger than `max_stale`
    /// at `now`.
    #[must_use]
    pub fn is_usable(
        &self,
        window: &Interval<Timestamp>,
        max_stale: SignedDuration,
        now: Timestamp,
    ) -> bool {
        self.window.contains(window) && now.duration_since(self.read_at) < max_stale
    }

    /// Returns whether the calendars need not be read again at `now`.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.fresh_until
    }

    /// Returns the busy time of all sources together.
    #[must_use]
    pub fn busy(&self) -> IntervalSet<Timestamp> {
        self.sources.values().flat_map(|source| source.busy.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(60 * minute).expect("an instant")
    }

    fn span(start: i64, end: i64) -> Interval<Timestamp> {
        Interval::new(at(start), at(end)).expect("a span")
    }

    fn reading() -> CalendarReading {
        let source = |start, end| SourceReading {
            busy: [span(start, end)].into_iter().collect(),
            version: None,
        };
        let sources =
            [("google".to_owned(), source(110, 120)), ("own".to_owned(), source(115, 130))];
        CalendarReading::new(BTreeMap::from(sources), span(100, 200), at(10), at(11))
    }

    #[test]
    fn a_reading_is_used_for_the_time_that_it_covers_until_it_is_stale() {
        let max_stale = SignedDuration::from_mins(15);
        let cases = [
            (span(100, 200), 10, true),
            (span(100, 200), 24, true),
            (span(100, 200), 25, false),
            (span(120, 130), 24, true),
            (span(99, 200), 10, false),
            (span(100, 201), 10, false),
        ];
        for (window, now, expected) in cases {
            assert_eq!(
                reading().is_usable(&window, max_stale, at(now)),
                expected,
                "{window:?} at {now}"
            );
        }
    }

    #[test]
    fn calendars_are_read_again_once_the_reading_is_no_longer_fresh() {
        let just_before = at(11) - SignedDuration::from_secs(1);
        assert!(reading().is_fresh(just_before));
        assert!(!reading().is_fresh(at(11)));
    }

    #[test]
    fn an_event_in_any_calendar_makes_its_owner_busy() {
        let busy: Vec<Interval<Timestamp>> = reading().busy().into_iter().collect();
        assert_eq!(busy, [span(110, 130)]);
    }
}
