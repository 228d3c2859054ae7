//! Reading hours and closures.

use jiff::civil::Date;

use super::reader::Field;
use crate::clock_time::{ClockRange, ClockTime};
use crate::hours::{Closure, WeeklyHours};
use crate::interval::IntervalSet;
use crate::strict_date::parse_date;

pub(super) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads the hours of a week, which must lie within `limits`.
pub(super) fn weekly_hours(
    field: &Field<'_, '_>,
    limits: Option<&WeeklyHours>,
) -> Option<WeeklyHours> {
    let table = field.table(&WEEKDAYS)?;
    let days = WEEKDAYS.map(|weekday| {
        table.optional(weekday).map_or(Some(IntervalSet::empty()), |day| day_hours(&day))
    });
    let [Some(mon), Some(tue), Some(wed), Some(thu), Some(fri), Some(sat), Some(sun)] = days else {
        return None;
    };
    let hours = WeeklyHours::new([mon, tue, wed, thu, fri, sat, sun]);
    if hours.longest() == 0 {
        field.report("has no opening on any weekday; add at least one range");
        return None;
    }
    let outside = limits.and_then(|limits| {
        WEEKDAYS.into_iter().zip(hours.outside(limits)).find(|(_, outside)| !outside.is_empty())
    });
    if let Some((weekday, _)) = outside {
        field.report(format!(
            "has hours on {weekday} outside the salon's opening hours; change them or [hours]"
        ));
        return None;
    }
    Some(hours)
}

fn day_hours(field: &Field<'_, '_>) -> Option<IntervalSet<ClockTime>> {
    const EXPECTED: &str = "a range of times such as \"10:00-19:00\", with the end after the start";
    let mut ranges: Vec<ClockRange> = Vec::new();
    let mut all_read = true;
    for item in field.list("ranges of times") {
        let ends = item.as_text().and_then(|text| text.split_once('-'));
        let time = |text: &str| text.trim().parse::<ClockTime>().ok();
        let range = ends.and_then(|(start, end)| ClockRange::new(time(start)?, time(end)?));
        let Some(range) = item.expect(range, EXPECTED) else {
            all_read = false;
            continue;
        };
        if ranges.last().is_some_and(|previous| range.start() < previous.end()) {
            item.report("starts before the previous range ends; list the ranges of a day in order");
            all_read = false;
        }
        ranges.push(range);
    }
    all_read.then(|| ranges.into_iter().collect())
}

pub(super) fn closure(field: &Field<'_, '_>) -> Option<Closure> {
    let table = field.table(&["date", "from", "to", "reason"])?;
    let reason = table
        .required("reason", "the reason for the closure")
        .and_then(|f| f.text().map(str::to_owned));
    let [single, from, to] = ["date", "from", "to"].map(|key| table.optional(key));
    let (first, last) = match (&single, &from, &to) {
        (Some(single), None, None) => {
            let date = date(single);
            (date, date)
        }
        (None, Some(from), Some(to)) => (date(from), date(to)),
        _ => {
            table.report("must have either `date`, or `from` and `to`");
            (None, None)
        }
    };
    let closure = Closure { first: first?, last: last?, reason: reason? };
    if closure.last < closure.first {
        table.report(format!(
            "ends on {}, before it starts on {}; swap `from` and `to`",
            closure.last, closure.first
        ));
        return None;
    }
    Some(closure)
}

fn date(field: &Field<'_, '_>) -> Option<Date> {
    let text = field.as_datetime().or_else(|| field.as_text().map(str::to_owned));
    field.expect(text.and_then(|text| parse_date(&text)), "a date such as 2026-12-25")
}
