#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod components;
mod lines;
mod occurrences;
mod rule;
mod series;
#[cfg(test)]
mod tests;
mod time_range;
mod values;
mod vevent;
mod vtimezone;
mod zones;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use self::components::{Calendar, Component};
use self::lines::Property;
use self::occurrences::TooManyOccurrences;
pub use self::time_range::TimeRange;
use self::vevent::VEvent;
use self::zones::Zones;

/// The maximum number of busy occurrences of a feed in a window.
const MAX_INSTANCES: usize = 100_000;

/// Why a feed could not be read.
///
/// There is no partial result: after any of these errors, the whole window counts as unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IcalError {
    /// The file is not iCalendar: for example an empty file, a login page, or text
    /// outside of a `VCALENDAR`.
    #[error("the feed is not an iCalendar file")]
    NotACalendar,
    /// The file is not UTF-8, the charset of RFC 5545, 3.1.4.
    #[error("the feed is not UTF-8")]
    NotUtf8,
    /// A `BEGIN` has no matching `END` (RFC 5545, 3.6), usually because the file is truncated.
    #[error("the feed is truncated or broken: {component} has no matching END")]
    Truncated {
        /// The innermost open component.
        component: String,
    },
    /// A line outside of events is not `NAME:value` (RFC 5545, 3.1).
    #[error("line {number} of the unfolded feed has no name or no value")]
    Line {
        /// The line number after unfolding, starting at 1.
        number: usize,
    },
    /// An event, or its time zone or recurrence rule, is not understood.
    #[error("event {uid}: {reason}")]
    Event {
        /// The event's UID, or `(no UID)`.
        uid: String,
        /// What is not understood.
        reason: String,
    },
    /// A recurring event has too many occurrences in the window.
    #[error("event {uid} exceeds the feed's limit of {MAX_INSTANCES} occurrences")]
    TooManyOccurrences {
        /// The UID of the event that went over the limit.
        uid: String,
    },
}

/// Returns the busy time of a feed within `window`: sorted ranges that neither
/// overlap nor touch.
///
/// `default_zone` is the zone of dates and of times without a zone, if the calendar has no
/// `X-WR-TIMEZONE`.
///
/// # Errors
///
/// If any part of the feed is not understood: see [`IcalError`].
pub fn busy_times(
    feed: &[u8],
    window: TimeRange,
    default_zone: &TimeZone,
) -> Result<Vec<TimeRange>, IcalError> {
    let unfolded = lines::unfold(feed);
    let text = std::str::from_utf8(&unfolded).map_err(|_| IcalError::NotUtf8)?;
    let mut busy = Vec::new();
    for calendar in components::read(text)? {
        add_calendar(&calendar, window, default_zone, &mut busy)?;
    }
    Ok(time_range::merged(busy))
}

fn add_calendar(
    calendar: &Calendar<'_>,
    window: TimeRange,
    default_zone: &TimeZone,
    busy: &mut Vec<TimeRange>,
) -> Result<(), IcalError> {
    // One more year, because an occurrence after the window may have been moved into it.
    let year = SignedDuration::from_hours(24 * 366);
    let until = window.end().checked_add(year).unwrap_or(Timestamp::MAX);
    let mut zones = Zones::new(calendar, default_zone, until);
    let mut events = Vec::with_capacity(calendar.events.len());
    for component in &calendar.events {
        let not_understood = |reason| not_understood(component.uid(), reason);
        events.extend(VEvent::read(component, &mut zones).map_err(not_understood)?);
    }
    for series in by_uid(&events) {
        series::add_busy(&series, window, MAX_INSTANCES, busy).map_err(|TooManyOccurrences| {
            IcalError::TooManyOccurrences { uid: series[0].uid.to_owned() }
        })?;
    }
    for component in &calendar.free_busy {
        add_free_busy(component, window, &mut zones, busy)
            .map_err(|reason| not_understood(component.uid(), reason))?;
    }
    Ok(())
}

fn not_understood(uid: &str, reason: String) -> IcalError {
    IcalError::Event { uid: uid.to_owned(), reason }
}

/// Groups events by UID, in the order of the feed. An event without a UID is its own group.
fn by_uid<'e, 'a>(events: &'e [VEvent<'a>]) -> Vec<Vec<&'e VEvent<'a>>> {
    let mut groups: Vec<Vec<&VEvent<'_>>> = Vec::with_capacity(events.len());
    let mut known = HashMap::with_capacity(events.len());
    for event in events {
        let new = groups.len();
        let group = if event.uid.is_empty() { new } else { *known.entry(event.uid).or_insert(new) };
        match groups.get_mut(group) {
            Some(group) => group.push(event),
            None => groups.push(vec![event]),
        }
    }
    groups
}

fn add_free_busy<'a>(
    component: &Component<'a>,
    window: TimeRange,
    zones: &mut Zones<'a>,
    busy: &mut Vec<TimeRange>,
) -> Result<(), String> {
    for line in &component.lines {
        if line.property == Property::FreeBusy && !line.param_is("FBTYPE", "FREE") {
            for period in values::periods(line, zones)? {
                let period = TimeRange::new(period.start.instant(), period.end);
                busy.extend(period.and_then(|period| period.intersection(&window)));
            }
        }
    }
    Ok(())
}
