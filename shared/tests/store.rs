//! What every store promises, on the embedded DynamoDB or on the one that
//! `DYNAMODB_TEST_URL` names.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use shared::domain::calendar::{CalendarReading, SourceReading};
use shared::domain::interval::{Interval, IntervalSet};
use shared::domain::salon::Salon;
use shared::domain::service::StaffId;
use shared::salon_file;
use shared::store::{
    CachedCalendar, Consistency, DynamoStore, Lease, MemoryStore, Sheets, Store, StoreError, table,
};
use tokio::net::TcpListener;

const NOW: &str = "2026-11-23T07:00:00-08:00";

/// A table of its own for each test.
struct Harness {
    client: Client,
    table: String,
    store: DynamoStore,
    salon: Salon,
}

impl Harness {
    async fn new() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let client = client(&endpoint().await);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let table = format!("openchair-test-{}-{number}", std::process::id());
        table::create(&client, &table).await.expect("the table can be created");
        let store = DynamoStore::new(client.clone(), table.clone());
        let salon = salon_file::parse(salon_file::COMPILED_IN).expect("the sample salon");
        Self { client, table, store, salon }
    }

    async fn put(&self, staff: &str, sort_key: &str, attributes: Attributes) {
        let mut item = HashMap::from(attributes.map(|(name, value)| (name.to_owned(), value)));
        item.insert("PK".to_owned(), text(&format!("STAFF#{staff}")));
        item.insert("SK".to_owned(), text(sort_key));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.expect("the item can be written");
    }

    async fn sheets(&self, staff: &str) -> Result<Sheets, StoreError> {
        let horizon = self.salon.horizon(instant(NOW));
        self.store.sheets(&[&staff_id(staff)], horizon, Consistency::Strong).await
    }

    /// Reads when a person is booked, as pairs of seconds.
    async fn booked(&self, staff: &str) -> Vec<(i64, i64)> {
        let sheets = self.sheets(staff).await.expect("readable");
        let busy = sheets[&staff_id(staff)].iter().map(|sheet| sheet.busy(instant(NOW)));
        busy.flat_map(|busy| seconds(&busy)).collect()
    }

    async fn calendar(&self, staff: &str) -> Result<Option<CachedCalendar>, StoreError> {
        let id = staff_id(staff);
        Ok(self.store.calendars(&[&id], Consistency::Strong).await?.remove(&id))
    }
}

fn seconds(set: &IntervalSet<Timestamp>) -> Vec<(i64, i64)> {
    set.iter().map(|span| (span.start().as_second(), span.end().as_second())).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("an instant")
}

fn reading(read_at: i64, fresh_until: i64, busy: &[(i64, i64)]) -> CalendarReading {
    let spans = busy.iter().filter_map(|(start, end)| Interval::new(at(*start), at(*end)));
    let source = SourceReading { busy: spans.collect(), version: Some("1".to_owned()) };
    let window = Interval::new(at(0), at(1_000_000)).expect("a window");
    CalendarReading::new(
        [("ical:own".to_owned(), source)].into(),
        window,
        at(read_at),
        at(fresh_until),
    )
}

type Attributes = [(&'static str, AttributeValue); 2];

async fn endpoint() -> String {
    if let Ok(url) = std::env::var("DYNAMODB_TEST_URL") {
        return url;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let database = dynoxide::Database::memory().expect("a database in memory");
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    url
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn staff_id(id: &str) -> StaffId {
    StaffId::new(id).expect("an id")
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn sheet(entries: Vec<AttributeValue>) -> Attributes {
    [("version", number(1)), ("entries", AttributeValue::L(entries))]
}

fn entry(id: &str, start: i64, end: i64, until: Option<i64>) -> AttributeValue {
    let fields = [("bookingId", text(id)), ("start", number(start)), ("end", number(end))];
    let until = until.map(|until| ("until", number(until)));
    AttributeValue::M(
        fields.into_iter().chain(until).map(|(name, value)| (name.to_owned(), value)).collect(),
    )
}

#[tokio::test]
async fn an_empty_table_has_no_sheets_and_no_calendars() {
    let harness = Harness::new().await;
    assert_eq!(harness.booked("s1").await, []);
    assert_eq!(harness.calendar("s1").await.expect("readable"), None);
}

#[tokio::test]
async fn live_entries_of_the_horizon_count_and_no_others() {
    let harness = Harness::new().await;
    let now = instant(NOW).as_second();
    let entries = vec![
        entry("booking", 100, 200, None),
        entry("live", 200, 300, Some(now + 1)),
        entry("over", 400, 500, Some(now)),
    ];
    harness.put("s1", "DAY#2026-11-23", sheet(entries)).await;
    harness.put("s1", "DAY#2027-01-04", sheet(vec![entry("last day", 600, 700, None)])).await;
    harness.put("s1", "DAY#2026-11-22", sheet(vec![entry("yesterday", 800, 900, None)])).await;
    harness.put("s1", "DAY#2027-01-05", sheet(vec![entry("beyond", 800, 900, None)])).await;
    harness.put("s10", "DAY#2026-11-23", sheet(vec![entry("other", 800, 900, None)])).await;
    assert_eq!(harness.booked("s1").await, [(100, 300), (600, 700)]);
}

#[tokio::test]
async fn sheets_that_fill_more_than_one_page_are_all_read() {
    let harness = Harness::new().await;
    // DynamoDB ends a page at 1 MB.
    let padding = "x".repeat(200_000);
    for day in 0..8 {
        let entries = vec![entry(&padding, day * 10, day * 10 + 5, None)];
        harness.put("s1", &format!("DAY#2026-12-0{}", day + 1), sheet(entries)).await;
    }
    let expected: Vec<(i64, i64)> = (0..8).map(|day| (day * 10, day * 10 + 5)).collect();
    assert_eq!(harness.booked("s1").await, expected);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_never_free() {
    let harness = Harness::new().await;
    let table: [(&str, Attributes); 5] = [
        ("DAY#2026-11-23", [("version", number(1)), ("entries", text("none"))]),
        ("DAY#2026-11-23", sheet(vec![entry("ends before it starts", 200, 100, None)])),
        ("DAY#2026-11-23", sheet(vec![text("not an entry")])),
        ("CALENDAR", [("sources", text("none")), ("readAt", number(1))]),
        ("CALENDAR", [("leaseUntil", text("never")), ("expiresAt", number(1))]),
    ];
    for (number, (sort_key, attributes)) in table.into_iter().enumerate() {
        let name = format!("s{number}");
        harness.put(&name, sort_key, attributes).await;
        let read = match sort_key {
            "CALENDAR" => harness.calendar(&name).await.map(drop),
            _ => harness.sheets(&name).await.map(drop),
        };
        let named = format!("STAFF#{name} {sort_key}");
        assert!(
            matches!(&read, Err(StoreError::Corrupt { key, .. }) if *key == named),
            "item {named} of the table: {read:?}"
        );
    }
}

#[tokio::test]
async fn more_calendars_than_fit_one_batch_are_all_read() {
    let harness = Harness::new().await;
    let ids: Vec<StaffId> = (0..101).map(|number| staff_id(&format!("s{number}"))).collect();
    for id in &ids {
        harness.store.put_reading(id, &reading(100, 160, &[])).await.expect("written");
    }
    let all: Vec<&StaffId> = ids.iter().collect();
    let read = harness.store.calendars(&all, Consistency::Strong).await.expect("readable");
    assert_eq!(read.len(), ids.len());
}

#[tokio::test]
async fn a_table_that_cannot_be_reached_is_unavailable() {
    let store = DynamoStore::new(client("http://127.0.0.1:9"), "openchair".to_owned());
    let read = store.calendars(&[&staff_id("s1")], Consistency::Eventual).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
}

async fn cached<S: Store>(store: &S, staff: &StaffId) -> CachedCalendar {
    let read = store.calendars(&[staff], Consistency::Strong).await.expect("readable");
    read.get(staff).cloned().unwrap_or_default()
}

async fn take<S: Store>(store: &S, staff: &StaffId, now: i64, until: i64) -> Lease {
    store.take_lease(staff, at(now), at(until)).await.expect("the store is up")
}

/// What every store promises of leases and readings.
async fn leases_and_readings<S: Store>(store: S) {
    let s1 = staff_id("s1");
    assert_eq!(take(&store, &s1, 100, 104).await, Lease::Taken, "nobody had it");
    let Lease::Refused(held) = take(&store, &s1, 103, 107).await else {
        panic!("it was taken until 104")
    };
    assert_eq!((held.lease_until, held.reading), (Some(at(104)), None));
    assert_eq!(take(&store, &s1, 104, 108).await, Lease::Taken, "it was over");
    assert_eq!(
        take(&store, &staff_id("s2"), 104, 108).await,
        Lease::Taken,
        "it is another person's"
    );

    let busy = [(60, 120), (6_000, 12_000)];
    store.put_reading(&s1, &reading(105, 165, &busy)).await.expect("written");
    let kept = cached(&store, &s1).await;
    assert_eq!(kept, CachedCalendar { reading: Some(reading(105, 165, &busy)), lease_until: None });

    let Lease::Refused(fresh) = take(&store, &s1, 164, 168).await else {
        panic!("it is fresh until 165")
    };
    assert_eq!(fresh, kept);
    store.put_reading(&s1, &reading(104, 999, &[])).await.expect("an older one is ignored");
    assert_eq!(cached(&store, &s1).await, kept);

    assert_eq!(take(&store, &s1, 165, 169).await, Lease::Taken, "it is stale");
    store.move_lease(&s1, at(169), at(225)).await.expect("written");
    assert!(matches!(take(&store, &s1, 224, 228).await, Lease::Refused(_)), "the lease was moved");
    store.move_lease(&s1, at(169), at(999)).await.expect("a lease that is not ours stays");
    assert_eq!(take(&store, &s1, 225, 229).await, Lease::Taken);
    assert_eq!(cached(&store, &s1).await.reading, kept.reading, "a lease leaves the reading alone");
}

#[tokio::test]
async fn dynamodb_keeps_the_promises_of_leases_and_readings() {
    leases_and_readings(Harness::new().await.store).await;
}

#[tokio::test]
async fn memory_keeps_the_promises_of_leases_and_readings() {
    leases_and_readings(MemoryStore::default()).await;
}

#[tokio::test]
async fn one_of_many_gets_the_lease() {
    let harness = Harness::new().await;
    let s1 = staff_id("s1");
    let takers = (0..50).map(|_| take(&harness.store, &s1, 100, 104));
    let taken = futures_util::future::join_all(takers).await;
    assert_eq!(taken.iter().filter(|lease| **lease == Lease::Taken).count(), 1);
}
