mod midnight;
mod values;

use super::*;

/// A small valid file. The tests break its lines.
const SMALL: &str = r#"name = "Salon"
country = "US"
time_zone = "America/Los_Angeles"
currency = "usd"
[deposit]
default = 50
[hours]
mon = ["10:00-12:30", "13:00-19:00"]
tue = ["10:00-12:00"]
[site]
allowed_origins = ["https://salon.example"]
return_url = "https://salon.example/done"
[[services]]
id = "1.01"
category = "Facials"
title = "Facial"
duration_minutes = 60
price = 200
[[staff]]
id = "s1"
name = "Person"
[[closures]]
date = 2026-12-25
reason = "Christmas Day"
"#;

fn problems(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.as_slice().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_compiled_in_file_is_valid() {
    let salon = parse(COMPILED_IN).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(salon.name, "Beauty Lounge");
    assert_eq!(salon.time_zone.iana_name(), Some("America/Los_Angeles"));
    assert_eq!(salon.services.len(), 22);
    let microblading = salon.service("2.04").expect("the longest service");
    assert_eq!((microblading.duration_minutes, microblading.price.amount()), (180, 65_000));
    assert_eq!(microblading.deposit.to_string(), "50.00 USD");
    assert_eq!(salon.horizon_days, 42);
}

#[test]
fn optional_keys_have_defaults() {
    let salon = parse(SMALL).unwrap_or_else(|problems| panic!("{problems}"));
    let rules =
        (salon.horizon_days, salon.notice_minutes, salon.slot_step_minutes, salon.bare_deposits);
    assert_eq!(rules, (42, 120, 15, false));
    assert_eq!(salon.max_bare_deposits_per_hour, 10);
    assert_eq!(salon.hold_minutes, 10);
    let limits = (salon.hold_limits.per_customer, salon.hold_limits.per_address);
    assert_eq!((limits, salon.retention_days, salon.ui.as_str()), ((2, 20), 400, "hosted"));
    assert_eq!((salon.cancellation.full_refund_hours, salon.delayed_methods), (24, false));
    assert_eq!(salon.services[0].buffer_minutes, 0);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table with a row for each rule")]
fn each_problem_is_reported_with_its_line_its_key_and_what_is_allowed() {
    let table = [
        (
            "name = \"Salon\"",
            "nam = \"Salon\"",
            "line 1: nam: is not a known key; did you mean `name`?",
        ),
        ("name = \"Salon\"", "", "line 1: name: is missing: the salon's name"),
        ("name = \"Salon\"", "name = 3", "line 1: name: must be text of 1 to 200 characters"),
        (
            "\"US\"",
            "\"Narnia\"",
            "line 2: country: must be a two-letter country code such as \"US\"",
        ),
        (
            "country = \"US\"",
            "",
            "line 1: country: is missing: two letters such as \"US\", the country of phone numbers without a country code",
        ),
        (
            "default = 50",
            "default = 50\nui = \"popup\"",
            "line 7: deposit.ui: must be \"hosted\", \"embedded\" or \"elements\"",
        ),
        (
            "default = 50",
            "default = 50\n[cancellation]\nlate_refund_percent = 101",
            "line 8: cancellation.late_refund_percent: must be a whole number of percent from 0 to 100",
        ),
        (
            "default = 50",
            "default = 50\n[booking]\nhold_minutes = 31",
            "line 8: booking.hold_minutes: must be a whole number of minutes from 1 to 30",
        ),
        (
            "default = 50",
            "default = 50\n[booking]\nmax_holds_per_customer = 0",
            "line 8: booking.max_holds_per_customer: must be a whole number of holds from 1 to 100",
        ),
        (
            "Los_Angeles",
            "Los_Angels",
            "line 3: time_zone: \"America/Los_Angels\" is not an IANA time zone; did you mean \"America/Los_Angeles\"?",
        ),
        (
            "\"usd\"",
            "\"xyz\"",
            "line 4: currency: must be one of aed, aud, brl, cad, chf, czk, dkk, eur, gbp, hkd, huf, inr, jpy, mxn, myr, nok, nzd, pln, ron, sek, sgd, thb, usd",
        ),
        (
            "default = 50",
            "default = 0.5",
            "line 6: deposit.default: must be an amount in usd: a whole number such as 50, or text such as \"49.50\"",
        ),
        (
            "default = 50",
            "default = \"0.49\"",
            "line 6: deposit.default: is 0.49 USD, but the least that Stripe charges is 0.50 USD",
        ),
        (
            "default = 50",
            "default = 201",
            "line 13: services[1]: costs 200.00 USD, which is less than the default deposit of 201.00 USD; add a `deposit` to it",
        ),
        (
            "\"10:00-12:30\"",
            "\"12:30-10:00\"",
            "line 8: hours.mon[1]: must be a range of times such as \"10:00-19:00\", with the end after the start",
        ),
        (
            "\"13:00-19:00\"",
            "\"12:00-19:00\"",
            "line 8: hours.mon[2]: starts before the previous range ends; list the ranges of a day in order",
        ),
        ("tue =", "tues =", "line 9: hours.tues: is not a known key; did you mean `tue`?"),
        (
            "[\"https://salon.example\"]",
            "[\"http://salon.example\"]",
            "line 11: site.allowed_origins[1]: must be an origin such as \"https://salon.example\", without a path",
        ),
        (
            "https://salon.example/done",
            "https://salon.example.evil/done",
            "line 12: site.return_url: must be a page on one of the `allowed_origins` (https://salon.example)",
        ),
        (
            "id = \"1.01\"",
            "id = \"1 01\"",
            "line 14: services[1].id: must be 1 to 40 letters, digits, dots, hyphens or underscores",
        ),
        (
            "duration_minutes = 60",
            "duration_minutes = 361",
            "line 13: services[1]: takes 361 minutes, but nobody who performs it works longer than 360 minutes without a break",
        ),
        (
            "duration_minutes = 60",
            "duration_minutes = -60",
            "line 17: services[1].duration_minutes: must be a whole number of minutes from 5 to 1440",
        ),
        (
            "price = 200",
            "price = \"200.001\"",
            "line 18: services[1].price: must be an amount in usd: a whole number such as 50, or text such as \"49.50\"",
        ),
        (
            "price = 200",
            "price = 200\ndeposit = 300",
            "line 19: services[1].deposit: is 300.00 USD, more than the price of 200.00 USD",
        ),
        (
            "price = 200",
            "price = 200\ndeposit = \"101%\"",
            "line 19: services[1].deposit: must be an amount, or a percentage from \"1%\" to \"100%\"",
        ),
        (
            "name = \"Person\"",
            "name = \"Person\"\nservices = [\"1.02\"]",
            "line 22: staff[1].services[1]: must be the id of a service; did you mean \"1.01\"?",
        ),
        (
            "name = \"Person\"",
            "name = \"Person\"\nservices = []",
            "line 13: services[1]: no staff member performs \"1.01\"; add it to the `services` of one",
        ),
        (
            "name = \"Person\"",
            "name = \"Person\"\nhours = { mon = [\"12:00-14:00\"] }",
            "line 22: staff[1].hours: has hours on mon outside the salon's opening hours; change them or [hours]",
        ),
        (
            "name = \"Person\"",
            "name = \"Person\"\ncalendars = [{ ical = \"own\", google = \"own\" }]",
            "line 22: staff[1].calendars[1]: must be either { ical = \"name\" } or { google = \"name\" }",
        ),
        (
            "name = \"Person\"",
            "name = \"Person\"\ncalendars = [{ ical = \"https://secret\" }]",
            "line 22: staff[1].calendars[1].ical: must be 1 to 40 letters, digits, dots, hyphens or underscores",
        ),
        ("date = 2026-12-25", "date = 2026-12-32", "line 23: "),
        (
            "date = 2026-12-25",
            "date = 2026-12-25T10:00:00",
            "line 23: closures[1].date: must be a date such as 2026-12-25",
        ),
        (
            "date = 2026-12-25",
            "from = 2026-12-25",
            "line 22: closures[1]: must have either `date`, or `from` and `to`",
        ),
        (
            "date = 2026-12-25",
            "from = 2026-12-25\nto = 2026-12-24",
            "line 22: closures[1]: ends on 2026-12-24, before it starts on 2026-12-25; swap `from` and `to`",
        ),
        (
            "reason = \"Christmas Day\"",
            "",
            "line 22: closures[1].reason: is missing: the reason for the closure",
        ),
    ];
    for (original, broken, expected) in table {
        assert!(
            SMALL.contains(original),
            "the table breaks {original:?}, which is not in the file"
        );
        let found = problems(&SMALL.replacen(original, broken, 1));
        assert!(
            found.iter().any(|problem| problem.starts_with(expected)),
            "{broken:?}\n  expected {expected}\n  found    {found:#?}"
        );
    }
}

#[test]
fn all_problems_are_reported_together_ordered_by_line() {
    let broken = SMALL
        .replace("currency = \"usd\"", "currency = \"usd\"\ncolour = \"red\"")
        .replace("duration_minutes = 60", "duration_minutes = \"an hour\"")
        .replace("2026-12-25", "\"Christmas\"");
    let found = problems(&broken);
    let lines: Vec<_> =
        found.iter().map(|problem| problem.split(':').next().expect("a line")).collect();
    assert_eq!(lines, ["line 5", "line 18", "line 24"], "{found:#?}");
}

#[test]
fn ids_are_unique() {
    let second = "[[services]]\nid = \"1.01\"\ncategory = \"x\"\ntitle = \"x\"\nduration_minutes = 5\nprice = 50\n";
    assert_eq!(
        problems(&format!("{SMALL}{second}")),
        ["line 25: services[2]: has the id \"1.01\", which is already used; give it another"]
    );
}

#[test]
fn a_deposit_can_be_a_percentage() {
    let salon = parse(&SMALL.replace("price = 200", "price = \"199.99\"\ndeposit = \"30%\""))
        .expect("valid");
    assert_eq!(salon.services[0].deposit.amount(), 6_000);
}

#[test]
fn a_syntax_error_is_the_only_problem_reported() {
    let found = problems(&SMALL.replace("currency = \"usd\"", "currency = usd"));
    assert!(found.len() == 1 && found[0].starts_with("line 4: "), "{found:#?}");
}

/// The sections that [`SMALL`] omits. Appended to it, they begin on line 25.
const MAIL: &str = r#"[contact]
address = "1 Main Street"
phone = "(206) 555-0100"
email = "hello@salon.example"
[mail]
from = "The Salon <bookings@salon.example>"
owner = "owner@salon.example"
reminder_hours = 48
quiet_hours = "20:00-08:00"
"#;

#[test]
fn the_mail_section_is_optional() {
    let salon = parse(SMALL).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((salon.mail, salon.contact), (None, Contact::default()));

    let salon = parse(&format!("{SMALL}{MAIL}")).unwrap_or_else(|problems| panic!("{problems}"));
    let mail = salon.mail.expect("mail");
    assert_eq!(mail.from.name, "The Salon");
    assert_eq!(mail.from.address.as_str(), "bookings@salon.example");
    assert_eq!(mail.reminders.map(|reminders| reminders.hours), Some(48));
    assert_eq!(salon.contact.phone.as_deref(), Some("(206) 555-0100"));

    let plain = MAIL
        .replace("The Salon <bookings@salon.example>", "bookings@salon.example")
        .replace("= 48", "= 0");
    let salon = parse(&format!("{SMALL}{plain}")).unwrap_or_else(|problems| panic!("{problems}"));
    let mail = salon.mail.expect("mail");
    assert_eq!((mail.from.name.as_str(), mail.reminders), ("Salon", None));
}

#[test]
fn each_problem_with_contact_and_mail_is_reported() {
    let table = [
        (
            "address = \"1",
            "adress = \"1",
            "line 26: contact.adress: is not a known key; did you mean `address`?",
        ),
        (
            "1 Main Street",
            "1 Main Street\\nBcc: all@example.com",
            "line 26: contact.address: must be text on one line",
        ),
        ("(206) 555-0100", "555", "line 27: contact.phone: must be a phone number"),
        (
            "hello@salon.example",
            "hello",
            "line 28: contact.email: must be an e-mail address such as \"hello@salon.example\"",
        ),
        (
            "from = \"The Salon <bookings@salon.example>\"",
            "",
            "line 29: mail.from: is missing: the sender, such as \"Salon <bookings@salon.example>\"",
        ),
        (
            "<bookings@salon.example>",
            "bookings@salon.example",
            "line 30: mail.from: must be an address such as \"Salon <bookings@salon.example>\"",
        ),
        (
            "owner@salon.example",
            "owner@salön.example",
            "line 31: mail.owner: must be an e-mail address such as \"hello@salon.example\"",
        ),
        (
            "= 48",
            "= 169",
            "line 32: mail.reminder_hours: must be a whole number of hours from 0 to 168",
        ),
        (
            "20:00-08:00",
            "08:00-07:00",
            "line 33: mail.quiet_hours: must be hours such as \"20:00-08:00\" that leave at least two hours of the day",
        ),
    ];
    for (original, broken, expected) in table {
        assert!(MAIL.contains(original), "the table breaks {original:?}, which is not there");
        let found = problems(&format!("{SMALL}{}", MAIL.replacen(original, broken, 1)));
        assert_eq!(found, [expected], "{broken:?}");
    }
}

#[test]
fn the_manage_url_is_on_an_allowed_origin_and_has_no_fragment() {
    let with = |url: &str| {
        let site = format!("[site]\nmanage_url = \"{url}\"");
        problems(&SMALL.replace("[site]", &site))
    };
    assert!(with("https://salon.example/manage?lang=en").is_empty());
    assert_eq!(
        with("https://evil.example/manage"),
        [
            "line 11: site.manage_url: must be a page on one of the `allowed_origins` (https://salon.example)"
        ]
    );
    assert_eq!(
        with("https://salon.example/#/manage"),
        [
            "line 11: site.manage_url: must not contain \"#\": the part after it is used for the manage token"
        ]
    );
}
