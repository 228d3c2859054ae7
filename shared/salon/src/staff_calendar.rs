//! Staff members' own calendars, and what has been read of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::interval::{Interval, IntervalSet};

/// A calendar that the salon file names. Its address is a secret, and is kept
/// under this name elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CalendarName {
    /// A Google calendar, asked through the freeBusy API.
    Google(String),
    /// An iCal feed.
    Ical(String),
}

/// What one person's calendars said at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CalendarReading {
    /// What each source said: a feed, or all Google calendars together.
    pub sources: BTreeMap<String, SourceReading>,
    /// The time that was asked about.
    pub window: Interval<Timestamp>,
    /// When they were asked.
    pub read_at: Timestamp,
    /// Until when nobody needs to ask again.
    pub fresh_until: Timestamp,
}

/// What one source said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReading {
    /// The time that it makes busy, in whole minutes.
    pub busy: IntervalSet<Timestamp>,
    /// What the source can be asked with whether it has changed since.
    pub version: Option<String>,
}

impl CalendarReading {
    /// Makes a reading.
    #[must_use]
    pub const fn new(
        sources: BTreeMap<String, SourceReading>,
        window: Interval<Timestamp>,
        read_at: Timestamp,
        fresh_until: Timestamp,
    ) -> Self {
        Self { sources, window, read_at, fresh_until }
    }

    /// Tells whether the reading is about all of `window` and not older than
    /// `max_stale` at `now`.
    #[must_use]
    pub fn is_usable(
        &self,
        window: &Interval<Timestamp>,
        max_stale: SignedDuration,
        now: Timestamp,
    ) -> bool {
        self.window.contains(window) && now.duration_since(self.read_at) < max_stale
    }

    /// Tells whether nobody needs to ask again at `now`.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.fresh_until
    }

    /// Returns the time that any of the calendars makes busy.
    #[must_use]
    pub fn busy(&self) -> IntervalSet<Timestamp> {
        self.sources.values().flat_map(|source| source.busy.iter().copied()).collect()
    }
}
