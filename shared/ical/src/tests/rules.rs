//! Recurrence rules.

use super::*;

/// Returns the days on which a one-hour event at 09:00 recurs, such as `11-24 12-01`.
fn days(start: &str, rule: &str, days: (&str, &str)) -> String {
    let lines = format!("DTSTART:{start}T090000|DURATION:PT1H|RRULE:{rule}");
    match busy(event(&lines), days) {
        Ok(busy) => {
            let day = |busy: &String| busy.strip_suffix(" 09:00-10:00").unwrap().to_owned();
            busy.iter().map(day).collect::<Vec<_>>().join(" ")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn rules_recur_as_rfc_5545_says() {
    let rows = [
        ("daily with a count", "20261124", "FREQ=DAILY;COUNT=3", "11-24 11-25 11-26"),
        ("a count from before the window", "20261120", "FREQ=DAILY;COUNT=5", "11-23 11-24"),
        ("a count that ended long ago", "20050101", "FREQ=DAILY;COUNT=1000", ""),
        (
            "a count that ends in the window",
            "20050103",
            "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=2286",
            "11-23 11-26",
        ),
        ("every third day", "20261122", "FREQ=DAILY;INTERVAL=3;COUNT=4", "11-25 11-28 12-01"),
        ("daily, in some months", "20201230", "FREQ=DAILY;BYMONTH=1;INTERVAL=2", "01-02 01-04"),
        (
            "daily, on a day of the month",
            "20201230",
            "FREQ=DAILY;BYMONTHDAY=1,-1",
            "11-30 12-01 12-31 01-01",
        ),
        ("until a date", "20261123", "FREQ=DAILY;UNTIL=20261125", "11-23 11-24 11-25"),
        (
            "until the start of the last",
            "20261123",
            "FREQ=DAILY;UNTIL=20261125T170000Z",
            "11-23 11-24 11-25",
        ),
        ("until before the last", "20261123", "FREQ=DAILY;UNTIL=20261125T165959Z", "11-23 11-24"),
        (
            "until a floating time",
            "20261123",
            "FREQ=DAILY;UNTIL=20261125T090000",
            "11-23 11-24 11-25",
        ),
        ("until long ago", "20050101", "FREQ=DAILY;UNTIL=20060101", ""),
        (
            "weekly on the start's day",
            "20050104",
            "FREQ=WEEKLY",
            "11-24 12-01 12-08 12-15 12-22 12-29",
        ),
        (
            "weekly on several days",
            "20261124",
            "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4",
            "11-24 11-26 12-01 12-03",
        ),
        (
            "every other week",
            "20261124",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;COUNT=5",
            "11-24 11-29 12-08 12-13 12-22",
        ),
        (
            "weeks that start on Sunday",
            "20261124",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU;COUNT=5",
            "11-24 12-06 12-08 12-20 12-22",
        ),
        (
            "weekly, in some months",
            "20261124",
            "FREQ=WEEKLY;BYMONTH=12;COUNT=2",
            "11-24 12-01 12-08",
        ),
        ("the first Monday", "20200106", "FREQ=MONTHLY;BYDAY=1MO", "12-07 01-04"),
        ("the last Friday", "20200131", "FREQ=MONTHLY;BYDAY=-1FR", "11-27 12-25"),
        ("the fifth Monday, where there is one", "20200330", "FREQ=MONTHLY;BYDAY=5MO", "11-30"),
        ("the third to last day", "20200129", "FREQ=MONTHLY;BYMONTHDAY=-3", "11-28 12-29"),
        ("two days of the month", "20200101", "FREQ=MONTHLY;BYMONTHDAY=1,15", "12-01 12-15 01-01"),
        ("Friday the 13th", "20200313", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", ""),
        (
            "the first Saturday after the first Sunday",
            "20200111",
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
            "12-12",
        ),
        ("every third month", "20200928", "FREQ=MONTHLY;INTERVAL=3", "12-28"),
        (
            "the last weekday of the month",
            "20200131",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "11-30 12-31",
        ),
        (
            "the second and third weekday",
            "20200102",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2,3",
            "12-02 12-03 01-04",
        ),
        ("yearly on the start's day", "20051225", "FREQ=YEARLY", "12-25"),
        ("yearly in two months", "20200101", "FREQ=YEARLY;BYMONTH=1,12", "12-01 01-01"),
        (
            "yearly, the fourth Thursday of November",
            "20201126",
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            "11-26",
        ),
        ("yearly, the last Sunday of the year", "20201227", "FREQ=YEARLY;BYDAY=-1SU", "12-27"),
        ("yearly, the 48th Tuesday", "20201201", "FREQ=YEARLY;BYDAY=48TU", "12-01"),
        ("yearly, the last day", "20201231", "FREQ=YEARLY;BYYEARDAY=-1", "12-31"),
        (
            "yearly, days by number",
            "20200101",
            "FREQ=YEARLY;BYYEARDAY=1,335,400",
            "event it: rule \"FREQ=YEARLY;BYYEARDAY=1,335,400\": BYYEARDAY=1,335,400 is not understood",
        ),
        ("yearly, a week", "20201207", "FREQ=YEARLY;BYWEEKNO=50", "12-07"),
        (
            "yearly, week 1 of 2027 begins there",
            "20200101",
            "FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO",
            "12-28 01-04",
        ),
        ("every fifth year", "20051225", "FREQ=YEARLY;INTERVAL=5", ""),
        ("every seventh year", "20051225", "FREQ=YEARLY;INTERVAL=7", "12-25"),
        (
            "a start that the rule does not admit",
            "20261124",
            "FREQ=WEEKLY;BYDAY=WE;COUNT=2",
            "11-24 11-25 12-02",
        ),
        ("a rule that never recurs", "20261124", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "11-24"),
        ("an interval beyond time", "20261124", "FREQ=YEARLY;INTERVAL=4294967295", "11-24"),
        ("lower case", "20261124", "freq=weekly;byday=tu;count=2", "11-24 12-01"),
        ("two days that are one", "20261124", "FREQ=WEEKLY;BYDAY=TU,TU;COUNT=2", "11-24 12-01"),
    ];
    for (name, start, rule, expected) in rows {
        assert_eq!(days(start, rule, WINTER), expected, "{name}");
    }
}

#[test]
fn days_that_do_not_exist_are_skipped() {
    assert_eq!(days("20260131", "FREQ=MONTHLY", YEAR), "01-31 03-31 05-31 07-31 08-31 10-31 12-31");
    let leap_day = |year: (&str, &str)| days("20240229", "FREQ=YEARLY", year);
    assert_eq!(leap_day(YEAR), "");
    assert_eq!(leap_day(("2028-01-01", "2029-01-01")), "02-29");
    assert_eq!(days("20240229", "FREQ=YEARLY;COUNT=2", ("2028-01-01", "2029-01-01")), "02-29");
}

#[test]
fn a_rule_may_recur_several_times_a_day() {
    let rows = [
        (
            "hours",
            "DTSTART:20261124T090000|DURATION:PT30M|RRULE:FREQ=DAILY;BYHOUR=9,14;COUNT=3",
            "11-24 09:00-09:30, 11-24 14:00-14:30, 11-25 09:00-09:30",
        ),
        (
            "the last of them",
            "DTSTART:20261124T143000|DURATION:PT30M|RRULE:FREQ=DAILY;BYHOUR=9,14;BYMINUTE=0,30;BYSETPOS=-1;COUNT=2",
            "11-24 14:30-15:00, 11-25 14:30-15:00",
        ),
        (
            "two rules",
            "DTSTART:20261124T090000|DURATION:PT30M|RRULE:FREQ=DAILY;COUNT=2|RRULE:FREQ=WEEKLY;COUNT=2",
            "11-24 09:00-09:30, 11-25 09:00-09:30, 12-01 09:00-09:30",
        ),
        (
            "a rule that takes instances out",
            "DTSTART:20261124T090000|DURATION:PT30M|RRULE:FREQ=DAILY;COUNT=4|EXRULE:FREQ=DAILY;INTERVAL=2",
            "11-25 09:00-09:30, 11-27 09:00-09:30",
        ),
        (
            "all-day until a time",
            "DTSTART;VALUE=DATE:20261124|RRULE:FREQ=DAILY;UNTIL=20261125T000000Z",
            "11-24 00:00-11-26 00:00",
        ),
        (
            "hourly",
            "DTSTART:20261124T090000|RRULE:FREQ=HOURLY",
            "event it: rule \"FREQ=HOURLY\": FREQ=HOURLY is not understood",
        ),
        ("no rule at all", "DTSTART:20261124T090000|RRULE:", "event it: rule \"\": it has no FREQ"),
    ];
    check_events(WINTER, &rows);
}

#[test]
fn occurrences_keep_their_wall_clock_time() {
    let lines = "DTSTART;TZID=America/New_York:20050103T120000|DURATION:PT1H|RRULE:FREQ=MONTHLY;BYMONTHDAY=3";
    let set = busy_times(event(lines).as_bytes(), window(YEAR), &los_angeles()).unwrap();
    assert_eq!(set.len(), 12);
    for instance in &set {
        assert_eq!(los_angeles().to_datetime(instance.start()).hour(), 9);
    }
}

#[test]
fn an_endless_series_does_not_use_up_the_limit_of_other_events() {
    let lines =
        "BEGIN:VEVENT|UID:a|DTSTART:19000101T090000|DURATION:PT1H|RRULE:FREQ=DAILY|END:VEVENT
        BEGIN:VEVENT|UID:b|DTSTART:20261124T120000|DURATION:PT1H|END:VEVENT";
    let found = busy(calendar(lines), ("2026-11-24", "2026-11-25")).unwrap();
    assert_eq!(found, ["11-24 09:00-10:00", "11-24 12:00-13:00"]);
}

#[test]
fn too_many_occurrences_are_an_error() {
    for rule in [
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59;BYSECOND=0,30",
        "FREQ=DAILY;BYMONTHDAY=29;BYMONTH=2,3;COUNT=4000000000",
    ] {
        let feed = event(&format!("DTSTART:10000101T090000|DURATION:PT1S|RRULE:{rule}"));
        assert_eq!(busy(feed, WINTER), Err(IcalError::TooManyOccurrences { uid: "it".to_owned() }));
    }
}
