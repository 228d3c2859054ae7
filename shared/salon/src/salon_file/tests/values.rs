//! What a value may be, up to its limits.

use super::*;

/// Parses the small file with a line added to a section.
fn with(section: &str, line: &str) -> Result<Salon, SalonProblems> {
    parse(&SMALL.replacen(section, &format!("{section}\n{line}"), 1))
}

fn is_allowed(section: &str, line: &str) -> bool {
    with(section, line).is_ok()
}

#[test]
fn a_switch_is_true_or_false() {
    for (value, expected) in [("true", true), ("false", false)] {
        let salon = with("[deposit]", &format!("bare = {value}\ndelayed_methods = {value}"));
        let salon = salon.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!((salon.bare_deposits, salon.delayed_methods), (expected, expected));
    }
    assert!(!is_allowed("[deposit]", "bare = 1") && !is_allowed("[deposit]", "bare = \"true\""));
}

#[test]
fn the_problems_are_shown_one_a_line() {
    let problems = parse("").expect_err("an empty file");
    let shown = problems.to_string();
    assert_eq!(shown.lines().count(), problems.as_slice().len());
    assert!(shown.starts_with("line 1: name: is missing: the salon's name\n"), "{shown}");
}

#[test]
fn a_problem_with_the_file_as_a_whole_names_no_key() {
    let shown = problems("name = ");
    assert!(shown.len() == 1 && shown[0].starts_with("line 1: "), "{shown:?}");
    assert!(!shown[0].contains(": :"), "{shown:?}");
}

#[test]
fn text_has_1_to_200_characters_besides_spaces() {
    for (text, expected) in [
        ("é".repeat(200), true),
        (format!(" {} ", "é".repeat(200)), true),
        ("é".repeat(201), false),
        ("  ".to_owned(), false),
    ] {
        let file = SMALL.replacen("\"Salon\"", &format!("\"{text}\""), 1);
        assert_eq!(parse(&file).is_ok(), expected, "{text:?}");
    }
}

#[test]
fn whole_numbers_are_allowed_up_to_their_limits() {
    let cases = [
        ("[booking]", "horizon_days", 1..=365),
        ("[booking]", "notice_minutes", 0..=43_200),
        ("[booking]", "slot_step_minutes", 5..=240),
        ("[booking]", "hold_minutes", 1..=30),
        ("[booking]", "max_holds_per_customer", 1..=100),
        ("[booking]", "max_holds_per_address", 1..=100),
        ("[booking]", "retention_days", 1..=3_650),
        ("[cancellation]", "full_refund_hours", 0..=1_440),
        ("[cancellation]", "late_refund_percent", 0..=100),
        ("[calendars]", "fresh_seconds", 5..=600),
        ("[calendars]", "max_stale_minutes", 1..=1_440),
    ];
    for (section, key, allowed) in cases {
        for (value, expected) in [
            (*allowed.start(), true),
            (*allowed.end(), true),
            (allowed.start() - 1, false),
            (allowed.end() + 1, false),
        ] {
            let text = format!("{section}\n{key} = {value}\n[deposit]");
            let is_allowed = parse(&SMALL.replacen("[deposit]", &text, 1)).is_ok();
            assert_eq!(is_allowed, expected, "{key} = {value}");
        }
    }
    let hexadecimal =
        parse(&SMALL.replacen("[deposit]", "[booking]\nhorizon_days = 0x10\n[deposit]", 1));
    assert_eq!(hexadecimal.expect("valid").horizon_days, 16);
}

#[test]
fn amounts_are_allowed_up_to_their_limits() {
    let with_price =
        |price: &str| parse(&SMALL.replacen("price = 200", &format!("price = {price}"), 1));
    for (price, expected) in [
        ("50", Some(5_000)),
        ("1000000", Some(100_000_000)),
        ("\"1000000.00\"", Some(100_000_000)),
        ("1000001", None),
        ("\"1000000.01\"", None),
        ("\"49.99\"", None),
        ("0", None),
        ("-1", None),
    ] {
        let found = with_price(price).ok().map(|salon| salon.services[0].price.amount());
        assert_eq!(found, expected, "{price}");
    }
}

#[test]
fn a_deposit_is_at_most_the_price_and_at_least_what_stripe_charges() {
    for (deposit, expected) in [
        ("200", Some(20_000)),
        ("201", None),
        ("\"0.50\"", Some(50)),
        ("\"0.49\"", None),
        ("\"1%\"", Some(200)),
        ("\"100%\"", Some(20_000)),
        ("\"0%\"", None),
        ("\"101%\"", None),
        ("\"1.5%\"", None),
    ] {
        let found = with("price = 200", &format!("deposit = {deposit}")).ok();
        assert_eq!(found.map(|salon| salon.services[0].deposit.amount()), expected, "{deposit}");
    }
}

#[test]
fn the_ranges_of_a_day_are_in_order_and_may_touch() {
    for (ranges, expected) in [
        ("\"10:00-12:00\", \"12:00-14:00\"", true),
        ("\"10:00-12:00\", \"11:59-14:00\"", false),
        ("\"13:00-14:00\", \"10:00-12:00\"", false),
        ("\"10:00-10:00\"", false),
        ("\"10:00 - 14:00\"", true),
        ("\"10:00\"", false),
        ("1000", false),
    ] {
        let file = SMALL.replacen("\"10:00-12:00\"", ranges, 1);
        assert_eq!(parse(&file).is_ok(), expected, "{ranges}");
    }
}

#[test]
fn a_service_is_possible_if_somebody_works_that_long_without_a_break() {
    for (minutes, expected) in [(360, true), (361, false)] {
        let file =
            SMALL.replacen("duration_minutes = 60", &format!("duration_minutes = {minutes}"), 1);
        assert_eq!(parse(&file).is_ok(), expected, "{minutes}");
    }
}

#[test]
fn a_closure_may_be_one_day_or_end_on_the_day_it_starts() {
    for (dates, expected) in [
        ("from = 2026-12-24\nto = 2026-12-26", Some(("2026-12-24", "2026-12-26"))),
        ("from = 2026-12-24\nto = 2026-12-24", Some(("2026-12-24", "2026-12-24"))),
        ("date = \"2026-12-24\"", Some(("2026-12-24", "2026-12-24"))),
        ("from = 2026-12-24\nto = 2026-12-23", None),
        ("date = 2026-12-24\nto = 2026-12-26", None),
        ("to = 2026-12-26", None),
    ] {
        let salon = parse(&SMALL.replacen("date = 2026-12-25", dates, 1)).ok();
        let found = salon.map(|salon| {
            let closure = &salon.closures[0];
            (closure.first.to_string(), closure.last.to_string())
        });
        let expected = expected.map(|(first, last)| (first.to_owned(), last.to_owned()));
        assert_eq!(found, expected, "{dates}");
    }
}

#[test]
fn the_pages_of_the_site_are_on_its_origins() {
    for (origin, expected) in [
        ("https://salon.example", true),
        ("http://localhost:8080", true),
        ("http://127.0.0.1", true),
        ("http://salon.example", false),
        ("ftp://localhost", false),
        ("https://salon.example/", false),
        ("https://salon.example/shop", false),
        ("https://salon.example?a", false),
        ("salon.example", false),
    ] {
        let file = SMALL.replace("https://salon.example", origin);
        assert_eq!(parse(&file).is_ok(), expected, "{origin}");
    }
    for (page, expected) in [
        ("https://salon.example", true),
        ("https://salon.example/a?b=c", true),
        ("https://salon.example:8443/", false),
        ("https://salon.examples/", false),
        ("https://salon.example/a b", false),
    ] {
        let file = SMALL.replacen("https://salon.example/done", page, 1);
        assert_eq!(parse(&file).is_ok(), expected, "{page}");
    }
}

#[test]
fn a_sender_is_an_address_with_or_without_a_name() {
    for (from, expected) in [
        ("The Salon <a@salon.example>", Some(("The Salon", "a@salon.example"))),
        ("\\\"The Salon\\\" <a@salon.example>", Some(("The Salon", "a@salon.example"))),
        ("<a@salon.example>", Some(("Salon", "a@salon.example"))),
        ("a@salon.example", Some(("Salon", "a@salon.example"))),
        ("The Salon a@salon.example>", None),
        ("The Salon <a@salon.example", None),
        ("The Salon", None),
    ] {
        let mail = MAIL.replacen("The Salon <bookings@salon.example>", from, 1);
        let mail = parse(&format!("{SMALL}{mail}")).ok().and_then(|salon| salon.mail);
        let found = mail.as_ref().map(|it| (it.from.name.as_str(), it.from.address.as_str()));
        assert_eq!(found, expected, "{from}");
    }
}

#[test]
fn a_file_without_staff_has_one_problem() {
    let staff = "[[staff]]\nid = \"s1\"\nname = \"Person\"\n";
    let expected = "line 1: staff: is missing: [[staff]], the people who work there";
    assert_eq!(problems(&SMALL.replacen(staff, "", 1)), [expected]);
}

#[test]
fn a_hint_is_given_only_for_a_similar_name() {
    let hint = |key: &str| problems(&SMALL.replacen("name =", &format!("{key} ="), 1)).join("\n");
    assert!(hint("nmae").contains("did you mean `name`?"), "{}", hint("nmae"));
    assert!(hint("xyzzy").contains("the known keys are name, country"), "{}", hint("xyzzy"));
}

#[test]
fn people_have_the_calendars_and_the_services_that_are_listed() {
    let line = "calendars = [{ ical = \"own\" }, { google = \"work\" }]\nservices = [\"1.01\"]";
    let salon = with("id = \"s1\"", line).unwrap_or_else(|problems| panic!("{problems}"));
    let member = &salon.staff[0];
    let expected = ["Ical(\"own\")", "Google(\"work\")"];
    let calendars: Vec<String> = member.calendars.iter().map(|it| format!("{it:?}")).collect();
    assert_eq!(calendars, expected);
    assert_eq!(member.services.as_ref().map(Vec::len), Some(1));
    for none in ["calendars = [{}]", "calendars = [\"own\"]", "calendars = 1"] {
        assert!(!is_allowed("id = \"s1\"", none), "{none}");
    }
}
