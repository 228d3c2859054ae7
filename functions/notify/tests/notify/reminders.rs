use jiff::{SignedDuration, Timestamp};
use notify::{NotifyResponse, ReminderReport};
use salon::booking::{Booking, State};
use stand_ins::mailbox::MailFault;
use testing::booking;

use crate::harness::Harness;

async fn at(harness: &Harness, instant: &str) -> usize {
    let instant: Timestamp = instant.parse().expect("an instant");
    harness.clock.advance(instant.duration_since(harness.clock.now()));
    harness.remind().await.expect("reminded");
    harness.mails().len()
}

#[tokio::test]
async fn a_client_is_reminded_once_the_day_before() {
    let harness = Harness::new().await;
    harness.put_on_sheet(&booking());
    assert_eq!(at(&harness, "2026-11-23T09:00:00-08:00").await, 0, "not yet");
    assert_eq!(at(&harness, "2026-11-23T10:00:00-08:00").await, 1);
    let mails = harness.mails();
    assert!(mails[0].starts_with("ada@example.com: "), "the owner needs none: {mails:?}");
    assert_eq!(at(&harness, "2026-11-23T11:00:00-08:00").await, 1, "once");
    assert_eq!(at(&harness, "2026-11-24T09:00:00-08:00").await, 1, "once");
}

#[tokio::test]
async fn no_reminder_is_sent_in_quiet_hours_or_for_a_cancelled_booking() {
    let harness = Harness::new().await;
    // An appointment at 7 pm, whose reminder was not sent before 8 pm.
    let mut booking = booking();
    let later = SignedDuration::from_hours(9);
    let start = booking.appointment.start() + later;
    booking.appointment = salon::interval::Interval::new(start, booking.appointment.end() + later)
        .expect("half an hour");
    booking.free_from = booking.appointment.end();
    harness.put_on_sheet(&booking);
    assert_eq!(at(&harness, "2026-11-23T20:30:00-08:00").await, 0, "it is quiet");
    assert_eq!(at(&harness, "2026-11-24T07:59:00-08:00").await, 0, "it is quiet");
    // Cancelled, and its entry is still on a sheet that was read too early.
    harness.store.put_booking(Booking { state: State::Cancelled, ..booking.clone() });
    assert_eq!(at(&harness, "2026-11-24T08:00:00-08:00").await, 0, "it is cancelled");
    harness.store.put_booking(booking);
    assert_eq!(at(&harness, "2026-11-24T08:01:00-08:00").await, 1);
}

#[tokio::test]
async fn a_reminder_that_failed_is_reported_and_sent_by_the_next_run() {
    let harness = Harness::new().await;
    harness.put_on_sheet(&booking());
    let due: Timestamp = "2026-11-23T10:00:00-08:00".parse().expect("an instant");
    harness.clock.advance(due.duration_since(harness.clock.now()));
    harness.mailbox().fail_with([MailFault::Throttled; 3]);
    harness.remind().await.expect_err("the mail was not sent");
    let reminded = harness.remind().await.expect("reminded");
    assert_eq!(reminded, NotifyResponse::Reminders(ReminderReport { due: 1, left: 0 }));
    assert_eq!(harness.mails().len(), 1);
}
