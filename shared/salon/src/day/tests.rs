use jiff::civil::date;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a bundled time zone")
}

fn ranges(text: &[&str]) -> IntervalSet<ClockTime> {
    let range = |text: &&str| {
        let (start, end) = text.split_once('-').expect("a range");
        ClockRange::new(start.parse().expect("a start"), end.parse().expect("an end"))
    };
    text.iter().filter_map(range).collect()
}

fn shown(set: &IntervalSet<ClockTime>) -> Vec<String> {
    set.iter().map(|range| format!("{}-{}", range.start(), range.end())).collect()
}

/// Writes instants as a person in the zone would: `01:30-07:00`.
fn local(day: &Day, set: &IntervalSet<Timestamp>) -> Vec<String> {
    let at = |instant: Timestamp| {
        let offset = day.offset_at(instant);
        instant.display_with_offset(offset).to_string()[11..]
            .replace(":00-", "-")
            .replace(":00+", "+")
    };
    set.iter().map(|span| format!("{}..{}", at(span.start()), at(span.end()))).collect()
}

#[test]
fn days_with_a_clock_change_have_the_right_length_and_times() {
    // zone, date, hours in the day, wall-clock 00:00-06:00 as instants, and back
    type Row = (&'static str, Date, f64, &'static [&'static str], &'static [&'static str]);
    let table: [Row; 7] = [
        (
            "America/Los_Angeles",
            date(2026, 3, 8),
            23.0,
            &["00:00-08:00..06:00-07:00"],
            &["00:00-02:00", "03:00-06:00"],
        ),
        (
            "America/Los_Angeles",
            date(2026, 11, 1),
            25.0,
            &["00:00-07:00..06:00-08:00"],
            &["00:00-06:00"],
        ),
        (
            "Europe/London",
            date(2026, 3, 29),
            23.0,
            &["00:00+00:00..06:00+01:00"],
            &["00:00-01:00", "02:00-06:00"],
        ),
        (
            "Europe/London",
            date(2026, 10, 25),
            25.0,
            &["00:00+01:00..06:00+00:00"],
            &["00:00-06:00"],
        ),
        (
            "Australia/Lord_Howe",
            date(2026, 4, 5),
            24.5,
            &["00:00+11:00..06:00+10:30"],
            &["00:00-06:00"],
        ),
        (
            "Australia/Lord_Howe",
            date(2026, 10, 4),
            23.5,
            &["00:00+10:30..06:00+11:00"],
            &["00:00-02:00", "02:30-06:00"],
        ),
        ("Asia/Tokyo", date(2026, 3, 29), 24.0, &["00:00+09:00..06:00+09:00"], &["00:00-06:00"]),
    ];
    for (name, date, hours, instants, clock_times) in table {
        let day = Day::new(date, &zone(name));
        let length = day.span().end().duration_since(day.span().start());
        assert!((length.as_secs_f64() / 3600.0 - hours).abs() < 1e-9, "{name} {date}: {length}");
        let open = day.instants(&ranges(&["00:00-06:00"]));
        assert_eq!(local(&day, &open), instants, "{name} {date}");
        assert_eq!(shown(&day.clock_times(&open)), clock_times, "{name} {date}");
    }
}

#[test]
fn no_other_day_of_2026_has_a_clock_change() {
    let table: [(&str, &[&str]); 4] = [
        ("America/Los_Angeles", &["2026-03-08", "2026-11-01"]),
        ("Europe/London", &["2026-03-29", "2026-10-25"]),
        ("Australia/Lord_Howe", &["2026-04-05", "2026-10-04"]),
        ("Asia/Tokyo", &[]),
    ];
    for (name, expected) in table {
        let zone = zone(name);
        let days = date(2026, 1, 1).series(jiff::Span::new().days(1)).take(365);
        let odd: Vec<String> = days
            .map(|date| Day::new(date, &zone))
            .filter(|day| day.pieces.len() > 1)
            .map(|day| day.date().to_string())
            .collect();
        assert_eq!(odd, expected, "{name}");
    }
}

#[test]
fn a_day_without_midnight_starts_at_one_o_clock() {
    let day = Day::new(date(2026, 4, 24), &zone("Africa/Cairo"));
    let all = day.instants(&ranges(&["00:00-24:00"]));
    assert_eq!(local(&day, &all), ["01:00+03:00..00:00+03:00"]);
    assert_eq!(shown(&day.clock_times(&all)), ["01:00-24:00"]);
}

#[test]
fn a_repeated_time_is_free_only_if_both_occurrences_are() {
    let day = Day::new(date(2026, 11, 1), &zone("America/Los_Angeles"));
    let busy_in_second_half: Interval<Timestamp> = Interval::new(
        "2026-11-01T01:30:00-08:00".parse().expect("an instant"),
        "2026-11-01T01:45:00-08:00".parse().expect("an instant"),
    )
    .expect("a span");
    let all = day.instants(&ranges(&["00:00-24:00"]));
    let free = all.difference(&[busy_in_second_half].into_iter().collect());
    assert_eq!(shown(&day.clock_times(&free)), ["00:00-01:30", "01:45-24:00"]);
}

#[test]
fn a_partly_busy_minute_is_not_free() {
    let day = Day::new(date(2026, 11, 24), &zone("America/Los_Angeles"));
    let free = Interval::new(
        "2026-11-24T10:00:01-08:00".parse().expect("an instant"),
        "2026-11-24T10:59:59-08:00".parse().expect("an instant"),
    );
    assert_eq!(shown(&day.clock_times(&free.into_iter().collect())), ["10:01-10:59"]);
}

#[test]
fn aligned_instants_follow_the_wall_clock_through_a_clock_change() {
    let table: [(&str, Date, &[&str]); 2] = [
        ("America/Los_Angeles", date(2026, 3, 8), &["01:00", "01:30", "03:00", "03:30", "04:00"]),
        (
            "Australia/Lord_Howe",
            date(2026, 4, 5),
            &["01:00", "01:30", "01:30", "02:00", "02:30", "03:00", "03:30"],
        ),
    ];
    for (name, date, expected) in table {
        let day = Day::new(date, &zone(name));
        let within = day.instants(&ranges(&["01:00-04:30"]));
        let shown: Vec<String> = within
            .iter()
            .flat_map(|span| day.aligned(30, span))
            .map(|at| local(&day, &Interval::new(at, Timestamp::MAX).into_iter().collect()))
            .map(|text| text[0][..5].to_owned())
            .take(expected.len())
            .collect();
        assert_eq!(shown, expected, "{name}");
    }
}

#[test]
fn a_day_reads_wall_clock_times_as_every_occurrence() {
    let days = [
        (date(2026, 3, 8), "America/Los_Angeles"),
        (date(2026, 11, 1), "America/Los_Angeles"),
        (date(2026, 4, 5), "Australia/Lord_Howe"),
        (date(2026, 4, 24), "Africa/Cairo"),
        (date(2026, 3, 29), "Asia/Tokyo"),
    ];
    for (date, name) in days {
        let zone = zone(name);
        let day = Day::new(date, &zone);
        for minute in (0..24 * 60).step_by(5) {
            let clock = |minute| ClockTime::from_minutes(minute).expect("a time");
            let range = ClockRange::new(clock(minute), clock(minute + 1)).into_iter().collect();
            let found: Vec<Timestamp> = day.instants(&range).iter().map(Interval::start).collect();
            let time = date.at(0, 0, 0, 0) + SignedDuration::from_mins(minute.into());
            let expected: Vec<Timestamp> =
                DstPolicy::EveryOccurrence.instants(time, &zone).collect();
            assert_eq!(found, expected, "{time} in {name}");
        }
    }
}
