use std::collections::HashSet;

use super::*;

#[test]
fn a_mail_says_who_writes_to_whom_and_that_a_machine_does() {
    let visitor = read(&mail_to(Recipient::Visitor, &Notification::Confirmed, &booking()));
    let from = visitor.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Beauty Lounge"));
    assert_eq!(from.address(), Some("bookings@beautylounge.example"));
    let to = visitor.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (Some("Ada Lovelace"), Some("ada@example.com")));
    let reply_to = visitor.reply_to().unwrap().first().unwrap();
    assert_eq!(reply_to.address(), Some("hello@beautylounge.example"));
    assert_eq!(visitor.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    assert_eq!(visitor.date().unwrap().to_rfc3339(), "2026-11-16T18:04:05Z");

    let owner = read(&mail_to(Recipient::Owner, &Notification::Confirmed, &booking()));
    assert_eq!(owner.to().unwrap().first().unwrap().address(), Some("owner@beautylounge.example"));
    let answer = owner.reply_to().unwrap().first().unwrap();
    assert_eq!(answer.address(), Some("ada@example.com"), "the owner answers the visitor");
}

#[test]
fn the_same_news_is_the_same_mail_and_every_other_has_an_id_of_its_own() {
    let mut ids = HashSet::new();
    for (news, booking) in all_news() {
        for (first, again) in write(&news, &booking, &salon(), now()).iter().zip(write(
            &news,
            &booking,
            &salon(),
            now(),
        )) {
            assert_eq!(first.to_bytes(), again.to_bytes());
            assert_eq!(read(first).message_id(), Some(first.id.as_str()));
            ids.insert(first.id.clone());
        }
    }
    // Two of the ten are cancellations. The owner gets no reminder, and is not told of those
    // who stood by.
    assert_eq!(ids.len(), 2 * 9 - 2, "{ids:#?}");
    assert!(
        ids.contains("5eed0123456789abcdef0123456789ab.confirmed.visitor@beautylounge.example")
    );
}

#[test]
fn every_byte_is_ascii_and_no_line_is_longer_than_mail_allows() {
    for (news, booking) in all_news() {
        let booking = Booking {
            customer: salon::customer::Customer {
                name: "王小明 👩🏽‍🎤 محمد Søn".parse().unwrap(),
                ..booking.customer.clone()
            },
            ..booking
        };
        for mail in write(&news, &booking, &salon(), now()) {
            let bytes = mail.to_bytes();
            let text = std::str::from_utf8(&bytes).unwrap();
            assert!(text.is_ascii(), "{text}");
            assert!(text.split("\r\n").all(|line| line.len() <= 998), "{text}");
            assert!(!text.contains("boundary*"), "a boundary is too long for one line: {text}");
            assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "every line ends with CRLF");
            assert_eq!(read(&mail).body_text(0).unwrap().replace("\r\n", "\n"), mail.text);
        }
    }
}

#[test]
fn an_address_that_ses_does_not_take_is_left_to_the_owner() {
    let with = |email: &str| {
        let mut booking = booking();
        booking.customer.email = salon::customer::Email::from_stored(email).unwrap();
        write(&Notification::Confirmed, &booking, &salon(), now())
    };
    let punycode = with("ada@bücher.example");
    assert_eq!(punycode[0].to.address, "ada@xn--bcher-kva.example");

    let owner_only = with("用户@例子.example");
    assert_eq!(owner_only.len(), 1);
    assert!(owner_only[0].text.contains("We cannot write to this address: please call."));
    assert_eq!(owner_only[0].reply_to.address, "owner@beautylounge.example");
}

#[test]
fn nothing_personal_is_shown_by_debug() {
    let mails = write(&Notification::Confirmed, &booking(), &salon(), now());
    let shown = format!("{mails:?}");
    for personal in ["Ada", "555", "ada@", "070cea", "Maple"] {
        assert!(!shown.contains(personal), "{shown}");
    }
}
