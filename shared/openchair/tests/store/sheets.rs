use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use openchair::store::{Consistency, Sheets, Store, StoreError};
use salon::Salon;
use salon::booking::BookingId;
use salon::salon_file;

use crate::harness::{Harness, map, number, staff_id, text};

const NOW: &str = "2026-11-23T07:00:00-08:00";

fn now() -> Timestamp {
    NOW.parse().expect("an instant")
}

fn salon() -> Salon {
    salon_file::parse(salon_file::COMPILED_IN).expect("the sample salon")
}

async fn sheets(harness: &Harness, staff: &str) -> Result<Sheets, StoreError> {
    let horizon = salon().horizon(now());
    harness.store.sheets(&[&staff_id(staff)], horizon, Consistency::Strong).await
}

/// Reads when a person is booked, as pairs of seconds.
async fn booked(harness: &Harness, staff: &str) -> Vec<(i64, i64)> {
    let sheets = sheets(harness, staff).await.expect("readable");
    let busy = sheets[&staff_id(staff)].iter().map(|sheet| sheet.busy(now()));
    let seconds = busy
        .flat_map(|busy| busy.iter().map(|span| (span.start(), span.end())).collect::<Vec<_>>());
    seconds.map(|(start, end)| (start.as_second(), end.as_second())).collect()
}

fn sheet(entries: Vec<AttributeValue>) -> [(&'static str, AttributeValue); 2] {
    [("version", number(1)), ("entries", AttributeValue::L(entries))]
}

fn entry(id: u128, start: i64, end: i64, until: Option<i64>) -> AttributeValue {
    let id = BookingId::from_bits(id);
    let fields = [("bookingId", text(id.as_str())), ("start", number(start)), ("end", number(end))];
    let until = until.map(|until| ("until", number(until)));
    AttributeValue::M(map(fields.into_iter().chain(until)))
}

#[tokio::test]
async fn an_empty_table_has_no_sheets() {
    let harness = Harness::new().await;
    assert_eq!(booked(&harness, "s1").await, []);
}

#[tokio::test]
async fn live_entries_of_the_horizon_count_and_no_others() {
    let harness = Harness::new().await;
    let now = now().as_second();
    let booking = entry(1, 100, 200, None);
    let live = entry(2, 200, 300, Some(now + 1));
    let over = entry(3, 400, 500, Some(now));
    harness.put("STAFF#s1", "DAY#2026-11-23", sheet(vec![booking, live, over])).await;
    let last_day = sheet(vec![entry(4, 600, 700, None)]);
    harness.put("STAFF#s1", "DAY#2027-01-04", last_day).await;
    let other = || sheet(vec![entry(5, 800, 900, None)]);
    harness.put("STAFF#s1", "DAY#2026-11-22", other()).await;
    harness.put("STAFF#s1", "DAY#2027-01-05", other()).await;
    harness.put("STAFF#s10", "DAY#2026-11-23", other()).await;
    assert_eq!(booked(&harness, "s1").await, [(100, 300), (600, 700)]);
}

#[tokio::test]
async fn sheets_that_fill_more_than_one_page_are_all_read() {
    let harness = Harness::new().await;
    // DynamoDB ends a page at 1 MB.
    let padding = "x".repeat(200_000);
    for day in 0..8 {
        let sheet = sheet(vec![entry(1, day * 10, day * 10 + 5, None)]);
        let attributes = sheet.into_iter().chain([("padding", text(&padding))]);
        harness.put("STAFF#s1", &format!("DAY#2026-12-0{}", day + 1), attributes).await;
    }
    let expected: Vec<(i64, i64)> = (0..8).map(|day| (day * 10, day * 10 + 5)).collect();
    assert_eq!(booked(&harness, "s1").await, expected);
}

#[tokio::test]
async fn a_sheet_that_cannot_be_read_is_an_error_and_never_free() {
    let harness = Harness::new().await;
    let ends_before_it_starts = entry(1, 200, 100, None);
    let without_version = ("entries", AttributeValue::L(vec![]));
    let table = [
        vec![("version", number(1)), ("entries", text("none"))],
        vec![("version", number(1))],
        vec![without_version],
        sheet(vec![ends_before_it_starts]).to_vec(),
        sheet(vec![text("not an entry")]).to_vec(),
    ];
    for (number, attributes) in table.into_iter().enumerate() {
        let name = format!("s{number}");
        harness.put(&format!("STAFF#{name}"), "DAY#2026-11-23", attributes).await;
        let read = sheets(&harness, &name).await;
        let named = format!("STAFF#{name} DAY#2026-11-23");
        assert!(
            matches!(&read, Err(StoreError::Corrupt { key, .. }) if *key == named),
            "item {named} of the table: {read:?}"
        );
    }
}
