use super::*;
use crate::booking::sample;
use crate::salon_file;

fn salon() -> Salon {
    salon_file::parse(salon_file::COMPILED_IN).expect("a valid salon")
}

fn lines(invitation: Option<Invitation>) -> Vec<String> {
    let text = invitation.expect("an invitation").text.replace("\r\n ", "");
    text.split_terminator("\r\n").map(str::to_owned).collect()
}

#[test]
fn a_confirmed_booking_is_published() {
    assert_eq!(
        lines(Invitation::for_client(&sample(), &salon())),
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Openchair//Bookings//EN",
            "CALSCALE:GREGORIAN",
            "METHOD:PUBLISH",
            "BEGIN:VEVENT",
            "UID:5eed0123456789abcdef0123456789ab@beautylounge.example",
            "DTSTAMP:20261116T180400Z",
            "SEQUENCE:2",
            "DTSTART:20261124T180000Z",
            "DTEND:20261124T183000Z",
            "SUMMARY:Eyebrow shaping and tinting\\, Beauty Lounge",
            "LOCATION:1420 Maple Street\\, Los Angeles\\, CA 90026",
            "DESCRIPTION:Phone +1 213 555 0142",
            "ORGANIZER;CN=\"Beauty Lounge\":mailto:hello@beautylounge.example",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "END:VEVENT",
            "END:VCALENDAR",
        ]
    );
}

#[test]
fn a_cancellation_has_the_same_uid_and_a_higher_sequence() {
    let confirmed = sample();
    let mut cancelled = sample();
    (cancelled.state, cancelled.version) = (State::Refunding, confirmed.version + 1);
    let cancelled = lines(Invitation::for_client(&cancelled, &salon()));
    for line in ["METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:3"] {
        assert!(cancelled.iter().any(|l| l == line), "{line} is missing in {cancelled:#?}");
    }
    let uid = |lines: &[String]| lines.iter().find(|line| line.starts_with("UID:")).cloned();
    assert_eq!(uid(&cancelled), uid(&lines(Invitation::for_client(&confirmed, &salon()))));
}

#[test]
fn a_booking_that_was_never_paid_has_no_file() {
    let table = [
        (State::Held, None, None),
        (State::Processing, None, None),
        (State::Expired, None, None),
        (State::Cancelled, None, Some(Method::Cancel)),
        (State::Confirmed, Some(Method::Publish), Some(Method::Publish)),
        (State::Refunding, None, Some(Method::Cancel)),
        (State::Refunded, None, Some(Method::Cancel)),
        (State::RefundFailed, None, Some(Method::Cancel)),
    ];
    for (state, unpaid, paid) in table {
        let mut booking = sample();
        booking.state = state;
        assert_eq!(Method::of(&booking), paid, "{state}, paid");
        booking.payment = None;
        let expected = if state == State::Confirmed { paid } else { unpaid };
        assert_eq!(Method::of(&booking), expected, "{state}, unpaid");
    }
}

#[test]
fn a_client_learns_the_name_of_their_person_where_there_are_several() {
    let mut salon = salon();
    let description = |salon: &Salon| {
        let lines = lines(Invitation::for_client(&sample(), salon));
        lines.into_iter().find(|line| line.starts_with("DESCRIPTION:")).expect("a description")
    };
    assert_eq!(description(&salon), "DESCRIPTION:Phone +1 213 555 0142");
    let mut second = salon.staff[0].clone();
    second.id = crate::service::StaffId::new("s2").expect("an id");
    salon.staff.push(second);
    salon.staff[0].name = "Ada".to_owned();
    assert_eq!(description(&salon), "DESCRIPTION:With Ada\\nPhone +1 213 555 0142");
}

#[test]
fn only_the_owners_file_contains_personal_data() {
    let booking = sample();
    let client = Invitation::for_client(&booking, &salon()).expect("an invitation").text;
    let owner = lines(Invitation::for_owner(&booking, &salon())).join("\n");
    for personal in ["Lovelace", "5550123", "ada@"] {
        assert!(!client.contains(personal), "{client}");
        assert!(owner.contains(personal), "{personal} is missing in {owner}");
    }
    assert!(!client.contains(booking.manage_token.expose()));
    assert!(!owner.contains(booking.manage_token.expose()));
}

#[test]
fn the_owners_file_has_the_extension_of_the_clients_phone() {
    let mut booking = sample();
    booking.customer.phone = booking.customer.phone.with_extension("12").expect("an extension");
    let owner = lines(Invitation::for_owner(&booking, &salon())).join("\n");
    assert!(owner.contains("+12135550123 ext. 12\\n"), "{owner}");
    let text = CalendarText::for_owner(&booking, &salon());
    assert!(text.description.contains("\n+12135550123 ext. 12\n"), "{}", text.description);
}

#[test]
fn without_an_email_address_the_organizer_is_the_site() {
    let mut salon = salon();
    (salon.contact.email, salon.contact.address) = (None, None);
    let from_mail = lines(Invitation::for_client(&sample(), &salon)).join("\n");
    assert!(from_mail.contains(":mailto:bookings@beautylounge.example"), "{from_mail}");
    salon.mail = None;
    let from_site = lines(Invitation::for_client(&sample(), &salon)).join("\n");
    assert!(from_site.contains("\":https://beautylounge.example\n"), "{from_site}");
    assert!(!from_site.contains("LOCATION"), "{from_site}");
}

#[test]
fn ical_reads_the_file_as_busy_until_it_is_cancelled() {
    use ical::{TimeRange, busy_times};

    let mut salon = salon();
    salon.name = "\"Salon\"\r\nEND:VEVENT;,\\ 💇🏽‍♀️ مرحبا".repeat(9);
    let mut booking = sample();
    let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
    let window = TimeRange::new(at("2026-11-24T00:00:00Z"), at("2026-11-25T00:00:00Z"));
    let busy = |booking: &Booking| {
        let both =
            [Invitation::for_client(booking, &salon), Invitation::for_owner(booking, &salon)];
        both.map(|file| {
            let text = file.expect("an invitation").text;
            busy_times(text.as_bytes(), window.expect("a day"), &salon.time_zone)
                .unwrap_or_else(|error| panic!("{error}\n{text}"))
                .iter()
                .map(|range| (range.start(), range.end()))
                .collect::<Vec<_>>()
        })
    };
    let appointment = (booking.appointment.start(), booking.appointment.end());
    assert_eq!(busy(&booking), [vec![appointment], vec![appointment]]);
    booking.state = State::Refunded;
    assert_eq!(busy(&booking), [vec![], vec![]]);
}
