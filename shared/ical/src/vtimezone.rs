//! Zones that a feed describes itself (`VTIMEZONE`; RFC 5545, 3.6.5).

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::components::{Component, ZoneComponent};
use super::lines::{Line, Property};
use super::occurrences::TooManyOccurrences;
use super::rule::{Rule, Until};
use super::values::{DateOrDateTime, Reason, offset, parse};

/// The most changes of offset that a zone may have: two a year for 10,000 years.
const MAX_CHANGES: usize = 20_000;

/// A zone as a list of its changes of offset.
#[derive(Debug)]
pub(super) struct CustomZone {
    /// In order. Each `to` is the next one's `from`.
    changes: Vec<OffsetChange>,
}

impl CustomZone {
    /// Expands the changes up to `until`.
    pub(super) fn read(zone: &ZoneComponent<'_>, until: Timestamp) -> Result<Self, Reason> {
        let mut changes = Vec::new();
        for observance in &zone.observances {
            changes.extend(changes_of(observance, until)?);
        }
        if changes.is_empty() {
            return Err("it has no STANDARD and no DAYLIGHT part".to_owned());
        }
        changes.sort_unstable_by_key(|change| change.at);
        for at in 1..changes.len() {
            changes[at].from = changes[at - 1].to;
        }
        Ok(Self { changes })
    }

    pub(super) fn instant(&self, civil: DateTime) -> Timestamp {
        let at = |offset: Offset| offset.to_timestamp(civil).unwrap_or(Timestamp::MAX);
        // A change is past if the time is after it by both offsets. In a gap or a fold it is
        // so by one of them only, and the old offset is used.
        let is_past =
            |change: &OffsetChange| change.at <= at(change.from) && change.at <= at(change.to);
        at(self.offset_after(self.changes.partition_point(is_past)))
    }

    pub(super) fn civil(&self, instant: Timestamp) -> DateTime {
        let past = self.changes.partition_point(|change| change.at <= instant);
        self.offset_after(past).to_datetime(instant)
    }

    fn offset_after(&self, past: usize) -> Offset {
        past.checked_sub(1).map_or(self.changes[0].from, |last| self.changes[last].to)
    }
}

/// A change of offset.
#[derive(Clone, Copy, Debug)]
struct OffsetChange {
    at: Timestamp,
    from: Offset,
    to: Offset,
}

fn changes_of(observance: &Component<'_>, until: Timestamp) -> Result<Vec<OffsetChange>, Reason> {
    let required = |property: Property| {
        observance.value(property).ok_or_else(|| format!("a part has no {}", property.name()))
    };
    let offset_of = |property: Property| {
        let text = required(property)?;
        offset(text).ok_or_else(|| format!("{} {text:?} cannot be read", property.name()))
    };
    let from = offset_of(Property::TzOffsetFrom)?;
    let to = offset_of(Property::TzOffsetTo)?;
    let start = local(required(Property::DtStart)?, from)?;
    let mut times = vec![start];
    for line in &observance.lines {
        match line.property {
            Property::RRule => times.extend(recurring(line, start, from, until)?),
            Property::RDate => {
                for value in line.value.split(',') {
                    times.push(local(value.trim(), from)?);
                }
            }
            _ => {}
        }
    }
    let change = |civil| {
        let at = from.to_timestamp(civil).map_err(|_| format!("{civil} is out of range"))?;
        Ok(OffsetChange { at, from, to })
    };
    times.into_iter().map(change).collect()
}

/// Parses a time on the clock as it was before the change.
fn local(text: &str, from: Offset) -> Result<DateTime, Reason> {
    match parse(text) {
        Some(DateOrDateTime::DateTime { civil, is_utc: false }) => Ok(civil),
        Some(DateOrDateTime::DateTime { civil, is_utc: true }) => {
            Ok(civil.saturating_add(SignedDuration::from_secs(from.seconds().into())))
        }
        Some(DateOrDateTime::Date(date)) => Ok(date.into()),
        None => Err(format!("{text:?} is not a date-time")),
    }
}

fn recurring(
    line: &Line<'_>,
    start: DateTime,
    from: Offset,
    until: Timestamp,
) -> Result<Vec<DateTime>, Reason> {
    let rule = Rule::parse(line.value)?;
    // Two more days, as the clock may be ahead of UTC.
    let last = Offset::UTC.to_datetime(until).date().saturating_add(SignedDuration::from_hours(48));
    let all = rule
        .between(start, Date::MIN, last, MAX_CHANGES)
        .map_err(|TooManyOccurrences| "it has too many changes")?;
    let in_time = |civil: &DateTime| match rule.until {
        None => true,
        Some(Until::Date(date)) => civil.date() <= date,
        Some(Until::Local(limit)) => *civil <= limit,
        Some(Until::Utc(limit)) => {
            let utc = civil.saturating_sub(SignedDuration::from_secs(from.seconds().into()));
            utc <= limit
        }
    };
    Ok(all.into_iter().filter(in_time).collect())
}
