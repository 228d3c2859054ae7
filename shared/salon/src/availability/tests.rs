use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::clock_time::ClockRange;
use super::super::contact::Contact;
use super::super::customer::Country;
use super::super::hours::{Closure, WeeklyHours};
use super::super::money::{Currency, Money};
use super::super::payment_ui::PaymentUi;
use super::super::salon::HoldLimits;
use super::super::service::ServiceId;
use super::*;
use crate::cancellation_terms::CancellationTerms;

const MINUTES_PER_DAY: usize = 24 * 60;

fn salon(zone: &str, hours: &IntervalSet<ClockTime>, staff: usize) -> Salon {
    let currency = Currency::from_code("usd").expect("a currency");
    let price = Money::new(10_000, currency);
    let member = |number| StaffMember {
        id: StaffId::new(&format!("s{number}")).expect("an id"),
        name: format!("Person {number}"),
        hours: None,
        services: None,
        calendars: Vec::new(),
    };
    Salon {
        name: "Test".to_owned(),
        time_zone: TimeZone::get(zone).expect("a bundled time zone"),
        currency,
        horizon_days: 2,
        notice_minutes: 0,
        slot_step_minutes: 15,
        default_deposit: price,
        bare_deposits: true,
        max_bare_deposits_per_hour: 10,
        hours: WeeklyHours::new(std::array::from_fn(|_| hours.clone())),
        closures: Vec::new(),
        services: vec![Service {
            id: ServiceId::new("1.01").expect("an id"),
            category: "Facials".to_owned(),
            title: "Facial".to_owned(),
            duration_minutes: 60,
            buffer_minutes: 0,
            price,
            deposit: price,
        }],
        staff: (1..=staff).map(member).collect(),
        calendar_fresh_seconds: 60,
        calendar_max_stale_minutes: 15,
        return_url: "https://salon.example/".to_owned(),
        manage_url: None,
        contact: Contact::default(),
        mail: None,
        country: Country::from_code("us").expect("a country"),
        hold_minutes: 10,
        hold_limits: HoldLimits { per_customer: 2, per_address: 6 },
        ui: PaymentUi::Hosted,
        delayed_methods: false,
        cancellation: CancellationTerms { full_refund_hours: 24, late_refund_percent: 0 },
        retention_days: 400,
    }
}

fn clock(text: &str) -> ClockTime {
    text.parse().expect("a time")
}

fn hours(start: &str, end: &str) -> IntervalSet<ClockTime> {
    ClockRange::new(clock(start), clock(end)).into_iter().collect()
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn busy_from(pairs: &[(&str, &str)]) -> IntervalSet<Timestamp> {
    pairs.iter().filter_map(|(start, end)| Interval::new(instant(start), instant(end))).collect()
}

/// Makes the busy times of a salon whose staff are all free.
fn nobody_busy(salon: &Salon) -> BusyTimes {
    salon.staff.iter().map(|member| (member.id.clone(), IntervalSet::default())).collect()
}

/// Makes the busy times of a salon where only `staff` is busy.
fn busy(salon: &Salon, staff: &str, times: IntervalSet<Timestamp>) -> BusyTimes {
    let mut busy = nobody_busy(salon);
    busy.insert(StaffId::new(staff).expect("an id"), times);
    busy
}

/// Lists a day's starts, each with its staff: `10:00 s1 s2`.
fn first_day_starts(salon: &Salon, busy: &BusyTimes, now: &str) -> Vec<String> {
    let now = instant(now);
    let today = salon.horizon(now).first;
    let availability = Availability::new(salon, busy, now);
    let mut days = availability.starts(&salon.services[0], None, (today, today));
    let day = days.next().expect("today");
    let shown = |start: &Start| {
        let staff: Vec<_> = start.staff.iter().map(|id| id.as_str()).collect();
        let at = start.at.display_with_offset(start.offset).to_string();
        format!("{} {}", &at[11..16], staff.join(" "))
    };
    day.starts.iter().map(shown).collect()
}

#[test]
fn a_buffer_may_pass_closing_time_but_not_overlap_busy_time() {
    let mut salon = salon("America/Los_Angeles", &hours("10:00", "12:00"), 1);
    salon.slot_step_minutes = 30;
    salon.services[0].buffer_minutes = 30;
    let now = "2026-11-24T06:00:00-08:00";
    let starts = first_day_starts(&salon, &nobody_busy(&salon), now);
    assert_eq!(starts, ["10:00 s1", "10:30 s1", "11:00 s1"]);

    let after_closing = busy_from(&[("2026-11-24T12:15:00-08:00", "2026-11-24T13:00:00-08:00")]);
    let starts = first_day_starts(&salon, &busy(&salon, "s1", after_closing), now);
    assert_eq!(starts, ["10:00 s1", "10:30 s1"]);
}

#[test]
fn a_buffer_is_cut_at_the_end_of_the_day() {
    let mut salon = salon("America/Los_Angeles", &hours("23:00", "24:00"), 1);
    salon.services[0].buffer_minutes = 30;
    let next_morning = busy_from(&[("2026-11-25T00:00:00-08:00", "2026-11-25T01:00:00-08:00")]);
    let starts =
        first_day_starts(&salon, &busy(&salon, "s1", next_morning), "2026-11-24T06:00:00-08:00");
    assert_eq!(starts, ["23:00 s1"]);
}

#[test]
fn a_start_lists_its_free_staff_in_order_of_preference() {
    let salon = salon("America/Los_Angeles", &hours("10:00", "11:30"), 2);
    let first_half = busy_from(&[("2026-11-24T09:00:00-08:00", "2026-11-24T10:15:00-08:00")]);
    let starts =
        first_day_starts(&salon, &busy(&salon, "s1", first_half), "2026-11-24T06:00:00-08:00");
    assert_eq!(starts, ["10:00 s2", "10:15 s1 s2", "10:30 s1 s2"]);
}

#[test]
fn the_notice_period_is_exact_to_the_second() {
    let mut salon = salon("America/Los_Angeles", &hours("10:00", "12:00"), 1);
    salon.notice_minutes = 60;
    let starts = first_day_starts(&salon, &nobody_busy(&salon), "2026-11-24T09:30:00-08:00");
    assert_eq!(starts.first().map(String::as_str), Some("10:30 s1"));
    let starts = first_day_starts(&salon, &nobody_busy(&salon), "2026-11-24T09:30:01-08:00");
    assert_eq!(starts.first().map(String::as_str), Some("10:45 s1"));
}

#[test]
fn the_horizon_includes_today_and_its_last_day() {
    let salon = salon("America/Los_Angeles", &hours("10:00", "12:00"), 1);
    let busy = nobody_busy(&salon);
    let availability = Availability::new(&salon, &busy, instant("2026-11-24T23:59:59-08:00"));
    let dates: Vec<String> =
        availability.open_time(None).map(|(date, _)| date.to_string()).collect();
    assert_eq!(dates, ["2026-11-24", "2026-11-25", "2026-11-26"]);
}

#[test]
fn a_service_that_nobody_performs_has_no_starts() {
    let mut salon = salon("America/Los_Angeles", &hours("10:00", "12:00"), 1);
    salon.staff[0].services = Some(Vec::new());
    assert!(first_day_starts(&salon, &nobody_busy(&salon), "2026-11-24T06:00:00-08:00").is_empty());
}

#[test]
fn a_staff_member_whose_busy_time_is_unknown_is_not_free() {
    let salon = salon("America/Los_Angeles", &hours("10:00", "11:00"), 2);
    let mut busy = nobody_busy(&salon);
    busy.remove(&salon.staff[0].id);
    assert_eq!(first_day_starts(&salon, &busy, "2026-11-24T06:00:00-08:00"), ["10:00 s2"]);

    let availability = Availability::new(&salon, &busy, instant("2026-11-24T06:00:00-08:00"));
    let [s1, s2] = [&salon.staff[0].id, &salon.staff[1].id];
    assert!(availability.open_time(Some(s1)).all(|(_, open)| open.is_empty()));
    let unknown = [Some(s1), Some(s2), None].map(|staff| availability.is_unknown(None, staff));
    assert_eq!(unknown, [true, false, false]);
}

/// A salon, its busy times in minutes from the start of its first day, and now.
#[derive(Debug, Clone)]
struct TestCase {
    salon: Salon,
    now: Timestamp,
    busy_minutes: Vec<Vec<(i64, i64)>>,
}

impl TestCase {
    fn busy(&self, as_intervals: impl Fn((i64, i64)) -> Vec<(i64, i64)>) -> BusyTimes {
        let midnight =
            Day::new(self.salon.horizon(self.now).first, &self.salon.time_zone).span().start();
        let at = |minute| midnight + SignedDuration::from_mins(minute);
        let set = |spans: &Vec<(i64, i64)>| {
            let pieces = spans.iter().copied().flat_map(&as_intervals);
            pieces.filter_map(|(start, end)| Interval::new(at(start), at(end))).collect()
        };
        let ids = self.salon.staff.iter().map(|member| member.id.clone());
        ids.zip(self.busy_minutes.iter().map(set)).collect()
    }
}

fn any_case() -> impl Strategy<Value = TestCase> {
    let zone_and_date = prop::sample::select(vec![
        ("America/Los_Angeles", "2026-11-24"),
        ("America/Los_Angeles", "2026-03-07"),
        ("America/Los_Angeles", "2026-11-01"),
        ("Europe/London", "2026-10-24"),
        ("Australia/Lord_Howe", "2026-04-04"),
        ("Australia/Lord_Howe", "2026-10-04"),
        ("Africa/Cairo", "2026-04-23"),
        ("Asia/Tokyo", "2026-12-31"),
    ]);
    let ranges = prop::collection::vec((0_u16..96, 1_u16..40), 1..4);
    let busy =
        prop::collection::vec(prop::collection::vec((0_i64..3 * 1440, 1_i64..300), 0..8), 1..4);
    let service = (1_u16..30, prop::sample::select(vec![0_u16, 5, 10, 30]));
    let rules =
        (prop::sample::select(vec![5_u16, 10, 15, 20, 60]), 0_u32..600, 0_i64..1440, any::<bool>());
    (zone_and_date, ranges, busy, service, rules).prop_map(
        |(
            (zone, date),
            ranges,
            busy_minutes,
            (duration, buffer),
            (step, notice, minute_of_day, closed),
        )| {
            let clock =
                |quarter: u16| ClockTime::from_minutes((quarter * 15).min(1440)).expect("a time");
            let hours = ranges.iter().filter_map(|(start, length)| {
                ClockRange::new(clock(*start), clock(start + length))
            });
            let mut salon = salon(zone, &hours.collect(), busy_minutes.len());
            salon.services[0].duration_minutes = duration * 5;
            salon.services[0].buffer_minutes = buffer;
            salon.slot_step_minutes = step;
            salon.notice_minutes = notice;
            let date: Date = date.parse().expect("a date");
            if closed {
                let tomorrow = date.tomorrow().expect("a date");
                salon.closures.push(Closure {
                    first: tomorrow,
                    last: tomorrow,
                    reason: "Holiday".to_owned(),
                });
            }
            // The second works only in the mornings.
            if let Some(second) = salon.staff.get_mut(1) {
                let morning: IntervalSet<_> =
                    ClockRange::new(ClockTime::START_OF_DAY, clock(48)).into_iter().collect();
                let own = salon.hours.on(date.weekday()).intersection(&morning);
                second.hours = Some(WeeklyHours::new(std::array::from_fn(|_| own.clone())));
            }
            let now = Day::new(date, &salon.time_zone).span().start()
                + SignedDuration::from_mins(minute_of_day);
            let now = now
                .min(Day::new(date, &salon.time_zone).span().end() - SignedDuration::from_secs(1));
            let busy_minutes = busy_minutes
                .into_iter()
                .map(|spans| {
                    spans.into_iter().map(|(start, length)| (start, start + length)).collect()
                })
                .collect();
            TestCase { salon, now, busy_minutes }
        },
    )
}

/// One minute of a day, by the salon's rules.
struct Minute {
    at: Timestamp,
    clock: usize,
    bookable: bool,
    busy: bool,
}

/// Walks through a day minute by minute, without any of the code under test.
fn minutes(case: &TestCase, member: &StaffMember, busy: &BusyTimes, date: Date) -> Vec<Minute> {
    let salon = &case.salon;
    let hours = member.hours.as_ref().unwrap_or(&salon.hours).on(date.weekday());
    let noon = salon.time_zone.to_timestamp(date.at(12, 0, 0, 0)).expect("an instant");
    let around = (-16 * 60..16 * 60).map(|minute| noon + SignedDuration::from_mins(minute));
    around
        .filter(|at| salon.time_zone.to_datetime(*at).date() == date)
        .map(|at| {
            let time = salon.time_zone.to_datetime(at).time();
            let clock = u16::from(time.hour().unsigned_abs()) * 60
                + u16::from(time.minute().unsigned_abs());
            let open = hours
                .iter()
                .any(|range| (range.start().minutes()..range.end().minutes()).contains(&clock));
            let closed =
                salon.closures.iter().any(|closure| closure.first <= date && date <= closure.last);
            let in_time = at >= case.now + SignedDuration::from_mins(salon.notice_minutes.into());
            let taken = |span: &Interval<Timestamp>| span.start() <= at && at < span.end();
            Minute {
                at,
                clock: clock.into(),
                bookable: open && !closed && in_time,
                busy: busy[&member.id].iter().any(taken),
            }
        })
        .collect()
}

fn expected_starts(case: &TestCase, busy: &BusyTimes, date: Date) -> Vec<(Timestamp, StaffId)> {
    let service = &case.salon.services[0];
    let (duration, buffer) =
        (usize::from(service.duration_minutes), usize::from(service.buffer_minutes));
    let mut expected = Vec::new();
    for member in &case.salon.staff {
        let minutes = minutes(case, member, busy, date);
        for (index, minute) in minutes.iter().enumerate() {
            let fits = minute.clock % usize::from(case.salon.slot_step_minutes) == 0
                && minutes
                    .get(index..index + duration)
                    .is_some_and(|span| span.iter().all(|m| m.bookable))
                && minutes[index..].iter().take(duration + buffer).all(|m| !m.busy);
            if fits {
                expected.push((minute.at, member.id.clone()));
            }
        }
    }
    expected.sort();
    expected
}

fn expected_open_time(case: &TestCase, busy: &BusyTimes, date: Date) -> Vec<bool> {
    let staff: Vec<_> = case.salon.staff.iter().map(|m| minutes(case, m, busy, date)).collect();
    let mut open: Vec<Option<bool>> = vec![None; MINUTES_PER_DAY];
    for index in 0..staff[0].len() {
        let anyone_free =
            staff.iter().any(|minutes| minutes[index].bookable && !minutes[index].busy);
        let known = &mut open[staff[0][index].clock];
        *known = Some(known.unwrap_or(true) && anyone_free);
    }
    open.into_iter().map(|open| open == Some(true)).collect()
}

fn offered(case: &TestCase, busy: &BusyTimes) -> Vec<(Timestamp, StaffId)> {
    let horizon = case.salon.horizon(case.now);
    let availability = Availability::new(&case.salon, busy, case.now);
    let days = availability.starts(&case.salon.services[0], None, (horizon.first, horizon.last));
    let starts = days.flat_map(|day| day.starts);
    starts.flat_map(|start| start.staff.into_iter().map(move |id| (start.at, id.clone()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn starts_agree_with_a_walk_through_every_minute(case in any_case()) {
        let busy = case.busy(|span| vec![span]);
        let dates = case.salon.horizon(case.now).dates();
        let expected: Vec<_> = dates.flat_map(|date| expected_starts(&case, &busy, date)).collect();
        prop_assert_eq!(offered(&case, &busy), expected);
    }

    #[test]
    fn open_time_agrees_with_a_walk_through_every_minute(case in any_case()) {
        let busy = case.busy(|span| vec![span]);
        let availability = Availability::new(&case.salon, &busy, case.now);
        for (date, open) in availability.open_time(None) {
            let mut shown = vec![false; MINUTES_PER_DAY];
            for range in &open {
                shown[range.start().minutes().into()..range.end().minutes().into()].fill(true);
            }
            prop_assert_eq!(shown, expected_open_time(&case, &busy, date), "on {}", date);
        }
    }

    #[test]
    fn splitting_and_merging_busy_times_changes_nothing(case in any_case(), cut in 1_i64..60) {
        let whole = case.busy(|span| vec![span]);
        let split = case.busy(|(start, end)| {
            let middle = (start + cut).min(end);
            vec![(middle, end), (start, middle), (start, (start + 2 * cut).min(end))]
        });
        prop_assert_eq!(offered(&case, &whole), offered(&case, &split));
    }
}
