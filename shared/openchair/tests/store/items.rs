//! What bookings look like in the table, past the store.

use aws_sdk_dynamodb::types::AttributeValue;
use openchair::store::StoreError;
use openchair::store::booking_store::{
    BookingChange, BookingStore, HoldCount, HoldCountChange, RequestKeyChange, StoredRequest,
    WriteOutcome,
};
use salon::booking::{RequestKey, State};
use salon::day_sheet::DaySheet;

use crate::harness::{Harness, Item, at, number, text};
use crate::sample::{MADE, full, key};

async fn write(harness: &Harness, change: BookingChange<'_>) {
    let written = harness.store.write(&change).await.expect("the store is up");
    assert!(matches!(written, WriteOutcome::Written(_)), "{written:?}");
}

async fn expires_at(harness: &Harness, partition: &str, sort: &str) -> Option<AttributeValue> {
    let item = harness.item(partition, sort).await.expect("it was written");
    item.get("expiresAt").cloned()
}

#[tokio::test]
async fn every_item_but_an_open_booking_says_when_it_can_be_deleted() {
    let harness = Harness::new().await;
    let mut booking = full(1);
    let until = booking.hold_until;
    let counts = [(key("phone"), HoldCount::default().with(&booking.id, until, at(MADE)))];
    let request_key = RequestKey("request".into());
    let request = StoredRequest {
        booking_id: booking.id.clone(),
        fingerprint: "print".to_owned(),
        until: at(MADE + 86_400),
    };
    let sheet = DaySheet::default().with(&booking).expect("a change");
    let change = BookingChange {
        booking: &booking,
        sheet: Some((&booking.staff, booking.date, &sheet)),
        hold_counts: HoldCountChange::Set(&counts),
        request_key: RequestKeyChange::Store {
            key: &request_key,
            request: &request,
            now: at(MADE),
        },
    };
    write(&harness, change).await;
    let noted = harness.store.record_poll(&booking.id, at(MADE), jiff::SignedDuration::ZERO);
    assert!(noted.await.expect("the store is up"));

    let partition = format!("BOOKING#{}", booking.id);
    assert_eq!(expires_at(&harness, &partition, "BOOKING").await, None);
    assert_eq!(
        expires_at(&harness, &partition, "QUESTION").await,
        Some(number(MADE + 86_400)),
        "a day later"
    );
    assert_eq!(
        expires_at(&harness, "STAFF#s1", "DAY#2026-11-24").await,
        Some(number(1_798_070_400)),
        "30 days after its date: 2026-12-24"
    );
    assert_eq!(
        expires_at(&harness, "HOLDS#phone", "HOLDS").await,
        Some(number(until.as_second())),
        "with its last hold"
    );
    assert_eq!(
        expires_at(&harness, "REQUEST#request", "REQUEST").await,
        Some(number(MADE + 86_400))
    );

    booking.version = 1;
    booking.state = State::Confirmed;
    write(&harness, BookingChange::only(&booking)).await;
    let kept = expires_at(&harness, &partition, "BOOKING").await;
    assert_eq!(kept, booking.delete_at().map(|at| number(at.as_second())));
}

#[tokio::test]
async fn only_unsettled_bookings_are_in_the_index() {
    let harness = Harness::new().await;
    let mut booking = full(1);
    write(&harness, BookingChange::only(&booking)).await;
    let partition = format!("BOOKING#{}", booking.id);
    let item = harness.item(&partition, "BOOKING").await.expect("it was written");
    assert_eq!(item.get("unsettled"), Some(&text("1")));
    assert_eq!(item.get("checkAt"), Some(&number(MADE + 180)));

    booking.version = 1;
    booking.check_at = None;
    write(&harness, BookingChange::only(&booking)).await;
    let item = harness.item(&partition, "BOOKING").await.expect("it was written");
    assert_eq!((item.get("unsettled"), item.get("checkAt")), (None, None));
}

#[tokio::test]
async fn a_hold_can_be_released_from_a_count_that_was_deleted() {
    let harness = Harness::new().await;
    let mut booking = full(1);
    let until = booking.hold_until;
    let counts = [(key("phone"), HoldCount::default().with(&booking.id, until, at(MADE)))];
    write(
        &harness,
        BookingChange {
            hold_counts: HoldCountChange::Set(&counts),
            ..BookingChange::only(&booking)
        },
    )
    .await;
    harness.delete("HOLDS#phone", "HOLDS").await;

    booking.version = 1;
    write(
        &harness,
        BookingChange {
            hold_counts: HoldCountChange::Release(&[key("phone")]),
            ..BookingChange::only(&booking)
        },
    )
    .await;
    let context = harness.store.reservation_context(&[key("phone")], None).await.expect("readable");
    assert_eq!(context.hold_counts[&key("phone")].holds.len(), 0);
    assert_eq!(
        expires_at(&harness, "HOLDS#phone", "HOLDS").await,
        Some(number(until.as_second())),
        "it goes again"
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_that_names_the_item_and_shows_nothing() {
    let harness = Harness::new().await;
    let booking = full(1);
    write(&harness, BookingChange::only(&booking)).await;
    let partition = format!("BOOKING#{}", booking.id);
    let item = harness.item(&partition, "BOOKING").await.expect("it was written");
    let read = async |item: Item| {
        harness.put_item(item).await;
        match harness.store.booking(&booking.id).await {
            Err(StoreError::Corrupt { key, problem }) => format!("{key}: {problem}"),
            read => format!("readable: {}", read.is_ok()),
        }
    };
    let may_be_missing = [
        "customerPhoneExtension",
        "paymentId",
        "refund",
        "incidents",
        "requestKey",
        "holdUntil",
        "unsettled",
        "checkAt",
    ];
    // DynamoDB itself keeps other types out of the keys, also of an index.
    let cannot_be_wrong = ["PK", "SK", "unsettled", "checkAt"];
    for name in item.keys().filter(|name| !["PK", "SK"].contains(&name.as_str())) {
        let expected = format!(
            "{partition} BOOKING: `{name}` is missing or not in the form that this version writes"
        );
        let mut without = item.clone();
        without.remove(name);
        let found = read(without).await;
        if may_be_missing.contains(&name.as_str()) {
            assert_eq!(found, "readable: true", "without `{name}`");
        } else {
            assert_eq!(found, expected, "without `{name}`");
        }
        if !cannot_be_wrong.contains(&name.as_str()) {
            let mut wrong = item.clone();
            wrong.insert(name.clone(), AttributeValue::Ss(vec!["Ada Lovelace".to_owned()]));
            assert_eq!(read(wrong).await, expected, "with a wrong `{name}`");
        }
    }
    harness.put("HOLDS#phone", "HOLDS", [("version", text("1"))]).await;
    harness.put("REQUEST#request", "REQUEST", [("until", number(1))]).await;
    let read = harness.store.reservation_context(&[key("phone")], None).await;
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
    let read = harness.store.reservation_context(&[], Some(&RequestKey("request".into()))).await;
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
}
