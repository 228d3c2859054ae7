//! Zones that a feed describes itself (RFC 5545, 3.6.5).

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::components::{Component, ZoneComponent};
use super::lines::{Line, Property};
use super::occurrences::TooMany;
use super::rule::{Rule, Until};
use super::values::{What, Written, offset, parse};

/// How many changes of offset a zone may have: two a year for longer than calendars exist.
const MAX_CHANGES: usize = 20_000;

/// A clock whose changes are listed.
#[derive(Debug)]
pub(super) struct CustomZone {
    /// In order; each ends with the offset that the next begins with.
    changes: Vec<Onset>,
}

impl CustomZone {
    /// Lists the changes up to `until`.
    pub(super) fn read(zone: &ZoneComponent<'_>, until: Timestamp) -> Result<Self, What> {
        let mut changes = Vec::new();
        for observance in &zone.observances {
            changes.extend(onsets(observance, until)?);
        }
        if changes.is_empty() {
            return Err("it has no STANDARD and no DAYLIGHT part".to_owned());
        }
        changes.sort_unstable_by_key(|onset| onset.at);
        for at in 1..changes.len() {
            changes[at].from = changes[at - 1].to;
        }
        Ok(Self { changes })
    }

    pub(super) fn instant(&self, civil: DateTime) -> Timestamp {
        let at = |offset: Offset| offset.to_timestamp(civil).unwrap_or(Timestamp::MAX);
        // A change is past once both its clocks say so: in a gap only the old one does, in a
        // fold only the new one, and in both the old offset counts.
        let is_past = |onset: &Onset| onset.at <= at(onset.from) && onset.at <= at(onset.to);
        at(self.offset_after(self.changes.partition_point(is_past)))
    }

    pub(super) fn civil(&self, instant: Timestamp) -> DateTime {
        let past = self.changes.partition_point(|onset| onset.at <= instant);
        self.offset_after(past).to_datetime(instant)
    }

    fn offset_after(&self, past: usize) -> Offset {
        past.checked_sub(1).map_or(self.changes[0].from, |last| self.changes[last].to)
    }
}

/// A change of offset.
#[derive(Clone, Copy, Debug)]
struct Onset {
    at: Timestamp,
    from: Offset,
    to: Offset,
}

fn onsets(observance: &Component<'_>, until: Timestamp) -> Result<Vec<Onset>, What> {
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
    let mut onsets = vec![start];
    for line in &observance.lines {
        match line.property {
            Property::RRule => onsets.extend(recurring(line, start, from, until)?),
            Property::RDate => {
                for value in line.value.split(',') {
                    onsets.push(local(value.trim(), from)?);
                }
            }
            _ => {}
        }
    }
    let onset = |civil| {
        let at = from.to_timestamp(civil).map_err(|_| format!("{civil} is out of range"))?;
        Ok(Onset { at, from, to })
    };
    onsets.into_iter().map(onset).collect()
}

/// Reads a time on the clock as it was before the change.
fn local(text: &str, from: Offset) -> Result<DateTime, What> {
    match parse(text) {
        Some(Written::DateTime { civil, is_utc: false }) => Ok(civil),
        Some(Written::DateTime { civil, is_utc: true }) => {
            Ok(civil.saturating_add(SignedDuration::from_secs(from.seconds().into())))
        }
        Some(Written::Date(date)) => Ok(date.into()),
        None => Err(format!("{text:?} is not a date-time")),
    }
}

fn recurring(
    line: &Line<'_>,
    start: DateTime,
    from: Offset,
    until: Timestamp,
) -> Result<Vec<DateTime>, What> {
    let rule = Rule::parse(line.value)?;
    // Two days more, as `until` is an instant and the clock may be ahead of UTC.
    let last = Offset::UTC.to_datetime(until).date().saturating_add(SignedDuration::from_hours(48));
    let all = rule
        .between(start, Date::MIN, last, MAX_CHANGES)
        .map_err(|TooMany| "it changes too often")?;
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
