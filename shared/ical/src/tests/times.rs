//! Dates, times, lengths and zones.

use super::*;

const STARTS_AT_NINE: &str = "11-24 09:00-10:00";

#[test]
fn an_event_is_busy_from_its_start_to_its_end() {
    let rows = [
        (
            "all day",
            "DTSTART;VALUE=DATE:20261124|DTEND;VALUE=DATE:20261125",
            "11-24 00:00-11-25 00:00",
        ),
        ("all day, without an end", "DTSTART;VALUE=DATE:20261124", "11-24 00:00-11-25 00:00"),
        (
            "all day, ending on its day",
            "DTSTART;VALUE=DATE:20261124|DTEND;VALUE=DATE:20261124",
            "11-24 00:00-11-25 00:00",
        ),
        ("all day, without VALUE", "DTSTART:20261124", "11-24 00:00-11-25 00:00"),
        (
            "several days",
            "DTSTART;VALUE=DATE:20261124|DTEND;VALUE=DATE:20261127",
            "11-24 00:00-11-27 00:00",
        ),
        (
            "days as a duration",
            "DTSTART;VALUE=DATE:20261124|DURATION:P1W",
            "11-24 00:00-12-01 00:00",
        ),
        (
            "a month, begun before",
            "DTSTART;VALUE=DATE:20261101|DTEND;VALUE=DATE:20261201",
            "11-23 00:00-12-01 00:00",
        ),
        ("overnight", "DTSTART:20261124T220000|DTEND:20261125T060000", "11-24 22:00-11-25 06:00"),
        (
            "begun before the window",
            "DTSTART:20261122T230000|DTEND:20261123T010000",
            "11-23 00:00-01:00",
        ),
        ("ended before the window", "DTSTART:20261122T230000|DTEND:20261123T000000", ""),
        ("after the window", "DTSTART:20270105T000000|DURATION:PT1H", ""),
        (
            "over the whole window",
            "DTSTART:20200101T000000|DTEND:20300101T000000",
            "11-23 00:00-01-05 00:00",
        ),
        (
            "a long instance from before",
            "DTSTART;VALUE=DATE:20201001|DURATION:P60D|RRULE:FREQ=YEARLY",
            "11-23 00:00-11-30 00:00",
        ),
        ("a duration", "DTSTART:20261124T090000|DURATION:PT1H", STARTS_AT_NINE),
        ("no length", "DTSTART:20261124T090000", ""),
        ("a length of nothing", "DTSTART:20261124T090000|DTEND:20261124T090000", ""),
        ("transparent", "DTSTART:20261124T090000|DURATION:PT1H|TRANSP:TRANSPARENT", ""),
        ("opaque", "DTSTART:20261124T090000|DURATION:PT1H|TRANSP:OPAQUE", STARTS_AT_NINE),
        ("cancelled", "DTSTART:20261124T090000|DURATION:PT1H|status:cancelled", ""),
        ("tentative", "DTSTART:20261124T090000|DURATION:PT1H|STATUS:TENTATIVE", STARTS_AT_NINE),
        (
            "free in Outlook",
            "DTSTART:20261124T090000|DURATION:PT1H|X-MICROSOFT-CDO-BUSYSTATUS:FREE",
            "",
        ),
        (
            "out of office in Outlook",
            "DTSTART:20261124T090000|DURATION:PT1H|X-MICROSOFT-CDO-BUSYSTATUS:OOF",
            STARTS_AT_NINE,
        ),
        (
            "text that looks like properties",
            "SUMMARY:a\\nTRANSP:TRANSPARENT\\, b|DTSTART:20261124T090000|DURATION:PT1H",
            STARTS_AT_NINE,
        ),
        (
            "lower case",
            "dtstart;tzid=america/los_angeles:20261124t090000|dtend;value=date-time:20261124T180000z",
            STARTS_AT_NINE,
        ),
    ];
    check_events(WINTER, &rows);
}

#[test]
fn an_error_names_the_event_and_the_reason() {
    let rows = [
        ("no start", "SUMMARY:x", "event it: it has no DTSTART"),
        (
            "two starts",
            "DTSTART:20261124T090000|DTSTART:20261125T090000",
            "event it: it has more than one DTSTART",
        ),
        ("no date", "DTSTART:yesterday", "event it: DTSTART \"yesterday\" cannot be read"),
        (
            "a day that does not exist",
            "DTSTART:20261131T090000",
            "event it: DTSTART \"20261131T090000\" cannot be read",
        ),
        (
            "a time that says it is a date",
            "DTSTART;VALUE=DATE:20261124T090000",
            "event it: DTSTART \"20261124T090000\" cannot be read",
        ),
        (
            "a date and a time",
            "DTSTART;VALUE=DATE:20261124|DTEND:20261125T090000",
            "event it: one of DTSTART and DTEND is a date, the other a date-time",
        ),
        (
            "the end first",
            "DTSTART:20261124T090000|DTEND:20261124T080000",
            "event it: it ends (2026-11-24T08:00:00) before it begins (2026-11-24T09:00:00)",
        ),
        (
            "the last day first",
            "DTSTART:20261124|DTEND:20261123",
            "event it: it ends (2026-11-23T00:00:00) before it begins (2026-11-24T00:00:00)",
        ),
        (
            "an end and a length",
            "DTSTART:20261124T090000|DTEND:20261124T100000|DURATION:PT1H",
            "event it: it has a DTEND and a DURATION",
        ),
        (
            "a length below zero",
            "DTSTART:20261124T090000|DURATION:-PT1H",
            "event it: DURATION \"-PT1H\" cannot be read",
        ),
        (
            "an unknown zone",
            "DTSTART;TZID=Moon/Base:20261124T090000",
            "event it: time zone \"Moon/Base\" is not known",
        ),
        (
            "the zone that is unknown by name",
            "DTSTART;TZID=Etc/Unknown:20261124T090000",
            "event it: time zone \"Etc/Unknown\" is not known",
        ),
        (
            "long ago",
            "DTSTART;TZID=Moon/Base:19991124T090000",
            "event it: time zone \"Moon/Base\" is not known",
        ),
        (
            "a sequence of letters",
            "DTSTART:20261124T090000|SEQUENCE:x",
            "event it: SEQUENCE \"x\" is not a number",
        ),
        ("free, and not understood", "DTSTART:yesterday|TRANSP:TRANSPARENT", ""),
        (
            "a malformed line",
            "DTSTART:20261124T090000|rubbish",
            "event it: line 7 after unfolding has no name or no value",
        ),
    ];
    check_events(WINTER, &rows);
    let unnamed = calendar("BEGIN:VEVENT|DTSTART:x|END:VEVENT");
    assert_eq!(joined(unnamed, WINTER), "event (no UID): DTSTART \"x\" cannot be read");
}

#[test]
fn iana_windows_and_prefixed_zone_names_are_known() {
    for name in [
        "America/New_York",
        "\"America/New_York\"",
        "US/Eastern",
        "Eastern Standard Time",
        "\"Eastern Standard Time\"",
        "/mozilla.org/20050126_1/America/New_York",
        "/softwarestudio.org/Tzfile/America/New_York",
        "/freeassociation.sourceforge.net/Tzfile/US/Eastern",
    ] {
        let lines = format!("DTSTART;TZID={name}:20261124T120000|DURATION:PT1H");
        assert_eq!(joined(event(&lines), WINTER), STARTS_AT_NINE, "{name}");
    }
    for name in
        ["W. Europe Standard Time", "Romance Standard Time", "Central European Standard Time"]
    {
        let lines = format!("DTSTART;TZID={name}:20261124T180000|DURATION:PT1H");
        assert_eq!(joined(event(&lines), WINTER), STARTS_AT_NINE, "{name}");
    }
}

#[test]
fn windows_names_are_mapped_to_the_right_zones() {
    for (windows, hours) in [
        ("Pacific Standard Time", -8),
        ("India Standard Time", 5),
        ("UTC", 0),
        ("Tokyo Standard Time", 9),
    ] {
        let lines = format!("DTSTART;TZID={windows}:20261124T120000|DURATION:PT1H");
        let set = busy_times(event(&lines).as_bytes(), window(WINTER), &los_angeles()).unwrap();
        let start = set.as_slice()[0].start();
        assert_eq!(
            i64::from(12 - hours),
            (start.as_second() / 3600).rem_euclid(24) + i64::from(hours == 5),
            "{windows}"
        );
    }
}

#[test]
fn a_time_without_a_zone_is_in_the_calendars_zone() {
    let rows = [
        (
            "the salon's",
            "BEGIN:VEVENT|UID:e|DTSTART:20261124T090000|DURATION:PT1H|END:VEVENT",
            STARTS_AT_NINE,
        ),
        (
            "the calendar's",
            "X-WR-TIMEZONE:Europe/Paris|BEGIN:VEVENT|UID:e|DTSTART:20261124T180000|DURATION:PT1H|END:VEVENT",
            STARTS_AT_NINE,
        ),
        (
            "given last",
            "BEGIN:VEVENT|UID:e|DTSTART:20261124T180000|DURATION:PT1H|END:VEVENT|X-WR-TIMEZONE:Europe/Paris",
            STARTS_AT_NINE,
        ),
        (
            "a day of it",
            "X-WR-TIMEZONE:Europe/Paris|BEGIN:VEVENT|UID:e|DTSTART;VALUE=DATE:20261124|END:VEVENT",
            "11-23 15:00-11-24 15:00",
        ),
        (
            "unknown",
            "X-WR-TIMEZONE:Moon|BEGIN:VEVENT|UID:e|DTSTART:20261124T180000|END:VEVENT",
            "event e: time zone \"Moon\" is not known",
        ),
        (
            "unknown and not needed",
            "X-WR-TIMEZONE:Moon|BEGIN:VEVENT|UID:e|DTSTART:20261124T170000Z|DURATION:PT1H|END:VEVENT",
            STARTS_AT_NINE,
        ),
    ];
    check_calendars(WINTER, &rows);
}

#[test]
fn a_time_in_a_gap_is_shifted_and_one_in_a_fold_is_the_first() {
    // 2026-03-08 has no 02:00 to 03:00; 2026-11-01 has 01:00 to 02:00 twice.
    let rows = [
        ("start in the gap", "DTSTART:20260308T023000|DURATION:PT1H", "03-08 03:30-04:30"),
        (
            "start and end in the gap",
            "DTSTART:20260308T021500|DTEND:20260308T024500",
            "03-08 03:15-03:45",
        ),
        (
            "end at the gap's end",
            "DTSTART:20260308T020000|DTEND:20260308T030000",
            "03-08 03:00-04:00",
        ),
        ("over the gap", "DTSTART:20260308T010000|DTEND:20260308T040000", "03-08 01:00-04:00"),
        (
            "a nominal day over the gap",
            "DTSTART:20260307T120000|DURATION:P1D",
            "03-07 12:00-03-08 12:00",
        ),
        (
            "24 hours over the gap",
            "DTSTART:20260307T120000|DURATION:PT24H",
            "03-07 12:00-03-08 13:00",
        ),
        ("a day of 23 hours", "DTSTART;VALUE=DATE:20260308", "03-08 00:00-03-09 00:00"),
        (
            "recurring into the gap",
            "DTSTART:20260307T023000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3",
            "03-07 02:30-03:30, 03-08 03:30-04:30, 03-09 02:30-03:30",
        ),
        (
            "the same length over the fold",
            "DTSTART:20261031T000000|DTEND:20261031T040000|RRULE:FREQ=DAILY;COUNT=2",
            "10-31 00:00-04:00, 11-01 00:00-03:00",
        ),
        (
            "taken out of the gap",
            "DTSTART:20260307T023000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3|EXDATE:20260308T023000",
            "03-07 02:30-03:30, 03-09 02:30-03:30",
        ),
    ];
    check_events(YEAR, &rows);
    let fold = event("DTSTART:20261101T013000|DURATION:PT15M");
    let set = busy_times(fold.as_bytes(), window(YEAR), &los_angeles()).unwrap();
    assert_eq!(set.as_slice()[0].start().to_string(), "2026-11-01T08:30:00Z");
    let both = event("DTSTART:20261101T013000|DTEND:20261101T100000Z");
    assert_eq!(joined(both, YEAR), "11-01 01:30-02:00");
}

/// New York under a name that is not known.
const CUSTOM: &str = "BEGIN:VTIMEZONE|TZID:Customized Time Zone
    BEGIN:STANDARD|DTSTART:16010101T020000|TZOFFSETFROM:-0400|TZOFFSETTO:-0500|RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11|END:STANDARD
    BEGIN:DAYLIGHT|DTSTART:16010101T020000|TZOFFSETFROM:-0500|TZOFFSETTO:-0400|RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3|END:DAYLIGHT
    END:VTIMEZONE";

#[test]
fn a_described_zone_agrees_with_the_zone_that_it_copies() {
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut probes = Vec::new();
    for month in 1..=12 {
        probes.push(date(2026, month, 15).at(12, 0, 0, 0));
    }
    for (month, day) in [(3, 8), (11, 1)] {
        for quarter in 0_i8..20 {
            probes.push(date(2026, month, day).at(quarter / 4, quarter % 4 * 15, 0, 0));
        }
    }
    for probe in probes.iter().copied() {
        let start = probe.strftime("%Y%m%dT%H%M%S");
        let lines = format!(
            "{CUSTOM}|BEGIN:VEVENT|UID:e|DTSTART;TZID=Customized Time Zone:{start}|DURATION:PT1M|END:VEVENT"
        );
        let set = busy_times(calendar(&lines).as_bytes(), window(YEAR), &los_angeles()).unwrap();
        assert_eq!(set.as_slice()[0].start(), zone.to_timestamp(probe).unwrap(), "{probe}");
    }
}

#[test]
fn a_described_zone_may_follow_its_events_and_may_end() {
    let event = |name: &str| {
        format!("BEGIN:VEVENT|UID:e|DTSTART;TZID={name}:20261124T090000|DURATION:PT1H|END:VEVENT")
    };
    let fixed =
        "BEGIN:STANDARD|DTSTART:19700101T000000|TZOFFSETFROM:-0700|TZOFFSETTO:-0800|END:STANDARD";
    let rows = [
        ("after", format!("{}|BEGIN:VTIMEZONE|TZID:Here|{fixed}|END:VTIMEZONE", event("Here")), STARTS_AT_NINE),
        ("with a location", format!("BEGIN:VTIMEZONE|TZID:Here|X-LIC-LOCATION:America/Los_Angeles|END:VTIMEZONE|{}", event("Here")), STARTS_AT_NINE),
        ("a rule that ended", format!("BEGIN:VTIMEZONE|TZID:Here|{fixed}
            BEGIN:DAYLIGHT|DTSTART:19990101T000000|TZOFFSETFROM:-0800|TZOFFSETTO:-0700|RRULE:FREQ=YEARLY;UNTIL=20000101T080000Z|END:DAYLIGHT
            BEGIN:STANDARD|DTSTART:20010101T000000|TZOFFSETFROM:-0700|TZOFFSETTO:-0800|RDATE:20020101T000000|END:STANDARD
            END:VTIMEZONE|{}", event("Here")), STARTS_AT_NINE),
        ("a known name beats a wrong description", format!("BEGIN:VTIMEZONE|TZID:America/Los_Angeles|{}|END:VTIMEZONE|{}", fixed.replace("-0800", "+0800"), event("America/Los_Angeles")), STARTS_AT_NINE),
        ("without parts", format!("BEGIN:VTIMEZONE|TZID:Here|END:VTIMEZONE|{}", event("Here")), "event e: time zone \"Here\": it has no STANDARD and no DAYLIGHT part"),
        ("without an offset", format!("BEGIN:VTIMEZONE|TZID:Here|BEGIN:STANDARD|DTSTART:19700101T000000|TZOFFSETFROM:-0700|END:STANDARD|END:VTIMEZONE|{}", event("Here")), "event e: time zone \"Here\": a part has no TZOFFSETTO"),
        ("broken and not needed", format!("BEGIN:VTIMEZONE|TZID:There|END:VTIMEZONE|{}", event("America/Los_Angeles")), STARTS_AT_NINE),
    ];
    for (name, lines, expected) in rows {
        assert_eq!(joined(calendar(&lines), WINTER), expected, "{name}");
    }
}
