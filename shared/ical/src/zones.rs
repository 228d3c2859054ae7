//! Time zones: resolving a `TZID`.

use std::collections::HashMap;
use std::rc::Rc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, tz};
use windows_timezones::WindowsTimezone;

use super::components::{Calendar, ZoneComponent};
use super::lines::Property;
use super::values::Reason;
use super::vtimezone::CustomZone;

/// A time zone.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// From the tz database.
    Known(TimeZone),
    /// Described by the feed itself.
    Custom(Rc<CustomZone>),
}

impl Zone {
    pub(super) const fn utc() -> Self {
        Self::Known(TimeZone::UTC)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) => one == other,
            (Self::Custom(one), Self::Custom(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Returns the instant at which the clock shows `civil` (RFC 5545, 3.3.5).
    ///
    /// Of a time that occurs twice, this is the first. A time that does not occur is read
    /// with the offset from before the gap.
    pub(super) fn instant(&self, civil: DateTime) -> Timestamp {
        match self {
            Self::Known(zone) => zone.to_timestamp(civil).unwrap_or(Timestamp::MAX),
            Self::Custom(zone) => zone.instant(civil),
        }
    }

    /// Returns the time that the clock shows.
    pub(super) fn civil(&self, instant: Timestamp) -> DateTime {
        match self {
            Self::Known(zone) => zone.to_datetime(instant),
            Self::Custom(zone) => zone.civil(instant),
        }
    }
}

/// The zones of a calendar, each resolved once.
#[derive(Debug)]
pub(super) struct Zones<'a> {
    described: &'a [ZoneComponent<'a>],
    default_zone: &'a TimeZone,
    calendar_zone: Option<&'a str>,
    /// Until when a described zone is expanded.
    until: Timestamp,
    known: HashMap<&'a str, Result<Zone, Reason>>,
}

impl<'a> Zones<'a> {
    pub(super) fn new(
        calendar: &'a Calendar<'a>,
        default_zone: &'a TimeZone,
        until: Timestamp,
    ) -> Self {
        Self {
            described: &calendar.zones,
            default_zone,
            calendar_zone: calendar.zone.filter(|name| !name.is_empty()),
            until,
            known: HashMap::new(),
        }
    }

    /// Returns the zone of dates and of times without a zone.
    pub(super) fn floating(&mut self) -> Result<Zone, Reason> {
        match self.calendar_zone {
            Some(name) => self.named(name),
            None => Ok(Zone::Known(self.default_zone.clone())),
        }
    }

    /// Returns the zone that a `TZID` names.
    ///
    /// A known name takes precedence over the feed's own description, which is often a
    /// shortened or outdated copy of the tz database.
    pub(super) fn named(&mut self, name: &'a str) -> Result<Zone, Reason> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let zone = self.resolve(name);
        self.known.insert(name, zone.clone());
        zone
    }

    fn resolve(&self, name: &str) -> Result<Zone, Reason> {
        if let Some(zone) = well_known(name) {
            return Ok(Zone::Known(zone));
        }
        let has_name = |zone: &&ZoneComponent<'_>| {
            zone.own.value(Property::TzId).is_some_and(|id| id.trim_matches('"') == name)
        };
        let described = self
            .described
            .iter()
            .find(has_name)
            .ok_or_else(|| format!("time zone {name:?} is not known"))?;
        if let Some(zone) = described.own.value(Property::Location).and_then(in_database) {
            return Ok(Zone::Known(zone));
        }
        CustomZone::read(described, self.until)
            .map(|zone| Zone::Custom(Rc::new(zone)))
            .map_err(|reason| format!("time zone {name:?}: {reason}"))
    }
}

/// Finds a zone by its IANA name, its Windows name, or an IANA name with a prefix such as
/// `/mozilla.org/20050126_1/`.
fn well_known(name: &str) -> Option<TimeZone> {
    in_database(name).or_else(|| windows(name)).or_else(|| {
        let mut rest = name.strip_prefix('/')?;
        loop {
            if let Some(zone) = in_database(rest) {
                return Some(zone);
            }
            (_, rest) = rest.split_once('/')?;
        }
    })
}

fn in_database(name: &str) -> Option<TimeZone> {
    // jiff knows Etc/Unknown and treats it as UTC, which would be a guess.
    tz::db().get(name).ok().filter(|zone| !zone.is_unknown())
}

/// Finds a zone by its Windows name, as mapped by Unicode CLDR.
fn windows(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("tzone://Microsoft/Utc") {
        return Some(TimeZone::UTC);
    }
    let windows: WindowsTimezone = name.parse().ok()?;
    in_database(windows.tzdb_id())
}
