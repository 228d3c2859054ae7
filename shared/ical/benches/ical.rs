//! How long a feed takes to expand, by its number of events.
//!
//! ```sh
//! cargo bench -p ical
//! ```

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ical::TimeRange;
use ical::busy_times;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Makes a feed in which three events of fifty recur, one of these since 2005.
fn feed(events: usize) -> String {
    let mut feed = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Bench//EN\r\n");
    for number in 0..events {
        let (month, day, hour) = (1 + number % 12, 1 + number % 28, 8 + number % 10);
        let (year, rule) = match number % 50 {
            0 => (2005, "RRULE:FREQ=DAILY\r\n"),
            1 => (2024, "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=900\r\n"),
            2 => (2019, "RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20300101T000000Z\r\n"),
            _ => (2017 + number % 10, ""),
        };
        write!(
            feed,
            "BEGIN:VEVENT\r\n\
             UID:event-{number}@bench\r\n\
             DTSTAMP:20261120T080000Z\r\n\
             CREATED:20200101T080000Z\r\n\
             SEQUENCE:0\r\n\
             SUMMARY:Haircut and colour\\, with a consultation before it\r\n\
             DESCRIPTION:Something that is long enough to be folded by the program th\r\n \
             at wrote it\\, as most descriptions are\r\n\
             DTSTART;TZID=America/Los_Angeles:{year}{month:02}{day:02}T{hour:02}0000\r\n\
             DTEND;TZID=America/Los_Angeles:{year}{month:02}{day:02}T{hour:02}4500\r\n\
             {rule}\
             STATUS:CONFIRMED\r\n\
             TRANSP:OPAQUE\r\n\
             END:VEVENT\r\n"
        )
        .expect("writing to a String cannot fail");
    }
    feed + "END:VCALENDAR\r\n"
}

fn expand(c: &mut Criterion) {
    let zone = TimeZone::get("America/Los_Angeles").expect("the bundled database has it");
    let instant = |text: &str| text.parse::<Timestamp>().expect("a valid instant");
    let window = TimeRange::new(instant("2026-11-23T08:00:00Z"), instant("2027-01-05T08:00:00Z"))
        .expect("the window is not empty");
    let mut group = c.benchmark_group("ical");
    for events in [1250, 2500, 5000] {
        let feed = feed(events);
        group.throughput(Throughput::Elements(events.try_into().expect("a small number")));
        group.bench_with_input(BenchmarkId::new("busy_times", events), &feed, |b, feed| {
            b.iter(|| busy_times(black_box(feed.as_bytes()), window, &zone));
        });
        busy_times(feed.as_bytes(), window, &zone).expect("the feed is understood");
    }
    group.finish();
}

criterion_group!(benches, expand);
criterion_main!(benches);
