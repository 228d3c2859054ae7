//! Items as they are written, and their reading back.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::super::{CachedCalendar, StoreError};
use crate::domain::booking::BookingId;
use crate::domain::calendar::{CalendarReading, SourceReading};
use crate::domain::day_sheet::{DaySheet, Entry};
use crate::domain::interval::{Interval, IntervalSet};
use crate::domain::service::StaffId;

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn person_key(staff: &StaffId) -> String {
    format!("STAFF#{staff}")
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Writes an instant, in seconds since 1970.
pub(super) fn number(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
}

/// Reads `version`, and `entries`: a list of `{bookingId, start, end, freeFrom?, until?}`.
pub(super) fn day_sheet(item: &Item) -> Result<DaySheet, StoreError> {
    let entries = item.get("entries").and_then(|entries| entries.as_l().ok());
    let entries = entries.ok_or_else(|| corrupt(item, "it has no list of entries"))?;
    let read: Option<Vec<Entry>> = entries.iter().map(entry).collect();
    let entries = read.ok_or_else(|| corrupt(item, "an entry is not a booking and its time"))?;
    let version = item.get("version").and_then(|version| version.as_n().ok()?.parse().ok());
    let version = version.ok_or_else(|| corrupt(item, "it has no version"))?;
    Ok(DaySheet::new(version, entries))
}

fn entry(entry: &AttributeValue) -> Option<Entry> {
    let fields = entry.as_m().ok()?;
    let appointment = Interval::new(instant(fields.get("start"))?, instant(fields.get("end"))?)?;
    let optional = |name| match fields.get(name) {
        Some(at) => Some(Some(instant(Some(at))?)),
        None => Some(None),
    };
    let free_from = optional("freeFrom")?.unwrap_or(appointment.end());
    let id = BookingId::parse(fields.get("bookingId")?.as_s().ok()?)?;
    Entry::new(id, appointment, free_from, optional("until")?)
}

/// Reads a calendar cache item: a reading, a lease, or both.
pub(super) fn cached_calendar(item: &Item) -> Result<CachedCalendar, StoreError> {
    let lease_until = match item.get("leaseUntil") {
        Some(until) => {
            Some(instant(Some(until)).ok_or_else(|| corrupt(item, "its lease has no end"))?)
        }
        None => None,
    };
    let reading = match item.get("sources") {
        Some(sources) => {
            Some(reading(item, sources).ok_or_else(|| corrupt(item, "it is not a reading"))?)
        }
        None => None,
    };
    Ok(CachedCalendar { reading, lease_until })
}

fn reading(item: &Item, sources: &AttributeValue) -> Option<CalendarReading> {
    let at = |name| instant(item.get(name));
    let source =
        |(name, source): (&String, &AttributeValue)| Some((name.clone(), source_reading(source)?));
    let sources: Option<BTreeMap<_, _>> = sources.as_m().ok()?.iter().map(source).collect();
    let window = Interval::new(at("windowStart")?, at("windowEnd")?)?;
    Some(CalendarReading::new(sources?, window, at("readAt")?, at("freshUntil")?))
}

fn source_reading(source: &AttributeValue) -> Option<SourceReading> {
    let fields = source.as_m().ok()?;
    let version = fields.get("version").and_then(|text| text.as_s().ok()).cloned();
    let busy = unpack(fields.get("busy")?.as_b().ok()?.as_ref())?;
    Some(SourceReading { busy, version })
}

/// Writes the sources of a reading: `{name: {busy, version?}}`.
pub(super) fn sources(reading: &CalendarReading) -> AttributeValue {
    let source = |source: &SourceReading| {
        let busy = AttributeValue::B(Blob::new(pack(&source.busy)));
        let version = source.version.clone().map(|version| ("version", text(version)));
        let fields = [("busy", busy)].into_iter().chain(version);
        AttributeValue::M(fields.map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let named = reading.sources.iter().map(|(name, reading)| (name.clone(), source(reading)));
    AttributeValue::M(named.collect())
}

const MINUTE: i64 = 60;

/// Packs busy time as the minutes from each end to the next, the first from
/// 1970, each in as few bytes as it needs. Seconds round outwards.
fn pack(busy: &IntervalSet<Timestamp>) -> Vec<u8> {
    let minutes_of = |span: &Interval<Timestamp>| {
        let (start, end) = (span.start().as_second(), span.end().as_nanosecond());
        let end = end.div_euclid(1_000_000_000 * i128::from(MINUTE))
            + i128::from(end.rem_euclid(1_000_000_000 * i128::from(MINUTE)) != 0);
        Interval::new(start.div_euclid(MINUTE), i64::try_from(end).ok()?)
    };
    // Rounding may have joined what was apart.
    let minutes: IntervalSet<i64> = busy.iter().filter_map(minutes_of).collect();
    let mut distances = Vec::new();
    let mut last = 0;
    for at in minutes.iter().flat_map(|span| [span.start(), span.end()]) {
        distances.push(at - last);
        last = at;
    }
    postcard::to_allocvec(&distances).expect("numbers can always be packed")
}

fn unpack(packed: &[u8]) -> Option<IntervalSet<Timestamp>> {
    let distances: Vec<i64> = postcard::from_bytes(packed).ok()?;
    let mut last = 0_i64;
    let mut at = |distance: i64| {
        last = last.checked_add(distance)?;
        Timestamp::from_second(last.checked_mul(MINUTE)?).ok()
    };
    let spans = distances.chunks(2).map(|pair| match *pair {
        [gap, length] => Interval::new(at(gap)?, at(length)?),
        _ => None,
    });
    spans.collect()
}

fn instant(value: Option<&AttributeValue>) -> Option<Timestamp> {
    Timestamp::from_second(value?.as_n().ok()?.parse().ok()?).ok()
}

fn corrupt(item: &Item, problem: &str) -> StoreError {
    let part = |name| item.get(name).and_then(|key| key.as_s().ok()).map_or("?", String::as_str);
    StoreError::Corrupt {
        key: format!("{} {}", part("PK"), part("SK")),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(start: i64, end: i64) -> Option<Interval<Timestamp>> {
        Interval::new(Timestamp::from_second(start).ok()?, Timestamp::from_second(end).ok()?)
    }

    #[test]
    fn six_weeks_with_thirty_busy_ranges_a_day_leave_room_in_an_item() {
        /// `DynamoDB`'s limit for an item is 400 KB.
        const ROOM: usize = 40_000;
        let start = 1_795_500_000;
        let ranges = (0..42 * 30).filter_map(|n| span(start + n * 2880, start + n * 2880 + 1500));
        let packed = pack(&ranges.collect());
        assert!(packed.len() < ROOM, "{} bytes", packed.len());
        println!("42 days with 30 busy ranges a day: {} bytes", packed.len());
    }

    #[test]
    fn seconds_round_outwards() {
        let busy = span(1_795_500_001, 1_795_500_059).into_iter().collect();
        let unpacked = unpack(&pack(&busy)).expect("what was packed");
        assert_eq!(unpacked, span(1_795_500_000, 1_795_500_060).into_iter().collect());
    }

    #[test]
    fn what_was_not_packed_is_refused() {
        for bytes in [&[][..], &[1], &[1, 2, 3], &[2, 2, 1], &[255; 12]] {
            assert_eq!(unpack(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn whole_minutes_come_back_as_they_were(spans in prop::collection::vec((0_i64..3_000_000, 1_i64..2_000), 0..50)) {
            let busy: IntervalSet<Timestamp> =
                spans.iter().filter_map(|(start, length)| span(start * 60, (start + length) * 60)).collect();
            prop_assert_eq!(unpack(&pack(&busy)), Some(busy));
        }
    }
}
