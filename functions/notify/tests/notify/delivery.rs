use jiff::SignedDuration;
use salon::booking::{Booking, Refund, State};
use serde_json::json;

use crate::harness::{CALENDAR, Harness, number};

const TO_VISITOR: &str = "ada@example.com: ";
const TO_OWNER: &str = "owner@beautylounge.example: ";

fn cancelled(booking: &Booking) -> Booking {
    let refund = Some(Refund { amount: booking.terms.deposit, attempt: 1 });
    let changed_at = booking.changed_at + SignedDuration::from_mins(1);
    Booking { state: State::Refunding, refund, changed_at, ..booking.clone() }
}

#[tokio::test]
async fn a_payment_sends_two_mails_and_a_transparent_calendar_event() {
    let harness = Harness::new().await;
    let (booking, record) = harness.pay(1).await;
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);

    let mails = harness.mails();
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(mails[0].starts_with(TO_VISITOR) && mails[1].starts_with(TO_OWNER), "{mails:?}");
    let [event] = &harness.events()[..] else { panic!("one event: {:?}", harness.events()) };
    assert_eq!(event.id, booking.id.as_str());
    assert_eq!(event.start.date_time, booking.appointment.start());
    assert_eq!(event.end.date_time, booking.appointment.end());
    assert_eq!(event.transparency.as_deref(), Some("transparent"));
    for told in ["Ada Lovelace", "+12135550123"] {
        assert!(event.description.contains(told), "{told} is missing in {event:?}");
    }
}

#[tokio::test]
async fn a_record_that_is_delivered_twice_sends_one_notice() {
    let harness = Harness::new().await;
    let (_, record) = harness.pay(1).await;
    assert_eq!(harness.deliver(&[&record, &record]).await, [""; 0]);
    harness.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(harness.deliver(&[&record]).await, [""; 0]);
    assert_eq!((harness.mails().len(), harness.events().len()), (2, 1));
}

#[tokio::test]
async fn a_cancellation_deletes_the_calendar_event_and_sends_mails() {
    let harness = Harness::new().await;
    let (booking, paid) = harness.pay(1).await;
    assert_eq!(harness.deliver(&[&paid]).await, [""; 0]);
    let record = harness.change(&booking, &cancelled(&booking)).await;
    assert_eq!(harness.deliver(&[&record, &record]).await, [""; 0]);
    assert_eq!((harness.mails().len(), harness.events().len()), (4, 0));
    assert_eq!(harness.google.google().events(CALENDAR).len(), 1, "it was there");
}

#[tokio::test]
async fn records_in_either_order_send_each_notice_once_and_leave_no_event() {
    let harness = Harness::new().await;
    let (booking, paid) = harness.pay(1).await;
    let refunding = harness.change(&booking, &cancelled(&booking)).await;
    for record in [&refunding, &paid, &refunding, &paid] {
        assert_eq!(harness.deliver(&[record]).await, [""; 0]);
    }
    assert_eq!(harness.copies().into_values().collect::<Vec<_>>(), [1; 4]);
    assert_eq!(harness.events(), []);
}

#[tokio::test]
async fn a_confirmation_that_comes_hours_late_is_not_sent_for_a_cancelled_booking() {
    let harness = Harness::new().await;
    let (booking, paid) = harness.pay(1).await;
    let refunding = harness.change(&booking, &cancelled(&booking)).await;
    harness.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(harness.deliver(&[&refunding, &paid]).await, [""; 0]);
    let mails = harness.mails();
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(mails.iter().all(|mail| mail.contains("ancelled")), "{mails:?}");
}

#[tokio::test]
async fn an_unreadable_record_is_reported_alone() {
    let harness = Harness::new().await;
    let (_, first) = harness.pay(1).await;
    let (_, mut no_state) = harness.pay(2).await;
    let (_, mut no_item) = harness.pay(3).await;
    let (_, last) = harness.pay(4).await;
    no_state["dynamodb"]["NewImage"]["state"] = json!({"S": "lost"});
    no_item["dynamodb"]["NewImage"] = json!({"state": {"X": 1}});
    let failed = harness.deliver(&[&first, &no_state, &no_item, &last]).await;
    assert_eq!(failed, [number(&no_state), number(&no_item)]);
    assert_eq!((harness.mails().len(), harness.events().len()), (4, 2));
}

#[tokio::test]
async fn other_items_and_created_or_deleted_bookings_send_nothing() {
    let harness = Harness::new().await;
    let (_, record) = harness.pay(1).await;
    let mut sheet = record.clone();
    sheet["dynamodb"]["Keys"] = json!({"PK": {"S": "STAFF#s1"}, "SK": {"S": "DAY#2026-11-24"}});
    sheet["dynamodb"]["NewImage"] = json!({"packed": {"B": "AAEC"}, "none": {"NULL": true}});
    let (mut made, mut gone) = (record.clone(), record.clone());
    made["dynamodb"].as_object_mut().unwrap().remove("OldImage");
    gone["dynamodb"].as_object_mut().unwrap().remove("NewImage");
    assert_eq!(harness.deliver(&[&sheet, &made, &gone]).await, [""; 0]);
    assert_eq!((harness.mails().len(), harness.events().len()), (0, 0));
}
