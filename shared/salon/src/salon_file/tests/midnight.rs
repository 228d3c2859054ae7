use super::{SMALL, problems};

#[test]
fn a_buffer_must_not_pass_midnight_after_the_last_appointment_of_a_day() {
    let service = |duration: u16, buffer: u16| {
        format!("duration_minutes = {duration}\nbuffer_minutes = {buffer}")
    };
    let late = |latest: &str, days: &str, whose: &str, buffer: u16, allowed: u16| {
        vec![format!(
            "line 13: services[1]: can end at {latest} on {days} under {whose}, and its \
             buffer of {buffer} minutes would then pass 24:00; set `buffer_minutes` to {allowed} at most, \
             or end these hours {buffer} minutes before 24:00"
        )]
    };
    let own = "hours = { mon = [\"13:00-18:00\"], tue = [\"10:00-11:00\"] }";
    // The hours on Monday afternoon and on Tuesday, the service, more about the staff member,
    // and the problems.
    let table = [
        ("13:00-24:00", "10:00-12:00", service(60, 25), "", late("24:00", "mon", "[hours]", 25, 0)),
        ("13:00-24:00", "10:00-12:00", service(60, 0), "", vec![]),
        ("13:00-23:40", "10:00-12:00", service(60, 45), "", late("23:30", "mon", "[hours]", 45, 30)),
        ("13:00-23:40", "10:00-12:00", service(60, 30), "", vec![]),
        // From 22:45 the appointment would not fit, so the last starts at 22:30.
        ("13:00-23:44", "10:00-12:00", service(60, 30), "", vec![]),
        ("13:00-23:45", "10:00-12:00", service(60, 30), "", late("23:45", "mon", "[hours]", 30, 15)),
        ("13:00-24:00", "10:00-23:50", service(50, 20), "", late("23:50", "mon, tue", "[hours]", 20, 10)),
        // The first range ends long before midnight, but the longest buffer is longer still.
        ("13:00-21:15", "10:00-12:00", service(60, 240), "", late("21:15", "mon", "[hours]", 240, 165)),
        // Nothing fits into the range that ends at midnight.
        ("23:30-24:00", "10:00-12:00", service(60, 240), "", vec![]),
        ("13:00-24:00", "10:00-12:00", service(60, 25), own, vec![]),
        (
            "13:00-24:00",
            "10:00-12:00",
            service(60, 25),
            "hours = { mon = [\"20:00-24:00\"] }",
            late("24:00", "mon", "the hours of \"s1\"", 25, 0),
        ),
        (
            "13:00-24:00",
            "10:00-12:00",
            service(60, 25),
            "services = []",
            vec!["line 13: services[1]: no staff member performs \"1.01\"; add it to the `services` of one".to_owned()],
        ),
    ];
    for (monday, tuesday, service, staff, expected) in table {
        let text = SMALL
            .replace("13:00-19:00", monday)
            .replace("tue = [\"10:00-12:00\"]", &format!("tue = [\"{tuesday}\"]"))
            .replace("duration_minutes = 60", &service)
            .replace("name = \"Person\"", &format!("name = \"Person\"\n{staff}"));
        assert_eq!(problems(&text), expected, "{monday}, {tuesday}: {service}; {staff}");
    }
}

#[test]
fn hours_that_a_late_service_is_not_offered_in_may_end_at_midnight() {
    let second = "[[services]]\nid = \"1.02\"\ncategory = \"x\"\ntitle = \"x\"\n\
                  duration_minutes = 30\nbuffer_minutes = 15\nprice = 50\n\
                  [[staff]]\nid = \"s2\"\nname = \"Early\"\nservices = [\"1.02\"]\n\
                  hours = { mon = [\"13:00-23:45\"] }\n";
    let first = "name = \"Person\"\nservices = [\"1.01\"]";
    let text = SMALL.replace("13:00-19:00", "13:00-24:00").replace("name = \"Person\"", first);
    assert_eq!(problems(&format!("{text}{second}")), Vec::<String>::new());
    let longer_step = "[booking]\nslot_step_minutes = 240\n[deposit]";
    let coarse = SMALL
        .replace("13:00-19:00", "13:00-24:00")
        .replace("[deposit]", longer_step)
        .replace("duration_minutes = 60", "duration_minutes = 60\nbuffer_minutes = 180");
    assert_eq!(problems(&coarse), Vec::<String>::new(), "the last start is at 20:00");
}
