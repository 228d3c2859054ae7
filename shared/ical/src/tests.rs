//! Feeds and the busy time that they expand to.

mod files;
mod instances;
mod properties;
mod rules;
mod times;

use jiff::civil::date;

use super::*;

/// Six weeks without a clock change in the zones of these tests.
const WINTER: (&str, &str) = ("2026-11-23", "2027-01-05");
/// A year with both clock changes.
const YEAR: (&str, &str) = ("2026-01-01", "2027-01-01");

fn los_angeles() -> TimeZone {
    TimeZone::get("America/Los_Angeles").unwrap()
}

fn window((from, to): (&str, &str)) -> TimeRange {
    let midnight = |date: &str| {
        let date: jiff::civil::Date = date.parse().unwrap();
        los_angeles().to_timestamp(date.into()).unwrap()
    };
    TimeRange::new(midnight(from), midnight(to)).unwrap()
}

/// Makes a feed from lines separated by `|` or line breaks.
fn calendar(lines: &str) -> String {
    let lines = lines.split(['|', '\n']).map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<_> = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN"]
        .into_iter()
        .chain(lines)
        .chain(["END:VCALENDAR", ""])
        .collect();
    lines.join("\r\n")
}

/// Makes a feed with one event.
fn event(lines: &str) -> String {
    calendar(&format!("BEGIN:VEVENT|UID:it|{lines}|END:VEVENT"))
}

/// Lists busy time in Los Angeles time, such as `11-24 09:00-10:00`.
fn busy(feed: impl AsRef<[u8]>, days: (&str, &str)) -> Result<Vec<String>, IcalError> {
    let zone = los_angeles();
    let on_the_clock = |busy: &TimeRange| {
        let [start, end] = [busy.start(), busy.end()].map(|instant| zone.to_datetime(instant));
        let end_format = if start.date() == end.date() { "%H:%M" } else { "%m-%d %H:%M" };
        format!("{}-{}", start.strftime("%m-%d %H:%M"), end.strftime(end_format))
    };
    let set = busy_times(feed.as_ref(), window(days), &zone)?;
    Ok(set.iter().map(on_the_clock).collect())
}

fn joined(feed: impl AsRef<[u8]>, days: (&str, &str)) -> String {
    match busy(feed, days) {
        Ok(busy) => busy.join(", "),
        Err(error) => error.to_string(),
    }
}

/// Checks rows of a name, event lines and busy time.
fn check_events(days: (&str, &str), rows: &[(&str, &str, &str)]) {
    for (name, lines, expected) in rows {
        assert_eq!(&joined(event(lines), days), expected, "{name}");
    }
}

/// Checks rows of a name, calendar lines and busy time.
fn check_calendars(days: (&str, &str), rows: &[(&str, &str, &str)]) {
    for (name, lines, expected) in rows {
        assert_eq!(&joined(calendar(lines), days), expected, "{name}");
    }
}

#[test]
fn busy_time_is_cut_to_the_window() {
    let feed = event("DTSTART:20261122T230000|DTEND:20270201T000000");
    let whole = window(WINTER);
    let set = busy_times(feed.as_bytes(), whole, &los_angeles()).unwrap();
    assert_eq!(set.as_slice(), [whole]);
    assert_eq!(los_angeles().to_datetime(whole.start()), date(2026, 11, 23).at(0, 0, 0, 0));
}
