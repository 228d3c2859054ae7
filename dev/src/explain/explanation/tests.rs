use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use salon::availability::Availability;
use salon::hours::WeeklyHours;
use salon::salon_file;
use salon::service::StaffId;

use super::*;

/// Makes a salon of two in `zone`, closed on the day `closed`.
fn salon(zone: &str, closed: Date, hours: &[(&str, &str)]) -> Salon {
    let mut salon = salon_file::parse(salon_file::COMPILED_IN).expect("a valid salon file");
    let clock = |text: &str| text.parse::<ClockTime>().expect("a time");
    let hours: IntervalSet<ClockTime> =
        hours.iter().filter_map(|(start, end)| ClockRange::new(clock(start), clock(end))).collect();
    let mut second = salon.staff[0].clone();
    second.id = StaffId::new("s2").expect("an id");
    salon.staff.push(second);
    salon.hours = WeeklyHours::new(std::array::from_fn(|_| hours.clone()));
    salon.closures.truncate(1);
    salon.closures[0].first = closed;
    salon.closures[0].last = closed;
    salon.time_zone = TimeZone::get(zone).expect("a bundled time zone");
    salon.horizon_days = 2;
    salon
}

fn any_salon() -> impl Strategy<Value = (Salon, Timestamp)> {
    // Ordinary days, and days on which daylight saving starts or ends.
    let zone_and_date = prop::sample::select(vec![
        ("America/Los_Angeles", "2026-11-24"),
        ("America/Los_Angeles", "2026-03-07"),
        ("America/Los_Angeles", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-04-04"),
        ("Africa/Cairo", "2026-04-23"),
    ]);
    let hours = prop::sample::select(vec![
        &[("00:00", "24:00")][..],
        &[("00:30", "03:15"), ("09:00", "12:00"), ("13:00", "19:00")],
        &[("20:00", "24:00")],
    ]);
    let closed_day = 0_i64..4;
    let service = (1_u16..30, prop::sample::select(vec![0_u16, 5, 10, 30]));
    let rules = (prop::sample::select(vec![5_u16, 15, 60]), 0_u32..600, 0_i64..1380);
    (zone_and_date, hours, closed_day, service, rules).prop_map(
        |((zone, date), hours, closed_day, (duration, buffer), (step, notice, minute))| {
            let date: Date = date.parse().expect("a date");
            let closed = date.saturating_add(Span::new().days(closed_day));
            let mut salon = salon(zone, closed, hours);
            salon.services[0].duration_minutes = duration * 5;
            salon.services[0].buffer_minutes = buffer;
            salon.slot_step_minutes = step;
            salon.notice_minutes = notice;
            let midnight = Day::new(date, &salon.time_zone).span().start();
            (salon, midnight + SignedDuration::from_mins(minute))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn candidates_without_an_obstacle_are_exactly_the_offered_starts(
        (salon, now) in any_salon(),
        busy_minutes in prop::collection::vec((0_i64..3 * 1440, 1_i64..300), 0..8),
    ) {
        let horizon = salon.horizon(now);
        let midnight = Day::new(horizon.first, &salon.time_zone).span().start();
        let at = |minute| midnight + SignedDuration::from_mins(minute);
        let busy: IntervalSet<Timestamp> = busy_minutes
            .iter()
            .filter_map(|(start, length)| Interval::new(at(*start), at(start + length)))
            .collect();
        let [first, second] = [&salon.staff[0], &salon.staff[1]];
        let busy = [(first.id.clone(), busy), (second.id.clone(), IntervalSet::empty())].into();

        let availability = Availability::new(&salon, &busy, now);
        let mut offered = Vec::new();
        for day in availability.starts(&salon.services[0], None, (horizon.first, horizon.last)) {
            for start in day.starts {
                offered.extend(start.staff.into_iter().map(|id| (start.at, id.clone())));
            }
        }
        let mut unobstructed = Vec::new();
        for date in horizon.dates() {
            let day = Day::new(date, &salon.time_zone);
            for member in &salon.staff {
                let calendar = busy.get(&member.id);
                let explanation = Explanation::new(&salon, member, &day, &[], calendar, now);
                let candidates = explanation.candidates(&salon.services[0]);
                let free = candidates.into_iter().filter(|candidate| candidate.obstacle.is_none());
                unobstructed.extend(free.map(|candidate| (candidate.start, member.id.clone())));
            }
        }
        offered.sort();
        unobstructed.sort();
        prop_assert_eq!(offered, unobstructed);
    }
}
