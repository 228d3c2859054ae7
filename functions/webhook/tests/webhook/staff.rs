//! Who gets a time that is paid late, and what a calendar changes about that.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use openchair::store::Store;
use salon::booking::Booking;
use salon::interval::Interval;
use salon::service::StaffId;
use salon::staff_calendar::{CalendarReading, SourceReading};

use crate::harness::Harness;
use crate::life::late_payment;

/// Opens a salon with a second person, who performs these services.
async fn two_people(services: &str) -> Harness {
    let second = format!("\n[[staff]]\nid = \"s2\"\nname = \"Second\"\nservices = [{services}]\n");
    Harness::with_salon(|file| file + &second).await
}

/// Makes a booking one whose client has chosen the staff member.
async fn name_staff(harness: &Harness, hold: &testing::Hold) {
    let booking = harness.booking(&hold.id).await;
    harness.store.put_booking(Booking { is_staff_named: true, ..booking });
}

#[tokio::test]
async fn a_time_that_is_lost_is_replaced_by_that_of_somebody_who_may_do_it() {
    let cases = [
        ("\"2.02\"", false, "confirmed", "s2"),
        ("\"2.02\"", true, "refunded", "s1"),
        ("\"1.01\"", false, "refunded", "s1"),
    ];
    for (services, is_named, state, staff) in cases {
        let harness = two_people(services).await;
        let held = harness.hold("10:00").await;
        if is_named {
            name_staff(&harness, &held).await;
        }
        let paid = late_payment(&harness, &held).await;
        harness.hold("10:00").await;
        assert_eq!(harness.deliver(&paid).await.status(), 200);
        let booking = harness.booking(&held.id).await;
        let found = (booking.state.as_str(), booking.staff.as_str());
        assert_eq!(found, (state, staff), "{services}, named: {is_named}");
        harness.check_invariants();
    }
}

#[tokio::test]
async fn a_late_client_keeps_the_person_whom_they_expect() {
    for (late, is_named) in [(0, false), (0, true), (1, false), (1, true)] {
        let harness = two_people("\"2.02\"").await;
        let holds = [harness.hold("10:00").await, harness.hold("10:00").await];
        let (held, other) = (&holds[late], &holds[1 - late]);
        let expected = ["s1", "s2"][late];
        assert_eq!(harness.booking(&held.id).await.staff.as_str(), expected);
        if is_named {
            name_staff(&harness, held).await;
        }
        let paid = late_payment(&harness, held).await;
        harness.cancel(&other.id).await;
        assert_eq!(harness.deliver(&paid).await.status(), 200);
        let booking = harness.booking(&held.id).await;
        let found = (booking.state.as_str(), booking.staff.as_str());
        assert_eq!(found, ("confirmed", expected), "named: {is_named}");
        harness.check_invariants();
    }
}

/// Opens a salon whose only person has a calendar, without events.
async fn with_calendar() -> Harness {
    let calendar = "[[staff]]\nid = \"s1\"\ncalendars = [{ ical = \"own\" }]";
    let harness =
        Harness::with_salon(|file| file.replace("[[staff]]\nid = \"s1\"", calendar)).await;
    read_calendar(&harness, None).await;
    harness
}

/// Stores what was read from the calendar now: nothing, or one event on Tuesday.
async fn read_calendar(harness: &Harness, event: Option<(&str, &str)>) {
    let now = harness.clock.now();
    let at =
        |time| -> Timestamp { format!("2026-11-24T{time}:00-08:00").parse().expect("an instant") };
    let busy = event.and_then(|(start, end)| Interval::new(at(start), at(end)));
    let source = SourceReading { busy: busy.into_iter().collect(), version: None };
    let days = SignedDuration::from_hours(100 * 24);
    let window = Interval::new(now - days, now + days).expect("some days");
    let sources = BTreeMap::from([("own".to_owned(), source)]);
    let reading = CalendarReading::new(sources, window, now, now + SignedDuration::from_mins(1));
    let staff = StaffId::new("s1").expect("an id");
    harness.store.put_reading(&staff, &reading).await.expect("the table is up");
}

#[tokio::test]
async fn a_calendar_event_does_not_undo_a_payment_and_is_noted() {
    let cases = [
        (None, false),
        (Some(("09:30", "10:00")), false),
        (Some(("09:30", "10:01")), true),
        (Some(("10:30", "11:00")), false),
        (Some(("10:29", "11:00")), true),
    ];
    for (event, has_conflict) in cases {
        let harness = with_calendar().await;
        let held = harness.paid_hold("10:00").await;
        harness.clock.advance(SignedDuration::from_secs(1));
        read_calendar(&harness, event).await;
        harness.deliver_all().await;
        let booking = harness.booking(&held.id).await;
        let found = (booking.state.as_str(), booking.has_conflict);
        assert_eq!(found, ("confirmed", has_conflict), "{event:?}");
    }
}

#[tokio::test]
async fn a_calendar_event_takes_a_time_that_is_paid_late() {
    let cases = [
        (None, "confirmed"),
        (Some(("09:30", "10:00")), "confirmed"),
        (Some(("10:15", "11:00")), "refunded"),
    ];
    for (event, state) in cases {
        let harness = with_calendar().await;
        let held = harness.hold("10:00").await;
        let paid = late_payment(&harness, &held).await;
        harness.clock.advance(SignedDuration::from_secs(1));
        read_calendar(&harness, event).await;
        assert_eq!(harness.deliver(&paid).await.status(), 200);
        assert_eq!(harness.status(&held.id).await, state, "{event:?}");
    }
}

#[tokio::test]
async fn a_late_payment_waits_until_the_calendar_can_be_read() {
    let harness = with_calendar().await;
    let held = harness.hold("10:00").await;
    let paid = late_payment(&harness, &held).await;
    harness.clock.advance(SignedDuration::from_mins(20));
    assert_eq!(harness.deliver(&paid).await.status(), 503, "Stripe sends it again");
    assert_eq!(harness.status(&held.id).await, "expired");
    read_calendar(&harness, None).await;
    assert_eq!(harness.deliver(&paid).await.status(), 200);
    assert_eq!(harness.status(&held.id).await, "confirmed");
}
