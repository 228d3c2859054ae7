//! iCalendar feeds (RFC 5545), expanded into busy time.
//!
//! What is not understood is an error, and never free time: a feed either says all of what
//! is busy, or it counts as not read. Where a feed leaves room for two readings, the one
//! that keeps more time busy counts.
//!
//! | in the feed | counts as |
//! |---|---|
//! | `STATUS:TENTATIVE`, Outlook's `OOF`, `TENTATIVE`, `WORKINGELSEWHERE` | busy |
//! | `STATUS:CANCELLED`, `TRANSP:TRANSPARENT`, `X-MICROSOFT-CDO-BUSYSTATUS:FREE` | free, also where another of the three says busy |
//! | a date without a time | that day in the calendar's zone: `X-WR-TIMEZONE`, else the salon's |
//! | a time without a zone | a time in that same zone |
//! | no `DTEND`, no `DURATION` | one day for a date, no time for a date-time |
//! | a start that its rule does not admit | busy, and not counted by `COUNT` |
//! | a local time that daylight saving skips | the offset from before the gap (3.3.5) |
//! | a local time that occurs twice | the first |
//! | several `VEVENT`s with one UID and no `RECURRENCE-ID` | the highest `SEQUENCE`, then the latest `DTSTAMP`; equal ones all count |
//! | a `RECURRENCE-ID` whose series is missing | busy by itself |
//! | several `VCALENDAR`s in one feed | each by itself, and all together |
//! | `VFREEBUSY` | busy, but for `FBTYPE=FREE` |
//! | `VTODO`, `VJOURNAL`, `VALARM`, `X-…` | nothing |

mod components;
mod event;
mod lines;
mod occurrences;
mod rule;
mod series;
#[cfg(test)]
mod tests;
mod time_range;
mod values;
mod vtimezone;
mod zones;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use self::components::{Calendar, Component};
use self::event::Event;
use self::lines::Property;
use self::occurrences::TooMany;
pub use self::time_range::TimeRange;
use self::zones::Zones;

/// How many pieces of busy time a feed may have in a window.
const MAX_INSTANCES: usize = 100_000;

/// Why a feed does not tell what is busy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IcalError {
    /// It is something else: empty, a login page, text around or between calendars.
    #[error("the feed is not an iCalendar file")]
    NotACalendar,
    /// It is not UTF-8.
    #[error("the feed is not UTF-8")]
    NotUtf8,
    /// A `BEGIN` and an `END` do not match, mostly as the end is missing.
    #[error("the feed is truncated or broken: {component} has no proper END")]
    Truncated {
        /// The innermost open component.
        component: String,
    },
    /// A line is not `NAME:value`.
    #[error("line {number} of the unfolded feed has no name or no value")]
    Line {
        /// Counted from 1, after unfolding.
        number: usize,
    },
    /// An event is not understood.
    #[error("event {uid}: {what}")]
    Event {
        /// The event's UID.
        uid: String,
        /// What is not understood.
        what: String,
    },
    /// An event recurs more often than one of a calendar does.
    #[error("event {uid} recurs too often: a window may have {MAX_INSTANCES} instances")]
    TooManyInstances {
        /// The UID of the event that went over the limit.
        uid: String,
    },
}

/// Expands a feed into the time it makes busy within `window`.
///
/// Dates and floating times are in the calendar's zone, or in `salon_zone` where it names
/// none.
///
/// # Errors
///
/// Whatever keeps the feed from being fully understood: see [`IcalError`].
pub fn busy_times(
    feed: &[u8],
    window: TimeRange,
    salon_zone: &TimeZone,
) -> Result<Vec<TimeRange>, IcalError> {
    let unfolded = lines::unfold(feed);
    let text = std::str::from_utf8(&unfolded).map_err(|_| IcalError::NotUtf8)?;
    let mut busy = Vec::new();
    for calendar in components::read(text)? {
        add_calendar(&calendar, window, salon_zone, &mut busy)?;
    }
    Ok(time_range::merged(busy))
}

fn add_calendar(
    calendar: &Calendar<'_>,
    window: TimeRange,
    salon_zone: &TimeZone,
    busy: &mut Vec<TimeRange>,
) -> Result<(), IcalError> {
    // A year more, for moved instances whose original is after the window.
    let year = SignedDuration::from_hours(24 * 366);
    let until = window.end().checked_add(year).unwrap_or(Timestamp::MAX);
    let mut zones = Zones::new(calendar, salon_zone, until);
    let mut events = Vec::with_capacity(calendar.events.len());
    for component in &calendar.events {
        let not_understood = |what| not_understood(component.uid(), what);
        events.extend(Event::read(component, &mut zones).map_err(not_understood)?);
    }
    for series in by_uid(&events) {
        series::add_busy(&series, window, MAX_INSTANCES, busy)
            .map_err(|TooMany| IcalError::TooManyInstances { uid: series[0].uid.to_owned() })?;
    }
    for component in &calendar.free_busy {
        add_free_busy(component, window, &mut zones, busy)
            .map_err(|what| not_understood(component.uid(), what))?;
    }
    Ok(())
}

fn not_understood(uid: &str, what: String) -> IcalError {
    IcalError::Event { uid: uid.to_owned(), what }
}

/// Groups events by UID, in the order of the feed. One without a UID is by itself.
fn by_uid<'e, 'a>(events: &'e [Event<'a>]) -> Vec<Vec<&'e Event<'a>>> {
    let mut groups: Vec<Vec<&Event<'_>>> = Vec::with_capacity(events.len());
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
