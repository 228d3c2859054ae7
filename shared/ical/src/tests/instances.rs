//! Occurrences that are removed, added, moved and cancelled.

use super::*;

const SERIES: &str = "BEGIN:VEVENT|UID:s|DTSTART;TZID=America/Los_Angeles:20261124T090000
    DTEND;TZID=America/Los_Angeles:20261124T100000|RRULE:FREQ=WEEKLY;COUNT=4";

/// Makes a weekly series of four Tuesdays at 09:00, with more lines and more events.
fn series(lines: &str, others: &str) -> String {
    calendar(&format!("{SERIES}|{lines}|END:VEVENT|{others}"))
}

fn replacement(lines: &str) -> String {
    format!("BEGIN:VEVENT|UID:s|{lines}|END:VEVENT")
}

#[test]
fn exdate_removes_and_rdate_adds_occurrences() {
    let rows = [
        (
            "nothing",
            "",
            "11-24 09:00-10:00, 12-01 09:00-10:00, 12-08 09:00-10:00, 12-15 09:00-10:00",
        ),
        (
            "a time in the zone",
            "EXDATE;TZID=America/Los_Angeles:20261201T090000",
            "11-24 09:00-10:00, 12-08 09:00-10:00, 12-15 09:00-10:00",
        ),
        (
            "a time in UTC and one in another zone",
            "EXDATE:20261201T170000Z|EXDATE;TZID=Europe/Paris:20261208T180000",
            "11-24 09:00-10:00, 12-15 09:00-10:00",
        ),
        (
            "a list, with the first",
            "EXDATE;TZID=America/Los_Angeles:20261124T090000,20261208T090000",
            "12-01 09:00-10:00, 12-15 09:00-10:00",
        ),
        ("dates", "EXDATE;VALUE=DATE:20261201,20261208", "11-24 09:00-10:00, 12-15 09:00-10:00"),
        (
            "a time that is not of the series",
            "EXDATE:20261201T180000Z",
            "11-24 09:00-10:00, 12-01 09:00-10:00, 12-08 09:00-10:00, 12-15 09:00-10:00",
        ),
        (
            "an empty list",
            "EXDATE:|EXDATE;VALUE=DATE:20261124,20261201,20261208",
            "12-15 09:00-10:00",
        ),
        (
            "added times",
            "EXDATE;VALUE=DATE:20261201,20261208,20261215|RDATE;TZID=America/Los_Angeles:20261125T110000,20261126T110000",
            "11-24 09:00-10:00, 11-25 11:00-12:00, 11-26 11:00-12:00",
        ),
        (
            "an added date is at the event's time",
            "EXDATE;VALUE=DATE:20261201,20261208,20261215|RDATE;VALUE=DATE:20261125",
            "11-24 09:00-10:00, 11-25 09:00-10:00",
        ),
        (
            "an added period has its own end",
            "EXDATE;VALUE=DATE:20261124,20261201,20261208,20261215|RDATE;VALUE=PERIOD:20261125T170000Z/20261125T193000Z,20261126T170000Z/PT15M",
            "11-25 09:00-11:30, 11-26 09:00-09:15",
        ),
        (
            "added and taken out",
            "EXDATE;VALUE=DATE:20261124,20261201,20261208,20261215|RDATE:20261125T170000Z|EXDATE:20261125T170000Z",
            "",
        ),
        ("what cannot be read", "EXDATE:soon", "event s: EXDATE \"soon\" cannot be read"),
        (
            "a period that cannot be read",
            "RDATE;VALUE=PERIOD:20261125T170000Z",
            "event s: RDATE \"20261125T170000Z\" cannot be read",
        ),
    ];
    for (name, lines, expected) in rows {
        assert_eq!(joined(series(lines, ""), WINTER), expected, "{name}");
    }
}

#[test]
fn exdate_removes_days_of_an_all_day_series() {
    let rows = [
        (
            "by date",
            "DTSTART;VALUE=DATE:20261124|RRULE:FREQ=DAILY;COUNT=3|EXDATE;VALUE=DATE:20261125",
            "11-24 00:00-11-25 00:00, 11-26 00:00-11-27 00:00",
        ),
        (
            "by time",
            "DTSTART;VALUE=DATE:20261124|RRULE:FREQ=DAILY;COUNT=3|EXDATE:20261125T000000Z",
            "11-24 00:00-11-25 00:00, 11-26 00:00-11-27 00:00",
        ),
        (
            "by midnight in UTC, and not by noon",
            "DTSTART;VALUE=DATE:20261124|RRULE:FREQ=DAILY;COUNT=3|EXDATE:20261125T080000Z,20261126T200000Z",
            "11-24 00:00-11-25 00:00, 11-26 00:00-11-27 00:00",
        ),
        (
            "and gain some",
            "DTSTART;VALUE=DATE:20261124|RDATE;VALUE=DATE:20261126,20261201",
            "11-24 00:00-11-25 00:00, 11-26 00:00-11-27 00:00, 12-01 00:00-12-02 00:00",
        ),
    ];
    check_events(WINTER, &rows);
}

#[test]
fn a_recurrence_id_replaces_one_occurrence() {
    let moved = "RECURRENCE-ID;TZID=America/Los_Angeles:20261201T090000|DTSTART;TZID=America/Los_Angeles:20261202T140000|DURATION:PT2H";
    let all_but_second = "11-24 09:00-10:00, 12-08 09:00-10:00, 12-15 09:00-10:00";
    let rows = [
        (
            "moved",
            moved.to_owned(),
            "11-24 09:00-10:00, 12-02 14:00-16:00, 12-08 09:00-10:00, 12-15 09:00-10:00",
        ),
        (
            "named in UTC",
            moved.replace(
                "RECURRENCE-ID;TZID=America/Los_Angeles:20261201T090000",
                "RECURRENCE-ID:20261201T170000Z",
            ),
            "11-24 09:00-10:00, 12-02 14:00-16:00, 12-08 09:00-10:00, 12-15 09:00-10:00",
        ),
        (
            "named by date",
            moved.replace(
                "RECURRENCE-ID;TZID=America/Los_Angeles:20261201T090000",
                "RECURRENCE-ID;VALUE=DATE:20261201",
            ),
            "11-24 09:00-10:00, 12-02 14:00-16:00, 12-08 09:00-10:00, 12-15 09:00-10:00",
        ),
        ("cancelled", format!("{moved}|STATUS:CANCELLED"), all_but_second),
        (
            "cancelled, without a start",
            "RECURRENCE-ID:20261201T170000Z|STATUS:CANCELLED".to_owned(),
            all_but_second,
        ),
        ("made transparent", format!("{moved}|TRANSP:TRANSPARENT"), all_but_second),
        ("out of the window", moved.replace("20261202T", "20270202T"), all_but_second),
        (
            "to its own day",
            moved.replace("20261202T140000", "20261201T090000"),
            "11-24 09:00-10:00, 12-01 09:00-11:00, 12-08 09:00-10:00, 12-15 09:00-10:00",
        ),
        (
            "an instance that is not of the series",
            moved.replace("20261201T090000", "20261201T093000"),
            "11-24 09:00-10:00, 12-01 09:00-10:00, 12-02 14:00-16:00, 12-08 09:00-10:00, 12-15 09:00-10:00",
        ),
        (
            "recurring",
            format!("{moved}|RRULE:FREQ=DAILY"),
            "event s: it replaces an occurrence, and recurs itself",
        ),
        (
            "without a start",
            "RECURRENCE-ID:20261201T170000Z".to_owned(),
            "event s: it has no DTSTART",
        ),
        (
            "an instance that cannot be read",
            moved.replace("20261201T090000", "20261301T090000"),
            "event s: RECURRENCE-ID \"20261301T090000\" cannot be read",
        ),
    ];
    for (name, lines, expected) in rows {
        let others = replacement(&lines);
        assert_eq!(joined(series("", &others), WINTER), expected, "{name}");
        let first = calendar(&format!("{others}|{SERIES}|END:VEVENT"));
        assert_eq!(joined(first, WINTER), expected, "{name}, before the series");
    }
}

#[test]
fn an_occurrence_can_be_moved_into_the_window() {
    let lines = "BEGIN:VEVENT|UID:s|DTSTART:20260106T170000Z|DURATION:PT1H|RRULE:FREQ=WEEKLY;COUNT=3|END:VEVENT
        BEGIN:VEVENT|UID:s|RECURRENCE-ID:20260113T170000Z|DTSTART:20261130T170000Z|DURATION:PT1H|END:VEVENT";
    assert_eq!(joined(calendar(lines), WINTER), "11-30 09:00-10:00");
}

#[test]
fn a_replacement_without_its_series_is_busy() {
    let lines = "RECURRENCE-ID:20261201T170000Z|DTSTART:20261202T170000Z|DURATION:PT1H";
    check_events(WINTER, &[("orphan", lines, "12-02 09:00-10:00")]);
}

#[test]
fn this_and_future_replaces_all_later_occurrences() {
    let from = "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=America/Los_Angeles:20261201T090000";
    let rows = [
        (
            "moved by a day and some hours",
            format!("{from}|DTSTART;TZID=America/Los_Angeles:20261202T140000|DURATION:PT30M"),
            String::new(),
            "11-24 09:00-10:00, 12-02 14:00-14:30, 12-09 14:00-14:30, 12-16 14:00-14:30",
        ),
        ("cancelled", format!("{from}|STATUS:CANCELLED"), String::new(), "11-24 09:00-10:00"),
        (
            "and one of them again",
            format!("{from}|DTSTART;TZID=America/Los_Angeles:20261201T100000|DURATION:PT30M"),
            replacement("RECURRENCE-ID:20261208T170000Z|DTSTART:20261210T170000Z|DURATION:PT1H"),
            "11-24 09:00-10:00, 12-01 10:00-10:30, 12-10 09:00-10:00, 12-15 10:00-10:30",
        ),
        (
            "and again all from the last",
            format!("{from}|DTSTART;TZID=America/Los_Angeles:20261201T100000|DURATION:PT30M"),
            replacement(
                "RECURRENCE-ID;RANGE=THISANDFUTURE:20261215T170000Z|DTSTART:20261216T170000Z|DURATION:PT1H",
            ),
            "11-24 09:00-10:00, 12-01 10:00-10:30, 12-08 10:00-10:30, 12-16 09:00-10:00",
        ),
        (
            "into a zone with another clock",
            format!("{from}|DTSTART;TZID=Europe/Paris:20261201T190000|DURATION:PT30M"),
            String::new(),
            "11-24 09:00-10:00, 12-01 10:00-10:30, 12-08 10:00-10:30, 12-15 10:00-10:30",
        ),
    ];
    for (name, lines, others, expected) in rows {
        let others = format!("{}|{others}", replacement(&lines));
        assert_eq!(joined(series("", &others), WINTER), expected, "{name}");
    }
}

#[test]
fn this_and_future_can_move_occurrences_into_the_window() {
    let later = "BEGIN:VEVENT|UID:s|DTSTART:20260106T170000Z|DURATION:PT1H|RRULE:FREQ=MONTHLY;COUNT=3|END:VEVENT
        BEGIN:VEVENT|UID:s|RECURRENCE-ID;RANGE=THISANDFUTURE:20260206T170000Z|DTSTART:20261206T170000Z|DURATION:PT1H|END:VEVENT";
    assert_eq!(joined(calendar(later), WINTER), "12-06 09:00-10:00, 01-03 09:00-10:00");
    let earlier = "BEGIN:VEVENT|UID:s|DTSTART:20270106T170000Z|DURATION:PT1H|RRULE:FREQ=MONTHLY;COUNT=3|END:VEVENT
        BEGIN:VEVENT|UID:s|RECURRENCE-ID;RANGE=THISANDFUTURE:20270206T170000Z|DTSTART:20261127T170000Z|DURATION:PT1H|END:VEVENT";
    assert_eq!(joined(calendar(earlier), WINTER), "11-27 09:00-10:00, 12-25 09:00-10:00");
}

#[test]
fn the_latest_version_of_an_event_counts() {
    let version = |lines: &str, hour: u8| {
        format!("BEGIN:VEVENT|UID:s|{lines}|DTSTART:20261124T{hour}0000Z|DURATION:PT1H|END:VEVENT")
    };
    let rows = [
        (
            "by sequence",
            version("SEQUENCE:10", 17),
            version("SEQUENCE:9|DTSTAMP:20261101T000000Z", 20),
            "11-24 09:00-10:00",
        ),
        (
            "by stamp",
            version("DTSTAMP:20261101T000000Z", 17),
            version("DTSTAMP:20261001T000000Z", 20),
            "11-24 09:00-10:00",
        ),
        (
            "none",
            version("", 17),
            version("SEQUENCE:0", 20),
            "11-24 09:00-10:00, 11-24 12:00-13:00",
        ),
        ("the later is cancelled", version("SEQUENCE:1|STATUS:CANCELLED", 17), version("", 20), ""),
        (
            "the earlier is cancelled",
            version("SEQUENCE:1", 17),
            version("STATUS:CANCELLED", 20),
            "11-24 09:00-10:00",
        ),
    ];
    for (name, one, other, expected) in rows {
        for lines in [format!("{one}|{other}"), format!("{other}|{one}")] {
            assert_eq!(joined(calendar(&lines), WINTER), expected, "{name}");
        }
    }
    let moved = |sequence: u8, hour: u8| {
        replacement(&format!(
            "SEQUENCE:{sequence}|RECURRENCE-ID:20261201T170000Z|DTSTART:20261202T{hour}0000Z|DURATION:PT1H"
        ))
    };
    let others = format!("{}|{}", moved(2, 17), moved(1, 20));
    assert_eq!(
        joined(series("", &others), WINTER),
        "11-24 09:00-10:00, 12-02 09:00-10:00, 12-08 09:00-10:00, 12-15 09:00-10:00"
    );
}

#[test]
fn rdate_can_add_the_second_of_a_repeated_time() {
    let lines = "DTSTART:20261031T083000Z|DURATION:PT15M|RDATE:20261101T093000Z";
    let zoned = lines.replace("20261031T083000Z", "20261031T013000");
    for lines in [lines, &zoned] {
        let set = busy_times(event(lines).as_bytes(), window(YEAR), &los_angeles()).unwrap();
        assert_eq!(set.as_slice()[1].start().to_string(), "2026-11-01T09:30:00Z");
    }
}
