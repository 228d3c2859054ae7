//! What mails say, to whom, and that nothing in them can be made to say more.

mod calendars;
mod headers;
mod injection;
mod texts;

use jiff::Timestamp;
use mail_parser::MessageParser;
use notify::mail::{Mail, Notification, Recipient, write};
use salon::Salon;
use salon::booking::{Booking, PaymentWarning, Refund, State, WarningKind};
use salon::salon_file;
use salon::service::StaffId;
use salon::staff_calendar::CalendarName;
use testing::booking;

/// The salon that is compiled in, with a second person. The first one's
/// calendar is a feed.
fn salon() -> Salon {
    let second = "[[staff]]\nid = \"s2\"\nname = \"Grace\"\n";
    let file = salon_file::COMPILED_IN.replacen(
        "name = \"Beauty Lounge\"\n\n# The menu",
        "name = \"Ann\"\n\n# The menu",
        1,
    );
    let mut salon = salon_file::parse(&format!("{file}\n{second}")).expect("a salon");
    salon.staff[0].calendars = vec![CalendarName::Ical("ann".to_owned())];
    salon
}

fn now() -> Timestamp {
    "2026-11-16T18:04:05Z".parse().expect("an instant")
}

/// All news, each with a booking that it can be about.
fn all_news() -> Vec<(Notification, Booking)> {
    let refund = Some(Refund { amount: booking().terms.deposit, attempt: 1 });
    let is = |state: State, refund: Option<Refund>| {
        let version = if state == State::Confirmed { 2 } else { 3 };
        Booking { state, refund, version, ..booking() }
    };
    let from = StaffId::new("s2").expect("an id");
    let mut by_hand = is(State::Refunding, refund);
    by_hand.incidents.refunded_by_hand = Some(booking().terms.deposit);
    vec![
        (Notification::Confirmed, is(State::Confirmed, None)),
        (Notification::Moved { from }, is(State::Confirmed, None)),
        (Notification::Reminder, is(State::Confirmed, None)),
        (Notification::Cancelled, is(State::Refunding, refund)),
        (Notification::Cancelled, is(State::Cancelled, None)),
        (Notification::Cancelled, by_hand),
        (Notification::Cancelled, contested(State::Cancelled)),
        (Notification::Released, is(State::Released, None)),
        (Notification::PaidTooLate, is(State::Refunding, refund)),
        (Notification::PaidAfterCancelling, is(State::Refunding, refund)),
        (Notification::Refunded, is(State::Refunded, refund)),
        (Notification::RefundFailed, is(State::RefundFailed, refund)),
    ]
}

/// Returns a booking whose payment is disputed.
fn contested(state: State) -> Booking {
    let mut booking = Booking { state, ..booking() };
    booking.incidents.warnings.push(PaymentWarning {
        kind: WarningKind::Dispute,
        id: "du_1".to_owned(),
        payment: booking.payment.clone().expect("it is paid"),
        at: booking.changed_at,
    });
    booking
}

fn mail_to(recipient: Recipient, news: &Notification, booking: &Booking) -> Mail {
    let mails = write(news, booking, &salon(), now());
    mails.into_iter().find(|mail| mail.recipient == recipient).expect("a mail to them")
}

/// Reads a mail with another's parser.
fn read(mail: &Mail) -> mail_parser::Message<'static> {
    MessageParser::new().parse(&mail.to_bytes()).expect("a mail").into_owned()
}
