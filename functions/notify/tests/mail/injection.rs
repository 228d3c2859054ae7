use proptest::prelude::*;
use salon::customer::CustomerName;

use super::*;

/// Names that try to be more than names. Those with control characters are
/// refused where a booking is made, so they come by way of the salon file.
pub(super) const NAMES: [&str; 12] = [
    "Ada\r\nBcc: all@example.com",
    "Ada\n\n<b>body</b>",
    "Ada\r\n.\r\nQUIT",
    "\"Ada\" <evil@example.com>, Eve",
    "=?utf-8?Q?=0D=0ABcc:_all=40example.com?=",
    "=?utf-8?B?PHNjcmlwdD4=?=",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "{{ letter.manage_url }}{% raw %}",
    "END:VEVENT\\nBEGIN:VALARM;X=\"1\":2,3",
    "👩🏽‍🎤 王小明 محمد עדה \u{200f}\u{2028}x",
    "--mixed-0123456789abcdef0123456789abcdef--",
];

/// A mail in which everything that has a name has this one.
pub(super) fn named(name: &str, news: &Notification, booking: &Booking) -> Vec<Mail> {
    let (mut salon, mut booking) = (salon(), booking.clone());
    name.clone_into(&mut salon.name);
    salon.contact.address = Some(name.to_owned());
    for member in &mut salon.staff {
        name.clone_into(&mut member.name);
    }
    for service in &mut salon.services {
        name.clone_into(&mut service.title);
    }
    name.clone_into(&mut salon.mail.as_mut().expect("it writes mail").from.name);
    if let Ok(name) = name.parse::<CustomerName>() {
        booking.customer.name = name;
    }
    write(news, &booking, &salon, now())
}

/// Checks that the name is only ever a name.
fn check(name: &str) {
    for (news, booking) in all_news() {
        for (plain, mail) in
            write(&news, &booking, &salon(), now()).iter().zip(named(name, &news, &booking))
        {
            let (plain, read) = (read(plain), read(&mail));
            let headers = |message: &mail_parser::Message<'_>| -> Vec<String> {
                message.headers().iter().map(|header| header.name().to_owned()).collect()
            };
            assert_eq!(headers(&read), headers(&plain), "{name:?} adds no header");
            assert_eq!(read.parts.len(), plain.parts.len(), "{name:?} adds no part");
            for list in [read.from(), read.to(), read.reply_to()] {
                assert_eq!(list.expect("somebody").iter().count(), 1, "{name:?} adds nobody");
            }
            let from = read.from().and_then(|from| from.first()).expect("a sender");
            assert_eq!(from.address(), Some("bookings@beautylounge.example"), "{name:?}");
            assert_eq!(seen(read.subject()), mail.subject, "{name:?} is read as written");
            let name_written = mail.from.name.as_deref().unwrap_or_default();
            assert_eq!(seen(from.name()), name_written.trim(), "{name:?} is read as written");
            if let Some(html) = &mail.html {
                check_html(html, name);
            }
            let lines = |text: &str| text.lines().count();
            let said = plain.body_text(0).expect("text");
            assert_eq!(lines(&mail.text), lines(&said), "{name:?} adds no line\n{}", mail.text);
        }
    }
}

/// Returns what a person sees of a header.
fn seen(header: Option<&str>) -> String {
    header.unwrap_or_default().replace('\u{2060}', "").trim().to_owned()
}

/// Checks that the tags are those of the template.
fn check_html(html: &str, name: &str) {
    let tags = |html: &str| html.matches('<').count();
    for forbidden in ["<script", "<img", "onerror=alert(1)>", "<b>", "<evil"] {
        assert!(!html.contains(forbidden), "{name:?} is not escaped: {html}");
    }
    assert_eq!(tags(html), html.matches('>').count(), "{name:?}: every tag is closed");
}

#[test]
fn whatever_a_name_contains_it_stays_a_name() {
    for name in NAMES {
        check(name);
    }
}

#[test]
fn the_names_that_a_visitor_can_give_reach_the_owner_as_they_are() {
    let names: Vec<CustomerName> = NAMES.iter().filter_map(|name| name.parse().ok()).collect();
    assert!(names.len() >= 7, "most of them are allowed");
    for name in names {
        let mut booking = booking();
        booking.customer.name = name.clone();
        let owner = mail_to(Recipient::Owner, &Notification::Confirmed, &booking);
        let text = read(&owner).body_text(0).unwrap().into_owned();
        assert!(text.contains(name.as_str()), "{} in {text}", name.as_str());
        let visitor = mail_to(Recipient::Visitor, &Notification::Confirmed, &booking);
        let to = read(&visitor);
        let to = to.to().unwrap().first().unwrap();
        assert_eq!(seen(to.name()), name.as_str());
        assert_eq!(to.address(), Some("ada@example.com"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_at_all_is_in_a_name_it_stays_a_name(name in "\\PC{1,60}|(?s).{1,60}") {
        check(&name);
    }
}
