//! Items as earlier versions wrote them. Every version reads them, because items, stream
//! records and unpaid sessions outlive a deployment. [`check`] names the exception: the calendar
//! readings of the first versions.
//!
//! Each file in `stored` has the items of one version, named by its date. After a change of
//! what is stored, a new file is added:
//!
//! ```text
//! cargo test -p openchair --all-features --test store -- --ignored --nocapture print_stored_items
//! ```

use std::fs;
use std::path::Path;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::SignedDuration;
use openchair::store::booking_store::{
    BookingChange, BookingStore, HoldCount, HoldCountChange, RequestKeyChange, StoredRequest,
};
use openchair::store::outbox::{Claim, Effect, Outbox};
use openchair::store::{Consistency, Image, Lease, Store};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey, RequestKey, State};
use salon::day_sheet::DaySheet;
use salon::interval::Interval;
use salon::staff_calendar::{CalendarReading, SourceReading};
use serde_json::{Value, json};

use crate::harness::{Harness, Item, at, staff_id};
use crate::sample::{MADE, full, key};

const MAIL: Effect = Effect { name: "mail-visitor", version: 2 };
const ENTRY: Effect = Effect { name: "calendar", version: 2 };

/// Reads the files, each with its items as JSON that names the type of each value.
fn versions() -> Vec<(String, Vec<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/stored");
    let mut versions: Vec<_> = fs::read_dir(folder)
        .expect("the folder")
        .map(|file| {
            let path = file.expect("a file").path();
            let text = fs::read_to_string(&path).expect("a readable file");
            (path.display().to_string(), serde_json::from_str(&text).expect("a list of items"))
        })
        .collect();
    versions.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert!(!versions.is_empty());
    versions
}

fn value_of(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Bool(is) => json!({"BOOL": is}),
        AttributeValue::B(bytes) => json!({"B": BASE64_STANDARD.encode(bytes)}),
        AttributeValue::M(map) => json!({"M": json_of(map)}),
        AttributeValue::L(list) => json!({"L": list.iter().map(value_of).collect::<Vec<_>>()}),
        other => panic!("no item has {other:?}"),
    }
}

fn json_of(item: &Item) -> Value {
    item.iter().map(|(name, value)| (name.clone(), value_of(value))).collect()
}

fn attribute_of(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().and_then(|map| map.iter().next()).expect("a typed value");
    let text = || value.as_str().expect("text").to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value.as_bool().expect("a flag")),
        "B" => {
            AttributeValue::B(Blob::new(BASE64_STANDARD.decode(text()).expect("bytes in base64")))
        }
        "M" => AttributeValue::M(item_of(value)),
        "L" => {
            let list = value.as_array().expect("a list");
            AttributeValue::L(list.iter().map(attribute_of).collect())
        }
        other => panic!("no item has a {other}"),
    }
}

fn item_of(item: &Value) -> Item {
    let fields = item.as_object().expect("an item").iter();
    fields.map(|(name, value)| (name.clone(), attribute_of(value))).collect()
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_else(|| panic!("`{name}` in {item}"))
}

/// Returns the parts of an item's key: `STAFF#s1` and `DAY#2026-11-24`.
fn key_of(item: &Value) -> ((&str, &str), (&str, &str)) {
    let part = |name| text(item, name).split_once('#').unwrap_or((text(item, name), ""));
    (part("PK"), part("SK"))
}

fn booking_id(id: &str) -> BookingId {
    BookingId::parse(id).expect("an id")
}

/// Reads an item through the store, and compares what it says with the item.
async fn check(harness: &Harness, item: &Value) {
    let store = &harness.store;
    match key_of(item) {
        (("BOOKING", id), ("BOOKING", _)) => {
            let booking = store.booking(&booking_id(id)).await.expect("readable");
            let booking = booking.expect("it was written");
            assert_eq!(booking.state.as_str(), text(item, "state"));
            let image: Image = serde_json::from_value(item.clone()).expect("an image");
            assert_eq!(image.booking().expect("readable"), booking, "as a stream record");
        }
        (("BOOKING", id), ("SENT", effect)) => {
            let effect = if effect.starts_with(MAIL.name) { MAIL } else { ENTRY };
            let id = booking_id(id);
            let claimed = store.claim(&id, effect, at(MADE), at(MADE + 1), at(MADE));
            let expected = if item.get("doneAt").is_some() { Claim::Done } else { Claim::Refused };
            assert_eq!(claimed.await.expect("readable"), expected, "{item}");
        }
        (("BOOKING", id), ("QUESTION", _)) => {
            let interval = SignedDuration::from_secs(3);
            let is_recorded = store.record_poll(&booking_id(id), at(MADE + 1), interval).await;
            assert!(!is_recorded.expect("readable"), "Stripe was asked a second ago");
        }
        (("STAFF", staff), ("DAY", date)) => {
            let staff = staff_id(staff);
            let day = DateRange::single(date.parse().expect("a date"));
            let sheets = store.sheets(&[&staff], day, Consistency::Strong).await.expect("readable");
            let entries = item["entries"]["L"].as_array().expect("entries").iter();
            let marks = entries.map(|entry| entry["M"].get("mayBeDelayed").is_some());
            let read = sheets[&staff][0].entries().map(|entry| entry.may_be_delayed);
            assert_eq!(read.collect::<Vec<_>>(), marks.collect::<Vec<_>>());
        }
        // This version reads no such item: readings have a partition key of their own now.
        // One that is not read costs one more request to the calendar. Until then its
        // owner has no reading, which is never shown as free.
        (("STAFF", staff), ("CALENDAR", _)) => {
            let staff = staff_id(staff);
            let read = store.readings(&[&staff], Consistency::Strong).await.expect("readable");
            assert!(read.is_empty(), "{item} is read: {read:?}");
        }
        (("CALENDAR", staff), ("READING", _)) => {
            let staff = staff_id(staff);
            let read = store.readings(&[&staff], Consistency::Strong).await.expect("readable");
            let sources = item["sources"]["M"].as_object().map(serde_json::Map::len);
            assert_eq!(Some(read[&staff].sources.len()), sources);
        }
        (("CALENDAR", staff), ("LEASE", _)) => {
            let taken = store.take_lease(&staff_id(staff), at(MADE), at(MADE + 1)).await;
            assert_eq!(taken.expect("readable"), Lease::Refused, "{item}");
        }
        (("HOLDS", key), _) => {
            let key = HoldKey(key.into());
            let read = store.reservation_context(std::slice::from_ref(&key), None).await;
            let holds = item.as_object().expect("an item").keys();
            let holds = holds.filter(|name| name.starts_with("hold#")).count();
            assert_eq!(read.expect("readable").hold_counts[&key].holds.len(), holds);
        }
        (("REQUEST", key), _) => {
            let key = RequestKey(key.into());
            let read = store.reservation_context(&[], Some(&key)).await.expect("readable");
            let request = read.request.expect("it was written");
            assert_eq!(request.booking_id.as_str(), text(item, "bookingId"));
        }
        (("DEPOSITS", key), ("HOUR", hour)) => {
            let hour = at(hour.parse().expect("seconds"));
            let counted = store.count_bare_deposit(&HoldKey(key.into()), hour, 1).await;
            assert!(!counted.expect("readable"), "{item}");
        }
        other => panic!("nothing reads {other:?}"),
    }
}

#[tokio::test]
async fn items_of_earlier_versions_are_read() {
    for (version, items) in versions() {
        println!("{version}");
        let harness = Harness::new().await;
        for item in &items {
            harness.put_item(item_of(item)).await;
        }
        for item in &items {
            check(&harness, item).await;
        }
    }
}

/// Checks that an older version finds what it reads in the item of a newer one: each
/// attribute, with the same type.
fn check_readable_by_older(older: &Value, newer: &Value, name: &str) {
    match (older, newer) {
        (Value::Object(older), Value::Object(newer)) => {
            for (part, value) in older {
                let found = newer.get(part);
                let found = found.unwrap_or_else(|| panic!("`{name}.{part}` is no longer written"));
                check_readable_by_older(value, found, &format!("{name}.{part}"));
            }
        }
        (Value::Array(older), Value::Array(newer)) => {
            for (older, newer) in older.iter().zip(newer) {
                check_readable_by_older(older, newer, name);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn rewritten_items_are_still_readable_by_earlier_versions() {
    for (_, items) in versions() {
        let harness = Harness::new().await;
        for item in &items {
            harness.put_item(item_of(item)).await;
        }
        for item in &items {
            let (pk, sk) = (text(item, "PK"), text(item, "SK"));
            match key_of(item) {
                (("BOOKING", id), ("BOOKING", _)) => {
                    let booking = harness.store.booking(&booking_id(id)).await.expect("readable");
                    let booking = booking.expect("it was written");
                    write(&harness, BookingChange::only(&booking)).await;
                }
                (("STAFF", staff), ("DAY", date)) => {
                    let staff = staff_id(staff);
                    let date = date.parse().expect("a date");
                    let day = DateRange::single(date);
                    let read = harness.store.sheets(&[&staff], day, Consistency::Strong).await;
                    let sheet = &read.expect("readable")[&staff][0];
                    let added = testing::hold(99);
                    let sheet = sheet.with(&added).expect("a change");
                    let sheet = Some((&staff, date, &sheet));
                    let change = BookingChange { sheet, ..BookingChange::only(&added) };
                    write(&harness, change).await;
                }
                _ => continue,
            }
            let newer = json_of(&harness.item(pk, sk).await.expect("it was written"));
            check_readable_by_older(item, &newer, &format!("{pk} {sk}"));
        }
    }
}

async fn write(harness: &Harness, change: BookingChange<'_>) {
    harness.store.write(&change).await.expect("the store is up");
}

#[tokio::test]
#[ignore = "prints the items of this version, for a new file in `stored`"]
async fn print_stored_items() {
    let harness = Harness::new().await;
    let store = &harness.store;
    for (number, state) in (1_u128..).zip(State::ALL) {
        let plain = Booking { state, ..testing::hold(number) };
        write(&harness, BookingChange::only(&plain)).await;
        let booking = Booking { state, ..full(number + 100) };
        write(&harness, BookingChange::only(&booking)).await;
    }
    let booking = full(1_000);
    let hold = DaySheet::default().with(&booking).expect("a change");
    let paid = Booking { state: State::Confirmed, ..testing::hold(3) };
    let sheet = DaySheet::new(0, hold.entries().cloned().collect());
    let sheet = sheet.with(&paid).expect("a change");
    let until = booking.hold_until;
    let counts = [(key("phone"), HoldCount::default().with(&booking.id, until, at(MADE)))];
    let request = StoredRequest {
        booking_id: booking.id.clone(),
        fingerprint: "print".to_owned(),
        until: at(MADE + 86_400),
    };
    let request_key = RequestKey("request".into());
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
    let never = at(MADE + 86_400);
    store.record_poll(&booking.id, at(MADE), SignedDuration::ZERO).await.expect("recorded");
    store.claim(&booking.id, MAIL, at(MADE), never, never).await.expect("claimed");
    store.mark_done(&booking.id, MAIL, at(MADE), never).await.expect("marked");
    store.claim(&booking.id, ENTRY, at(MADE), never, never).await.expect("claimed");
    store.count_bare_deposit(&key("address"), at(MADE), 1).await.expect("counted");
    let busy = Interval::new(at(MADE), at(MADE + 3_600)).into_iter().collect();
    let source = SourceReading { busy, version: Some("\"etag\"".to_owned()) };
    let window = Interval::new(at(MADE), at(MADE + 86_400)).expect("a day");
    let sources = [("ical:owner".to_owned(), source)].into();
    let reading = CalendarReading::new(sources, window, at(MADE), at(MADE + 60));
    store.put_reading(&staff_id("s1"), &reading).await.expect("written");
    store.take_lease(&staff_id("s2"), at(MADE), never).await.expect("taken");

    let scanned = harness.client.scan().table_name(&harness.table).send().await.expect("a scan");
    let mut items: Vec<Value> = scanned.items().iter().map(json_of).collect();
    items.sort_by_key(|item| (text(item, "PK").to_owned(), text(item, "SK").to_owned()));
    println!("{}", serde_json::to_string_pretty(&items).expect("JSON"));
}
