use jiff::civil::date;

use super::*;
use crate::booking::sample;
use crate::salon_file;

/// The salon that is compiled in, with a second person who performs one service only.
fn salon() -> Salon {
    let second = "\n[[staff]]\nid = \"s2\"\nname = \"Second\"\nservices = [\"2.02\"]\n\
                  hours = { tue = [\"12:00-14:00\"] }\n";
    let text = salon_file::COMPILED_IN.to_owned() + second;
    salon_file::parse(&text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

#[test]
fn services_and_people_are_found_by_their_ids() {
    let salon = salon();
    assert_eq!(salon.service("2.04").map(|it| it.duration_minutes), Some(180));
    assert_eq!(salon.service("2.05x"), None);
    assert_eq!(salon.staff_member("s2").map(|it| it.name.as_str()), Some("Second"));
    assert_eq!(salon.staff_member("s3"), None);
}

#[test]
fn whoever_performs_the_service_and_is_asked_for_is_eligible() {
    let salon = salon();
    let service = |id| ServiceId::new(id).expect("an id");
    let staff = |id| StaffId::new(id).expect("an id");
    let cases: [(Option<&str>, Option<&str>, &[&str]); 7] = [
        (None, None, &["s1", "s2"]),
        (Some("2.02"), None, &["s1", "s2"]),
        (Some("2.04"), None, &["s1"]),
        (None, Some("s2"), &["s2"]),
        (Some("2.02"), Some("s2"), &["s2"]),
        (Some("2.04"), Some("s2"), &[]),
        (None, Some("s3"), &[]),
    ];
    for (asked_service, asked_staff, expected) in cases {
        let (service, staff) = (asked_service.map(service), asked_staff.map(staff));
        let eligible = salon.eligible_staff(service.as_ref(), staff.as_ref());
        let ids: Vec<&str> = eligible.map(|member| member.id.as_str()).collect();
        assert_eq!(ids, expected, "{asked_service:?} with {asked_staff:?}");
    }
}

#[test]
fn people_without_their_own_hours_work_in_the_salons() {
    let salon = salon();
    let [first, second] = &salon.staff[..] else { panic!("two people") };
    assert_eq!(salon.hours_of(first), &salon.hours);
    assert_eq!(salon.hours_of(second).longest(), 120);
}

#[test]
fn a_hold_and_a_calendar_reading_last_as_long_as_the_file_says() {
    let mut salon = salon();
    (salon.hold_minutes, salon.calendar_max_stale_minutes) = (12, 20);
    assert_eq!(salon.hold_until(at("2026-11-23T15:00:00Z")), at("2026-11-23T15:12:00Z"));
    assert_eq!(salon.max_stale(), SignedDuration::from_mins(20));
}

#[test]
fn the_booking_is_named_in_the_query_of_the_salons_pages() {
    let mut salon = salon();
    let booking = sample();
    let (id, token) = (&booking.id, booking.manage_token.expose());
    for (page, expected) in [
        ("https://salon.example/done", format!("https://salon.example/done?booking={id}")),
        ("https://salon.example/?lang=en", format!("https://salon.example/?lang=en&booking={id}")),
        ("https://salon.example/#done", format!("https://salon.example/?booking={id}#done")),
        ("https://salon.example/?a=b#c?d", format!("https://salon.example/?a=b&booking={id}#c?d")),
    ] {
        page.clone_into(&mut salon.return_url);
        assert_eq!(salon.return_url_for(id), expected);
    }
    salon.manage_url = Some("https://salon.example/manage".to_owned());
    let expected = format!("https://salon.example/manage?booking={id}#token={token}");
    assert_eq!(salon.manage_url_for(&booking), Some(expected));
    salon.manage_url = None;
    assert_eq!(salon.manage_url_for(&booking), None);
}

#[test]
fn a_closure_includes_its_first_and_its_last_day() {
    let mut salon = salon();
    let (first, last) = (date(2026, 12, 24), date(2026, 12, 26));
    salon.closures = vec![Closure { first, last, reason: "Christmas".to_owned() }];
    for (day, is_closed) in [(23, false), (24, true), (25, true), (26, true), (27, false)] {
        assert_eq!(salon.is_closed_on(date(2026, 12, day)), is_closed, "on the {day}th");
    }
}

#[test]
fn the_horizon_is_today_at_the_salon_and_the_days_after_it() {
    let mut salon = salon();
    salon.horizon_days = 2;
    // 22:00 on the 23rd in Los Angeles.
    let horizon = salon.horizon(at("2026-11-24T06:00:00Z"));
    assert_eq!(horizon, DateRange::new(date(2026, 11, 23), date(2026, 11, 25)));
    let days: Vec<i8> = horizon.dates().map(Date::day).collect();
    assert_eq!(days, [23, 24, 25]);
    for (day, is_in) in [(22, false), (23, true), (25, true), (26, false)] {
        assert_eq!(horizon.contains(date(2026, 11, day)), is_in, "the {day}th");
    }
    let single = DateRange::single(date(2026, 11, 23));
    assert_eq!(single.dates().collect::<Vec<_>>(), [date(2026, 11, 23)]);
}
