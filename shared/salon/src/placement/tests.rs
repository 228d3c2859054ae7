use proptest::prelude::*;

use super::super::booking::BookingId;
use super::super::day_sheet::Entry;
use super::*;
use crate::salon_file;

/// A Monday, three hours before the salon opens.
const NOW: &str = "2026-11-23T07:00:00-08:00";

fn salon() -> Salon {
    let second = "\n[[staff]]\nid = \"s2\"\nname = \"Second\"\n";
    let text = salon_file::COMPILED_IN.to_owned() + second;
    salon_file::parse(&text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn staff(id: &str) -> StaffId {
    StaffId::new(id).expect("an id")
}

fn slot<'a>(salon: &'a Salon, service: &str, start: &str) -> SlotRequest<'a> {
    let service = salon.service(service).expect("a service");
    SlotRequest { service, start: at(start), staff: None }
}

fn free(salon: &Salon) -> BusyTimes {
    salon.staff.iter().map(|member| (member.id.clone(), IntervalSet::empty())).collect()
}

#[test]
fn the_first_rule_that_excludes_a_time_is_reported() {
    let salon = salon();
    let table = [
        ("2.02", "2026-11-23T10:00:00-08:00", Ok(())),
        ("2.02", "2026-11-23T08:59:00-08:00", Err(RuleError::TooSoon)),
        ("2.02", "2025-01-01T10:00:00-08:00", Err(RuleError::TooSoon)),
        ("2.02", "2027-01-04T10:00:00-08:00", Ok(())),
        ("2.02", "2027-01-05T10:00:00-08:00", Err(RuleError::TooFar)),
        ("2.02", "2026-11-24T10:10:00-08:00", Err(RuleError::NotOnStep)),
        ("2.02", "2026-11-24T09:45:00-08:00", Err(RuleError::OutsideHours)),
        ("2.02", "2026-11-24T18:30:00-08:00", Ok(())),
        ("2.02", "2026-11-24T18:45:00-08:00", Err(RuleError::OutsideHours)),
        ("2.04", "2026-11-25T10:00:00-08:00", Err(RuleError::OutsideHours)),
        ("2.02", "2026-11-29T10:00:00-08:00", Err(RuleError::OutsideHours)),
        ("2.02", "2026-12-25T10:00:00-08:00", Err(RuleError::OutsideHours)),
    ];
    for (service, start, expected) in table {
        assert_eq!(slot(&salon, service, start).check_rules(&salon, at(NOW)), expected, "{start}");
    }
}

#[test]
fn the_staff_member_with_the_least_booked_time_is_chosen() {
    let salon = salon();
    let slot = slot(&salon, "2.02", "2026-11-24T10:00:00-08:00");
    let busy = free(&salon);
    let choose =
        |sheets: &HashMap<StaffId, DaySheet>| slot.choose_staff(&salon, &busy, sheets, at(NOW));
    assert_eq!(choose(&HashMap::new()), Ok(staff("s1")));
    let hour = Interval::new(at("2026-11-24T15:00:00-08:00"), at("2026-11-24T16:00:00-08:00"));
    let hour = hour.expect("an hour");
    let entry = Entry::new(BookingId::from_bits(1), hour, hour.end(), None).expect("an entry");
    let sheets = HashMap::from([(staff("s1"), DaySheet::new(1, vec![entry]))]);
    assert_eq!(choose(&sheets), Ok(staff("s2")));
}

#[test]
fn a_time_is_unknown_only_if_nobodys_availability_is_known() {
    let salon = salon();
    let slot = slot(&salon, "2.02", "2026-11-24T10:00:00-08:00");
    let place = |busy: &BusyTimes| slot.choose_staff(&salon, busy, &HashMap::new(), at(NOW));
    assert_eq!(place(&BusyTimes::new()), Err(SlotUnavailable::Unknown));
    let day = Interval::new(at("2026-11-24T00:00:00-08:00"), at("2026-11-25T00:00:00-08:00"));
    let taken: IntervalSet<_> = day.into_iter().collect();
    let mut busy = BusyTimes::from([(staff("s1"), taken.clone())]);
    assert_eq!(place(&busy), Err(SlotUnavailable::Taken), "one is known, and busy");
    busy.insert(staff("s2"), taken);
    assert_eq!(place(&busy), Err(SlotUnavailable::Taken));
}

#[test]
fn an_appointment_may_begin_exactly_when_the_notice_ends() {
    let salon = salon();
    let slot = slot(&salon, "2.02", "2026-11-24T10:00:00-08:00");
    let rules = |now| slot.check_rules(&salon, at(now));
    assert_eq!(rules("2026-11-24T08:00:00-08:00"), Ok(()));
    assert_eq!(rules("2026-11-24T08:00:01-08:00"), Err(RuleError::TooSoon));
}

fn hold(number: u128, start: &str, end: &str, until: Option<&str>) -> Entry {
    let span = Interval::new(at(start), at(end)).expect("a span");
    Entry::new(BookingId::from_bits(number), span, span.end(), until.map(at)).expect("an entry")
}

#[test]
fn whoever_stands_by_waits_for_the_holds_that_end_first() {
    let salon = salon();
    let slot = slot(&salon, "2.02", "2026-11-24T10:00:00-08:00");
    let sheet = |number, until| {
        let (start, end) = ("2026-11-24T10:15:00-08:00", "2026-11-24T11:00:00-08:00");
        DaySheet::new(1, vec![hold(number, start, end, Some(until))])
    };
    let (early, late) = ("2026-11-23T07:04:00-08:00", "2026-11-23T07:09:00-08:00");
    let sheets = HashMap::from([(staff("s1"), sheet(1, late)), (staff("s2"), sheet(2, early))]);
    let choose = |busy: &BusyTimes, sheets: &HashMap<StaffId, DaySheet>| {
        slot.choose_standby(&salon, busy, sheets, at(NOW))
    };
    assert_eq!(choose(&free(&salon), &sheets), Some((staff("s2"), at(early))));

    let appointment = Interval::new(slot.start, slot.service.end(slot.start));
    let paid: IntervalSet<_> = appointment.into_iter().collect();
    let mut busy = free(&salon);
    busy.insert(staff("s2"), paid.clone());
    assert_eq!(choose(&busy, &sheets), Some((staff("s1"), at(late))), "the other has no chance");
    assert_eq!(choose(&busy, &HashMap::new()), Some((staff("s1"), at(NOW))), "nobody to wait for");
    busy.insert(staff("s1"), paid);
    assert_eq!(choose(&busy, &sheets), None);
}

#[test]
fn other_times_are_offered_the_nearest_first() {
    let salon = salon();
    let slot = slot(&salon, "2.02", "2026-11-24T18:30:00-08:00");
    let offered = |count| {
        let times = slot.alternatives(&salon, &free(&salon), at(NOW), count);
        let shown =
            |it: &Alternative| it.at.display_with_offset(it.offset).to_string()[8..16].to_owned();
        times.iter().map(shown).collect::<Vec<_>>()
    };
    // It is the last start of the day, and not an alternative to itself.
    assert_eq!(offered(3), ["24T18:15", "24T18:00", "24T17:45"]);
    assert_eq!(offered(0), Vec::<String>::new());
    let between = SlotRequest { start: at("2026-11-24T12:07:30-08:00"), ..slot };
    let times = between.alternatives(&salon, &free(&salon), at(NOW), 2);
    let times: Vec<Timestamp> = times.iter().map(|it| it.at).collect();
    let expected = ["2026-11-24T12:00:00-08:00", "2026-11-24T12:15:00-08:00"].map(at);
    assert_eq!(times, expected, "of two that are as near, the earlier");
}

#[test]
fn a_buffer_is_cut_at_the_end_of_the_day() {
    let mut salon = salon();
    salon.services[0].buffer_minutes = 240;
    let times = slot(&salon, "1.01", "2026-11-24T22:30:00-08:00").times(&salon);
    assert_eq!(times.0.end(), at("2026-11-24T23:30:00-08:00"));
    assert_eq!(times.1, at("2026-11-25T00:00:00-08:00"));
}

proptest! {
    #[test]
    fn a_time_is_accepted_if_and_only_if_it_is_offered(
        quarters in prop::collection::vec((0_i64..4 * 24 * 4, 1_i64..12), 0..12),
        minutes in 0_i64..4 * 24 * 60,
        named in any::<bool>(),
    ) {
        let salon = salon();
        let now = at(NOW);
        let midnight = at("2026-11-23T00:00:00-08:00");
        let after = |minutes: i64| midnight + SignedDuration::from_mins(minutes);
        let spans = quarters.iter().filter_map(|(start, length)| {
            Interval::new(after(start * 15), after((start + length) * 15))
        });
        let mut busy = free(&salon);
        busy.insert(staff("s1"), spans.collect());
        let one = staff("s1");
        let service = salon.service("1.09").expect("a service");
        let who = named.then_some(&one);
        let availability = Availability::new(&salon, &busy, now);
        let horizon = salon.horizon(now);
        let offered: Vec<Timestamp> = availability
            .starts(service, who, (horizon.first, horizon.last))
            .flat_map(|day| day.starts)
            .map(|start| start.at)
            .collect();
        // Every quarter of an hour, and one arbitrary minute.
        for start in (0..4 * 24 * 4).map(|quarter| after(quarter * 15)).chain([after(minutes)]) {
            let slot = SlotRequest { service, start, staff: who };
            let accepted = slot.check_rules(&salon, now).is_ok()
                && slot.choose_staff(&salon, &busy, &HashMap::new(), now).is_ok();
            prop_assert_eq!(accepted, offered.contains(&start), "{}", start);
        }
    }
}
