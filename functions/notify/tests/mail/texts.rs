use super::*;

#[test]
fn a_confirmation_says_all_that_a_visitor_needs() {
    let mail = mail_to(Recipient::Visitor, &Notification::Confirmed, &booking());
    insta::assert_snapshot!(format!("{}\n\n{}", mail.subject, mail.text));
}

#[test]
fn a_notice_says_who_comes_and_when() {
    let mail = mail_to(Recipient::Owner, &Notification::Confirmed, &booking());
    insta::assert_snapshot!(format!("{}\n\n{}", mail.subject, mail.text));
}

#[test]
fn the_owner_reads_the_extension_of_the_visitors_phone() {
    let mut booking = booking();
    booking.customer.phone = booking.customer.phone.with_extension("12").unwrap();
    let owner = mail_to(Recipient::Owner, &Notification::Confirmed, &booking);
    assert!(owner.text.contains("\n+12135550123 ext. 12\n"), "{}", owner.text);
}

#[test]
fn a_calendar_conflict_is_the_first_line_of_the_owners_mail_and_nothing_in_the_visitors() {
    let booking = Booking { has_conflict: true, ..booking() };
    for news in [Notification::Confirmed, Notification::Moved { from: StaffId::new("s2").unwrap() }]
    {
        let owner = mail_to(Recipient::Owner, &news, &booking);
        let first = owner.text.lines().next().unwrap();
        assert_eq!(first, "CALENDAR CONFLICT: Ann's calendar has something else at this time.");
        assert!(owner.subject.starts_with("Conflict: "), "{}", owner.subject);
        let visitor = mail_to(Recipient::Visitor, &news, &booking);
        assert!(!visitor.text.to_lowercase().contains("conflict"), "{}", visitor.text);
    }
}

#[test]
fn a_refund_that_failed_tells_the_owner_what_to_do_and_the_visitor_to_wait() {
    let refund = Some(Refund { amount: booking().terms.deposit, attempt: 1 });
    let booking = Booking { state: State::RefundFailed, refund, ..booking() };
    let owner = mail_to(Recipient::Owner, &Notification::RefundFailed, &booking);
    insta::assert_snapshot!(format!("{}\n\n{}", owner.subject, owner.text));
    let visitor = mail_to(Recipient::Visitor, &Notification::RefundFailed, &booking);
    insta::assert_snapshot!(format!("{}\n\n{}", visitor.subject, visitor.text));
}

#[test]
fn the_owner_is_told_of_a_dispute_and_the_visitor_is_not() {
    let disputed = contested(State::Confirmed);
    let mails = write(&Notification::Contested, &disputed, &salon(), now());
    let [owner] = &mails[..] else { panic!("one mail is expected: {mails:?}") };
    assert_eq!(owner.recipient, Recipient::Owner);
    insta::assert_snapshot!(format!("{}\n\n{}", owner.subject, owner.text));

    let mut suspected = disputed.clone();
    suspected.incidents.warnings[0].kind = WarningKind::EarlyFraudWarning;
    let owner = mail_to(Recipient::Owner, &Notification::Contested, &suspected);
    assert!(owner.subject.starts_with("A payment may be fraud: "), "{}", owner.subject);
    assert!(owner.text.contains("also cancels the booking"), "{}", owner.text);
}

#[test]
fn a_refund_in_the_dashboard_is_the_salons_cancellation() {
    let mut by_hand = Booking { state: State::Refunding, ..booking() };
    by_hand.incidents.refunded_by_hand = Some(by_hand.terms.deposit);
    let visitor = mail_to(Recipient::Visitor, &Notification::Cancelled, &by_hand);
    assert!(visitor.text.contains("The salon has cancelled your appointment."), "{visitor:?}");
    let owner = mail_to(Recipient::Owner, &Notification::Cancelled, &by_hand);
    assert!(owner.text.starts_with("You have refunded this payment"), "{}", owner.text);
}

#[test]
fn a_late_payment_has_its_own_words() {
    let said = all_news().into_iter().map(|(news, booking)| {
        let mail = mail_to(Recipient::Visitor, &news, &booking);
        (news.as_str(), mail.text.lines().nth(2).unwrap().to_owned())
    });
    let said: Vec<String> = said.map(|(news, line)| format!("{news}: {line}")).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn the_terms_are_those_of_the_booking_as_they_are_when_it_is_confirmed() {
    let table = [
        // Hours before the start, hundredths after that, confirmed, and what is said.
        (
            24,
            0,
            "2026-11-16T18:04:00Z",
            "cancel by Monday, 23 November 2026, 10:00, and all of the deposit comes back. After that, the salon keeps it.",
        ),
        (
            48,
            50,
            "2026-11-16T18:04:00Z",
            "cancel by Sunday, 22 November 2026, 10:00, and all of the deposit comes back. After that, 25.00 USD of it comes back.",
        ),
        (
            24,
            50,
            "2026-11-24T16:00:00Z",
            "If plans change: 25.00 USD of the deposit comes back when you cancel before the appointment.",
        ),
        (
            24,
            0,
            "2026-11-24T16:00:00Z",
            "too close to the appointment for the deposit to come back",
        ),
    ];
    for (hours, percent, confirmed, expected) in table {
        let mut booking = booking();
        booking.terms.cancellation.full_refund_hours = hours;
        booking.terms.cancellation.late_refund_percent = percent;
        booking.changed_at = confirmed.parse().unwrap();
        let mail = mail_to(Recipient::Visitor, &Notification::Confirmed, &booking);
        assert!(mail.text.contains(expected), "{expected}\n{}", mail.text);
        assert!(mail.html.as_ref().unwrap().contains(expected), "{expected}\n{:?}", mail.html);
    }
}

#[test]
fn a_reminder_does_not_promise_what_is_over() {
    let said_at = |now: &str| {
        let mails = write(&Notification::Reminder, &booking(), &salon(), now.parse().unwrap());
        mails[0].text.contains("all of the deposit comes back")
    };
    assert!(said_at("2026-11-23T17:59:59Z"));
    assert!(!said_at("2026-11-23T18:00:00Z"));
}

#[test]
fn the_right_to_cancel_is_in_the_fragment_of_the_visitors_link_and_nowhere_else() {
    let link = "https://beautylounge.example/booking?booking=5eed0123456789abcdef0123456789ab#token=00000000000000000000000000070cea";
    for (news, booking) in all_news() {
        let visitor = mail_to(Recipient::Visitor, &news, &booking);
        let is_open = matches!(
            news,
            Notification::Confirmed | Notification::Moved { .. } | Notification::Reminder
        );
        assert_eq!(visitor.text.contains(link), is_open, "{}", visitor.text);
        assert_eq!(
            visitor.html.as_ref().unwrap().contains("#token="),
            is_open,
            "{:?}",
            visitor.html
        );
        let owner = write(&news, &booking, &salon(), now()).into_iter().nth(1);
        let token = booking.manage_token.expose();
        assert!(owner.is_none_or(|owner| !owner.text.contains(token)));
        assert!(visitor.invitation.is_none_or(|file| !file.text.contains(token)));
    }
}

#[test]
fn text_and_html_say_the_same() {
    for (news, booking) in all_news() {
        let mail = mail_to(Recipient::Visitor, &news, &booking);
        let html = mail.html.unwrap();
        for fact in [
            "Eyebrow shaping and tinting",
            "Tuesday, 24 November 2026, 10:00",
            "Ada Lovelace",
            "1420 Maple Street",
        ] {
            assert!(mail.text.contains(fact), "{fact} in {}", mail.text);
            assert!(html.contains(fact), "{fact} in {html}");
        }
        if let Some(refund) = booking.refund {
            let amount = refund.amount.to_string();
            assert!(
                mail.text.contains(&amount) && html.contains(&amount),
                "{amount}: {}",
                mail.text
            );
        }
    }
}

#[test]
fn a_salon_that_leaves_everything_out_still_writes_whole_sentences() {
    let mut salon = salon();
    salon.contact = salon::contact::Contact::default();
    salon.manage_url = None;
    let mails = write(&Notification::Confirmed, &booking(), &salon, now());
    let text = &mails[0].text;
    assert!(!text.contains("None") && !text.contains(", \n") && !text.contains("http"), "{text}");
}

#[test]
fn a_salon_without_mail_writes_none() {
    let mut salon = salon();
    salon.mail = None;
    assert_eq!(write(&Notification::Confirmed, &booking(), &salon, now()), []);
}
