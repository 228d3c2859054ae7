//! Properties that hold for all rules and all bytes.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use proptest::prelude::*;

use super::*;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

#[derive(Clone, Debug)]
enum End {
    Never,
    Count(usize),
    Until(Date),
}

/// A rule with few parts.
#[derive(Clone, Debug)]
struct SimpleRule {
    frequency: &'static str,
    interval: i32,
    week_days: Vec<(Option<i32>, usize)>,
    month_days: Vec<i8>,
    months: Vec<i8>,
    end: End,
    start: Date,
}

impl SimpleRule {
    fn text(&self) -> String {
        let list = |name: &str, list: Vec<String>| {
            if list.is_empty() { String::new() } else { format!(";{name}={}", list.join(",")) }
        };
        let week_day = |(ordinal, day): &(Option<i32>, usize)| {
            let ordinal = ordinal.map(|ordinal| ordinal.to_string()).unwrap_or_default();
            ordinal + WEEKDAYS[*day].0
        };
        let end = match self.end {
            End::Never => String::new(),
            End::Count(count) => format!(";COUNT={count}"),
            End::Until(date) => format!(";UNTIL={}", date.strftime("%Y%m%d")),
        };
        let Self { frequency, interval, .. } = self;
        format!(
            "FREQ={frequency};INTERVAL={interval}{}{}{}{end}",
            list("BYDAY", self.week_days.iter().map(week_day).collect()),
            list("BYMONTHDAY", self.month_days.iter().map(ToString::to_string).collect()),
            list("BYMONTH", self.months.iter().map(ToString::to_string).collect()),
        )
    }

    /// Walks through all days from the start and checks each against the rule.
    fn walk(&self, to: Date) -> Vec<Date> {
        let mut found = Vec::new();
        let mut day = self.start;
        while day < to {
            if matches!(self.end, End::Until(until) if day > until) {
                break;
            }
            if self.is_in_period(day) && self.admits(day) {
                found.push(day);
            }
            if matches!(self.end, End::Count(count) if found.len() == count) {
                break;
            }
            day = day.tomorrow().unwrap();
        }
        // The start is always an occurrence.
        if found.first() != Some(&self.start) {
            found.insert(0, self.start);
        }
        found
    }

    fn is_in_period(&self, day: Date) -> bool {
        let monday = |date: Date| date - i64::from(date.weekday().to_monday_zero_offset()).days();
        let days = |from: Date, to: Date| (to - from).get_days();
        let months = i32::from(day.year() - self.start.year()) * 12
            + i32::from(day.month() - self.start.month());
        let periods = match self.frequency {
            "DAILY" => days(self.start, day),
            "WEEKLY" => days(monday(self.start), monday(day)) / 7,
            "MONTHLY" => months,
            _ => i32::from(day.year() - self.start.year()),
        };
        periods % self.interval == 0
    }

    fn admits(&self, day: Date) -> bool {
        let by_month = self.months.contains(&day.month());
        let by_month_day = self.month_days.iter().any(|&wanted| {
            let whole = day.last_of_month().day();
            day.day() == if wanted < 0 { whole + 1 + wanted } else { wanted }
        });
        let by_week_day = self.week_days.iter().any(|&(ordinal, wanted)| {
            day.weekday() == WEEKDAYS[wanted].1
                && ordinal.is_none_or(|ordinal| self.is_nth(day, ordinal))
        });
        let open = self.week_days.is_empty() && self.month_days.is_empty();
        let by_start = match self.frequency {
            "WEEKLY" => !self.week_days.is_empty() || day.weekday() == self.start.weekday(),
            "MONTHLY" => !open || day.day() == self.start.day(),
            "YEARLY" => {
                !open
                    || day.day() == self.start.day()
                        && (!self.months.is_empty() || day.month() == self.start.month())
            }
            _ => true,
        };
        by_start
            && (self.months.is_empty() || by_month)
            && (self.month_days.is_empty() || by_month_day)
            && (self.week_days.is_empty() || by_week_day)
    }

    /// Returns whether this is the `ordinal`th such weekday of its month or year.
    fn is_nth(&self, day: Date, ordinal: i32) -> bool {
        let whole_year = self.frequency == "YEARLY" && self.months.is_empty();
        let same = |other: Date| {
            other.year() == day.year() && (whole_year || other.month() == day.month())
        };
        let mut number = 0;
        let mut other = day;
        while same(other) {
            number += 1;
            other += i64::from(if ordinal < 0 { 7 } else { -7 }).days();
        }
        number == ordinal.abs()
    }
}

fn any_rule() -> impl Strategy<Value = SimpleRule> {
    let start = (2019_i16..2027, 1_i8..=12, 1_i8..=31)
        .prop_filter_map("no such day", |(year, month, day)| Date::new(year, month, day).ok());
    let end = prop_oneof![
        Just(End::Never),
        (1_usize..400).prop_map(End::Count),
        (0_i64..3000).prop_map(|days| End::Until(date(2019, 6, 1) + days.days())),
    ];
    let ordinal =
        prop_oneof![3 => Just(None), 1 => (1..=5).prop_map(Some), 1 => (-5..=-1).prop_map(Some)];
    let week_days = prop::collection::vec((ordinal, 0_usize..7), 0..4);
    let month_day = prop_oneof![1_i8..=31, -31_i8..=-1];
    let month_days = prop::collection::vec(month_day, 0..4);
    let months = prop::collection::vec(1_i8..=12, 0..3);
    let frequency = prop::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
    (frequency, 1..5, week_days, month_days, months, end, start).prop_map(
        |(frequency, interval, mut week_days, mut month_days, months, end, start)| {
            if matches!(frequency, "DAILY" | "WEEKLY") {
                for day in &mut week_days {
                    day.0 = None;
                }
            }
            if frequency == "WEEKLY" {
                month_days.clear();
            }
            SimpleRule { frequency, interval, week_days, month_days, months, end, start }
        },
    )
}

const FEED: &str = "X-WR-TIMEZONE:Europe/Paris
    BEGIN:VTIMEZONE|TZID:Here|BEGIN:STANDARD|DTSTART:19700101T000000|TZOFFSETFROM:-0700|TZOFFSETTO:-0800|RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11|END:STANDARD|END:VTIMEZONE
    BEGIN:VEVENT|UID:a|SUMMARY:Schöne Grüße \u{1f488}|DTSTART;TZID=\"Here\":20261124T090000|DTEND;TZID=Here:20261124T100000|RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=9|EXDATE;VALUE=DATE:20261126|RDATE;VALUE=PERIOD:20261129T120000Z/PT1H|END:VEVENT
    BEGIN:VEVENT|UID:a|RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Here:20261201T090000|DTSTART;TZID=Here:20261201T110000|DURATION:P1DT1H|END:VEVENT
    BEGIN:VEVENT|UID:b|DTSTART;VALUE=DATE:20261210|RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;BYSETPOS=1;UNTIL=20271231T000000Z|END:VEVENT
    BEGIN:VFREEBUSY|UID:c|FREEBUSY:20261220T120000Z/20261220T130000Z|END:VFREEBUSY";

fn any_fold() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["\r\n ", "\r\n\t", "\n ", "\n\t"])
}

proptest! {
    #[test]
    fn rules_agree_with_a_walk_through_all_days(rule in any_rule()) {
        let lines = format!("DTSTART;VALUE=DATE:{}|RRULE:{}", rule.start.strftime("%Y%m%d"), rule.text());
        let days = ("2025-10-01", "2027-04-01");
        let whole = window(days);
        let zone = los_angeles();
        let day = |date: Date| {
            let midnight = |date: Date| zone.to_timestamp(date.into()).unwrap();
            TimeRange::new(midnight(date), midnight(date.tomorrow().unwrap())).unwrap()
        };
        let walked = rule
            .walk(days.1.parse().unwrap())
            .into_iter()
            .filter_map(|date| day(date).intersection(&whole));
        let expected = time_range::merged(walked.collect());
        prop_assert_eq!(busy_times(event(&lines).as_bytes(), whole, &zone), Ok(expected), "{}", lines);
    }

    #[test]
    fn folding_changes_nothing(
        places in prop::collection::vec((any::<prop::sample::Index>(), any_fold()), 1..30),
    ) {
        let feed = calendar(FEED).into_bytes();
        let mut places: Vec<_> = places.into_iter().map(|(at, fold)| (at.index(feed.len()), fold)).collect();
        // A fold is neither at the start of a line nor between CR and LF.
        places.retain(|&(at, _)| at > 0 && !matches!(feed[at], b'\r' | b'\n') && feed[at - 1] != b'\n');
        places.sort_unstable();
        let mut folded = feed.clone();
        for (at, fold) in places.into_iter().rev() {
            folded.splice(at..at, fold.bytes());
        }
        prop_assert_eq!(joined(folded, WINTER), joined(feed, WINTER));
    }

    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let inside = [b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", &*bytes, b"\nEND:VEVENT\nEND:VCALENDAR"].concat();
        let _ = busy(bytes, WINTER);
        let _ = busy(inside, WINTER);
    }

    #[test]
    fn a_damaged_feed_does_not_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, "[0-9A-Z;:=,/+-]"), 1..8),
    ) {
        let mut feed = calendar(FEED).into_bytes();
        for (at, kind, byte) in changes {
            let at = at.index(feed.len());
            match kind {
                0 => feed[at] = byte.as_bytes()[0],
                1 => feed.insert(at, byte.as_bytes()[0]),
                _ => drop(feed.remove(at)),
            }
        }
        let _ = busy(feed, WINTER);
    }
}
