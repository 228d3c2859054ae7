use jiff::SignedDuration;
use salon::booking::{Booking, State};
use stand_ins::fake_google::Fault;
use stand_ins::mailbox::MailFault;

use crate::harness::{Harness, number};

const LATER: SignedDuration = SignedDuration::from_secs(16);

#[tokio::test]
async fn records_are_retried_until_ses_is_back() {
    let harness = Harness::new().await;
    let (_, record) = harness.pay(1).await;
    harness.mailbox().set_down(true);
    assert_eq!(harness.deliver(&[&record]).await, [number(&record)]);
    assert_eq!(harness.events().len(), 1, "a calendar does not wait for a mail");
    harness.clock.advance(LATER);
    assert_eq!(harness.deliver(&[&record]).await, [number(&record)]);
    harness.mailbox().set_down(false);
    harness.clock.advance(LATER);
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);
    assert_eq!(harness.copies().into_values().collect::<Vec<_>>(), [1, 1]);
    assert_eq!(harness.events().len(), 1);
}

#[tokio::test]
async fn a_mail_that_was_throttled_is_sent_at_the_next_delivery() {
    let harness = Harness::new().await;
    let (_, record) = harness.pay(1).await;
    harness.mailbox().fail_with([MailFault::Throttled; 6]);
    assert_eq!(harness.deliver(&[&record]).await, [number(&record)]);
    assert_eq!(harness.deliver(&[&record]).await, [""; 0], "nobody waits for a claim");
    assert_eq!(harness.copies().into_values().collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn an_address_that_ses_rejects_delays_nothing() {
    let harness = Harness::new().await;
    let (booking, record) = harness.pay(1).await;
    harness.mailbox().fail_with([MailFault::Rejected]);
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);
    assert_eq!(harness.mails().len(), 1, "the owner's");
    assert_eq!(harness.store.effects(&booking.id).len(), 3);
}

#[tokio::test]
async fn a_failed_record_delays_later_records_of_the_same_booking_alone() {
    let harness = Harness::new().await;
    let (booking, paid) = harness.pay(1).await;
    let cancelled = Booking { state: State::Cancelled, ..booking.clone() };
    let cancelled = harness.change(&booking, &cancelled).await;
    let (_, other) = harness.pay(2).await;
    harness.mailbox().fail_with([MailFault::Throttled; 3]);
    let failed = harness.deliver(&[&paid, &cancelled, &other]).await;
    assert_eq!(failed, [number(&paid), number(&cancelled)]);
    assert_eq!(harness.mails().len(), 3, "the owner's, and the other booking's two");
    assert_eq!(harness.deliver(&[&paid, &cancelled, &other]).await, [""; 0]);
    assert_eq!(harness.copies().into_values().collect::<Vec<_>>(), [1; 6]);
}

#[tokio::test]
async fn a_calendar_that_is_down_is_retried_and_one_that_refuses_is_not() {
    let harness = Harness::new().await;
    let (_, record) = harness.pay(1).await;
    harness.google.google().fail_with([Fault::Internal; 4]);
    assert_eq!(harness.deliver(&[&record]).await, [number(&record)]);
    assert_eq!((harness.mails().len(), harness.events().len()), (2, 0));
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);
    assert_eq!((harness.mails().len(), harness.events().len()), (2, 1));

    let (_, record) = harness.pay(2).await;
    harness.google.google().fail_with([Fault::Forbidden]);
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);
    assert_eq!((harness.mails().len(), harness.events().len()), (4, 1));
}

#[tokio::test]
async fn a_record_is_retried_while_the_table_is_down() {
    let harness = Harness::new().await;
    let (_, record) = harness.pay(1).await;
    harness.store.set_down(true);
    assert_eq!(harness.deliver(&[&record]).await, [number(&record)]);
    assert_eq!((harness.mails().len(), harness.events().len()), (0, 0));
    harness.store.set_down(false);
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);
    assert_eq!((harness.mails().len(), harness.events().len()), (2, 1));
}
