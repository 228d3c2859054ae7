//! Whole files: of common programs, broken ones, and files that are not calendars.

use super::*;

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/feeds/{name}.ics", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Lists a file's expected busy time, from the lines of the `.txt` beside it.
fn expected(name: &str) -> Vec<String> {
    let path = format!("{}/tests/feeds/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn feeds_of_common_programs_are_read() {
    for name in ["google", "outlook", "apple", "thunderbird", "booking-tool", "free-busy"] {
        assert_eq!(busy(file(name), WINTER), Ok(expected(name)), "{name}.ics");
    }
}

#[test]
fn line_endings_blank_lines_and_a_byte_order_mark_do_not_matter() {
    let lines = "BEGIN:VEVENT|UID:e|DTSTART:20261124T170000Z|DURATION:PT1H|END:VEVENT";
    let feed = calendar(lines);
    for feed in [
        feed.clone(),
        feed.replace("\r\n", "\n"),
        format!("\u{feff}{feed}"),
        feed.replace("\r\n", "\r\n\r\n"),
        feed.trim_end().to_owned(),
        feed.replace("DTSTART:", "DTSTART;\r\n VALUE=DATE-TIME\n\t:"),
    ] {
        assert_eq!(joined(&feed, WINTER), "11-24 09:00-10:00", "{feed:?}");
    }
}

#[test]
fn a_file_that_is_not_a_calendar_is_an_error() {
    for feed in [
        "",
        "\r\n\r\n",
        "<!DOCTYPE html>\n<html><body>Sign in</body></html>",
        "{\"error\":401}",
        "DTSTART:20261124",
    ] {
        assert_eq!(busy(feed, WINTER), Err(IcalError::NotACalendar), "{feed:?}");
    }
    let feed = event("DTSTART:20261124T170000Z");
    for feed in [format!("Hello\n{feed}"), format!("{feed}<html>"), format!("X-A:1\n{feed}")] {
        assert_eq!(busy(&feed, WINTER), Err(IcalError::NotACalendar), "{feed:?}");
    }
    assert_eq!(busy(b"BEGIN:VCALENDAR\nX:\xff\nEND:VCALENDAR", WINTER), Err(IcalError::NotUtf8));
    assert_eq!(busy(calendar(""), WINTER), Ok(Vec::new()), "a calendar without events is free");
}

#[test]
fn a_truncated_feed_is_an_error() {
    let feed = calendar(
        "BEGIN:VEVENT|UID:a|DTSTART:20261124T170000Z|DURATION:PT1H|END:VEVENT
        BEGIN:VEVENT|UID:b|DTSTART:20261125T170000Z|DURATION:PT1H|END:VEVENT",
    );
    let whole = feed.trim_end().len();
    for cut in 0..whole {
        assert!(busy(&feed[..cut], WINTER).is_err(), "{:?} is cut off", &feed[..cut]);
    }
}

#[test]
fn badly_nested_components_are_an_error() {
    let cases = [
        ("BEGIN:VEVENT", "VCALENDAR"),
        ("END:VEVENT", "VCALENDAR"),
        ("BEGIN:VEVENT|BEGIN:VEVENT|END:VEVENT|END:VEVENT", "VEVENT"),
        ("BEGIN:VTODO|BEGIN:VEVENT|END:VEVENT|END:VTODO", "VTODO"),
        ("BEGIN:VCALENDAR|END:VCALENDAR", "VCALENDAR"),
    ];
    for (lines, component) in cases {
        let found = busy(calendar(lines), WINTER);
        assert!(
            matches!(found, Err(IcalError::Truncated { .. })),
            "{lines}: {found:?}, in {component}"
        );
    }
}

#[test]
fn only_events_and_busy_periods_are_busy() {
    let rows = [
        (
            "a task and a note",
            "BEGIN:VTODO|UID:t|DTSTART:20261124T170000Z|DUE:20261124T180000Z|END:VTODO|BEGIN:VJOURNAL|UID:j|DTSTART:20261124|END:VJOURNAL",
            "",
        ),
        (
            "an alarm in an event",
            "BEGIN:VEVENT|UID:e|BEGIN:VALARM|TRIGGER:-PT15M|DURATION:PT5M|STATUS:CANCELLED|END:VALARM|DTSTART:20261124T170000Z|DURATION:PT1H|END:VEVENT",
            "11-24 09:00-10:00",
        ),
        (
            "an unknown component",
            "BEGIN:X-THING|DTSTART:x|no colon|END:X-THING|begin:vevent|UID:e|DTSTART:20261124T170000Z|DURATION:PT1H|end:vevent",
            "11-24 09:00-10:00",
        ),
        (
            "busy periods",
            "BEGIN:VFREEBUSY|UID:f|FREEBUSY:20261124T170000Z/PT1H,20261125T170000Z/20261125T173000Z|FREEBUSY;FBTYPE=FREE:20261126T170000Z/PT1H|FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261127T170000Z/PT1H|END:VFREEBUSY",
            "11-24 09:00-10:00, 11-25 09:00-09:30, 11-27 09:00-10:00",
        ),
        (
            "a period that cannot be read",
            "BEGIN:VFREEBUSY|UID:f|FREEBUSY:20261124T170000Z|END:VFREEBUSY",
            "event f: FREEBUSY \"20261124T170000Z\" cannot be read",
        ),
        ("a malformed line", "no colon", "line 4 of the unfolded feed has no name or no value"),
    ];
    check_calendars(WINTER, &rows);
}

#[test]
fn two_calendars_in_a_file_both_count() {
    let one = calendar(
        "X-WR-TIMEZONE:Europe/Paris|BEGIN:VEVENT|UID:e|DTSTART:20261124T180000|DURATION:PT1H|END:VEVENT",
    );
    let other =
        calendar("BEGIN:VEVENT|UID:e|SEQUENCE:2|DTSTART:20261125T090000|DURATION:PT1H|END:VEVENT");
    assert_eq!(joined(one + &other, WINTER), "11-24 09:00-10:00, 11-25 09:00-10:00");
}

#[test]
fn a_feed_of_five_thousand_events_is_expanded_completely() {
    let event = |number: u32| {
        let (day, hour, minute) = (1 + number / 720, number % 720 / 60, number % 60);
        let start = format!("202612{day:02}T{hour:02}{minute:02}00");
        format!("BEGIN:VEVENT|UID:{number}|DTSTART:{start}|DURATION:PT1M|END:VEVENT|")
    };
    let events: Vec<_> = (0..5000).map(event).collect();
    let events = events.concat();
    let expected: Vec<_> = (1..=7)
        .map(|day| format!("12-{day:02} 00:00-{}", if day == 7 { "11:20" } else { "12:00" }))
        .collect();
    assert_eq!(busy(calendar(&events), WINTER), Ok(expected));
}
