//! Writing items and reading them back.
//!
//! An error names the item and the attribute, but not the value, which may be
//! personal.

mod booking_item;
mod hold_items;

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

pub(super) use self::booking_item::{
    BOOKING, booking, booking_item, booking_key, booking_state, marker_key, poll_key,
    unsettled_booking,
};
pub(super) use self::hold_items::{
    deposits_key, hold_attribute, hold_count, hold_count_item, holds_key, request_item,
    request_key, stored_request,
};
use super::super::StoreError;
use salon::booking::BookingId;
use salon::day_sheet::{DaySheet, Entry, PlaceInLine};
use salon::interval::{Interval, IntervalSet};
use salon::service::StaffId;
use salon::staff_calendar::{CalendarReading, SourceReading};

pub(super) type Item = HashMap<String, AttributeValue>;

/// How many days after its date a day sheet is deleted.
const SHEET_RETENTION_DAYS: i64 = 30;

const MAY_BE_DELAYED: &str = "mayBeDelayed";

/// Makes the attributes of a key.
fn key(partition: String, sort: &str) -> Item {
    map([("PK", text(partition)), ("SK", text(sort))])
}

pub(super) fn person_key(staff: &StaffId) -> String {
    format!("STAFF#{staff}")
}

pub(super) fn calendar_partition(staff: &StaffId) -> String {
    format!("CALENDAR#{staff}")
}

pub(super) fn reading_key(staff: &StaffId) -> Item {
    key(calendar_partition(staff), "READING")
}

pub(super) fn lease_key(staff: &StaffId) -> Item {
    key(calendar_partition(staff), "LEASE")
}

pub(super) fn day_key(date: Date) -> String {
    format!("DAY#{date}")
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn integer(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Writes an instant, in seconds since the Unix epoch.
pub(super) fn number(at: Timestamp) -> AttributeValue {
    integer(at.as_second())
}

fn map<'a>(fields: impl IntoIterator<Item = (&'a str, AttributeValue)>) -> Item {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Writes the day sheet of a staff member and date.
pub(super) fn day_sheet_item(staff: &StaffId, date: Date, sheet: &DaySheet) -> Item {
    let mut item = key(person_key(staff), &day_key(date));
    let entries = sheet.entries().map(|entry| {
        let start = entry.appointment.start();
        let end = entry.appointment.end();
        let fields = [
            ("bookingId", text(entry.booking_id.as_str())),
            ("start", number(start)),
            ("end", number(end)),
        ];
        let free_from = (entry.free_from != end).then(|| ("freeFrom", number(entry.free_from)));
        let until = entry.until.map(|until| ("until", number(until)));
        let mark = entry.may_be_delayed.then_some((MAY_BE_DELAYED, AttributeValue::Bool(true)));
        AttributeValue::M(map(fields.into_iter().chain(free_from).chain(until).chain(mark)))
    });
    item.extend(map([
        ("version", integer(sheet.version())),
        ("entries", AttributeValue::L(entries.collect())),
    ]));
    if !sheet.line().is_empty() {
        let places = sheet.line().iter().map(|place| {
            AttributeValue::M(map([
                ("bookingId", text(place.booking_id.as_str())),
                ("since", number(place.since)),
                ("start", number(place.taken.start())),
                ("freeFrom", number(place.taken.end())),
            ]))
        });
        item.insert("line".to_owned(), AttributeValue::L(places.collect()));
    }
    let last_day = date.saturating_add(Span::new().days(SHEET_RETENTION_DAYS)).at(0, 0, 0, 0);
    let expires_at = Offset::UTC.to_timestamp(last_day).unwrap_or(Timestamp::MAX);
    item.insert("expiresAt".to_owned(), number(expires_at));
    item
}

/// Reads `version`, `entries`: a list of `{bookingId, start, end, freeFrom?, until?,
/// mayBeDelayed?}`, and `line`, if there is one: a list of `{bookingId, since, start, freeFrom}`.
pub(super) fn day_sheet(item: &Item) -> Result<DaySheet, StoreError> {
    strictly(item, |item| {
        let entries = required(item, "entries", |entries| {
            entries.as_l().ok()?.iter().map(entry).collect::<Option<Vec<_>>>()
        })?;
        let line = optional(item, "line", |line| {
            line.as_l().ok()?.iter().map(place_in_line).collect::<Option<Vec<_>>>()
        })?;
        let sheet = DaySheet::new(required(item, "version", parsed)?, entries);
        Ok(sheet.with_line(line.unwrap_or_default()))
    })
}

fn entry(entry: &AttributeValue) -> Option<Entry> {
    let fields = entry.as_m().ok()?;
    let appointment = Interval::new(instant(fields.get("start")?)?, instant(fields.get("end")?)?)?;
    let free_from = optional(fields, "freeFrom", instant).ok()?.unwrap_or(appointment.end());
    let id = BookingId::parse(string(fields.get("bookingId")?)?)?;
    let until = optional(fields, "until", instant).ok()?;
    let mut entry = Entry::new(id, appointment, free_from, until)?;
    entry.may_be_delayed = is_set(fields, MAY_BE_DELAYED).ok()?;
    Some(entry)
}

fn place_in_line(place: &AttributeValue) -> Option<PlaceInLine> {
    let fields = place.as_m().ok()?;
    let at = |name| instant(fields.get(name)?);
    Some(PlaceInLine {
        booking_id: BookingId::parse(string(fields.get("bookingId")?)?)?,
        since: at("since")?,
        taken: Interval::new(at("start")?, at("freeFrom")?)?,
    })
}

/// Reads the last reading of a person's calendars.
pub(super) fn reading(item: &Item) -> Result<CalendarReading, StoreError> {
    strictly(item, |item| {
        let sources = required(item, "sources", sources_of)?;
        let start = required(item, "windowStart", instant)?;
        let window = Interval::new(start, required(item, "windowEnd", instant)?);
        let window = window.ok_or(Unreadable("windowEnd"))?;
        let read_at = required(item, "readAt", instant)?;
        Ok(CalendarReading::new(sources, window, read_at, required(item, "freshUntil", instant)?))
    })
}

fn sources_of(sources: &AttributeValue) -> Option<BTreeMap<String, SourceReading>> {
    let source =
        |(name, source): (&String, &AttributeValue)| Some((name.clone(), source_reading(source)?));
    sources.as_m().ok()?.iter().map(source).collect()
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
        AttributeValue::M(map([("busy", busy)].into_iter().chain(version)))
    };
    let named = reading.sources.iter().map(|(name, reading)| (name.clone(), source(reading)));
    AttributeValue::M(named.collect())
}

const MINUTE: i64 = 60;

/// Packs busy time as the distances in minutes between its boundaries, the first
/// from the Unix epoch, each in as few bytes as possible. Seconds are rounded
/// outwards.
fn pack(busy: &IntervalSet<Timestamp>) -> Vec<u8> {
    let minutes_of = |span: &Interval<Timestamp>| {
        let (start, end) = (span.start().as_second(), span.end().as_nanosecond());
        let end = end.div_euclid(1_000_000_000 * i128::from(MINUTE))
            + i128::from(end.rem_euclid(1_000_000_000 * i128::from(MINUTE)) != 0);
        Interval::new(start.div_euclid(MINUTE), i64::try_from(end).ok()?)
    };
    // Rounding may join neighbours.
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

/// The name of an attribute that is missing or has another form than this
/// version writes.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable(&'static str);

/// Reads an item. The error names its key.
fn strictly<'a, T>(
    item: &'a Item,
    read: impl FnOnce(&'a Item) -> Result<T, Unreadable>,
) -> Result<T, StoreError> {
    read(item).map_err(|Unreadable(attribute)| {
        let part = |name| item.get(name).and_then(string).unwrap_or("?");
        StoreError::Corrupt {
            key: format!("{} {}", part("PK"), part("SK")),
            problem: format!(
                "`{attribute}` is missing or not in the form that this version writes"
            ),
        }
    })
}

fn required<'a, T>(
    item: &'a Item,
    attribute: &'static str,
    read: impl FnOnce(&'a AttributeValue) -> Option<T>,
) -> Result<T, Unreadable> {
    optional(item, attribute, read)?.ok_or(Unreadable(attribute))
}

/// Reads an attribute that may be missing. Another form is an error.
fn optional<'a, T>(
    item: &'a Item,
    attribute: &'static str,
    read: impl FnOnce(&'a AttributeValue) -> Option<T>,
) -> Result<Option<T>, Unreadable> {
    let value = item.get(attribute);
    value.map(|value| read(value).ok_or(Unreadable(attribute))).transpose()
}

/// Reads a flag that is written only if it is set.
fn is_set(item: &Item, attribute: &'static str) -> Result<bool, Unreadable> {
    Ok(optional(item, attribute, |flag| flag.as_bool().ok().copied())?.unwrap_or(false))
}

fn string(value: &AttributeValue) -> Option<&str> {
    value.as_s().ok().map(String::as_str)
}

fn parsed<T: FromStr>(value: &AttributeValue) -> Option<T> {
    value.as_n().ok()?.parse().ok()
}

fn instant(value: &AttributeValue) -> Option<Timestamp> {
    Timestamp::from_second(parsed(value)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(start: i64, end: i64) -> Option<Interval<Timestamp>> {
        Interval::new(Timestamp::from_second(start).ok()?, Timestamp::from_second(end).ok()?)
    }

    #[test]
    fn six_weeks_with_thirty_busy_ranges_a_day_fit_into_an_item() {
        /// `DynamoDB`'s limit for an item is 400 KB.
        const ROOM: usize = 40_000;
        let start = 1_795_500_000;
        let ranges = (0..42 * 30).filter_map(|n| span(start + n * 2880, start + n * 2880 + 1500));
        let packed = pack(&ranges.collect());
        assert!(packed.len() < ROOM, "{} bytes", packed.len());
        println!("42 days with 30 busy ranges a day: {} bytes", packed.len());
    }

    #[test]
    fn seconds_are_rounded_outwards() {
        let busy = span(1_795_500_001, 1_795_500_059).into_iter().collect();
        let unpacked = unpack(&pack(&busy)).expect("what was packed");
        assert_eq!(unpacked, span(1_795_500_000, 1_795_500_060).into_iter().collect());
    }

    #[test]
    fn malformed_bytes_are_rejected() {
        for bytes in [&[][..], &[1], &[1, 2, 3], &[2, 2, 1], &[255; 12]] {
            assert_eq!(unpack(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn whole_minutes_are_restored_exactly(spans in prop::collection::vec((0_i64..3_000_000, 1_i64..2_000), 0..50)) {
            let busy: IntervalSet<Timestamp> =
                spans.iter().filter_map(|(start, length)| span(start * 60, (start + length) * 60)).collect();
            prop_assert_eq!(unpack(&pack(&busy)), Some(busy));
        }
    }
}
