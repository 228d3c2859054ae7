//! What every store promises, on the embedded DynamoDB or on the one that
//! `DYNAMODB_TEST_URL` names.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use shared::domain::availability::BusyTimes;
use shared::domain::salon::{Horizon, Salon};
use shared::domain::service::StaffId;
use shared::salon_file;
use shared::store::{Consistency, DynamoStore, Store, StoreError, table};
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

    async fn read(&self, staff: &[&str]) -> Result<BusyTimes, StoreError> {
        let ids: Vec<StaffId> = staff.iter().map(|id| staff_id(id)).collect();
        let horizon: Horizon = self.salon.horizon(instant(NOW));
        self.store
            .busy_times(&ids.iter().collect::<Vec<_>>(), horizon, instant(NOW), Consistency::Strong)
            .await
    }

    /// Reads when a person is busy, as pairs of seconds.
    async fn busy(&self, staff: &str) -> Vec<(i64, i64)> {
        let busy = self.read(&[staff]).await.expect("readable");
        busy[&staff_id(staff)]
            .iter()
            .map(|span| (span.start().as_second(), span.end().as_second()))
            .collect()
    }
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

fn calendar(busy: &[(i64, i64)], expires_at: i64) -> Attributes {
    let spans =
        busy.iter().map(|(start, end)| AttributeValue::L(vec![number(*start), number(*end)]));
    [("busy", AttributeValue::L(spans.collect())), ("expiresAt", number(expires_at))]
}

#[tokio::test]
async fn an_empty_table_means_that_nobody_is_busy() {
    let harness = Harness::new().await;
    assert_eq!(harness.busy("s1").await, []);
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
    harness.put("s10", "DAY#2026-11-23", sheet(vec![entry("somebody else", 800, 900, None)])).await;
    assert_eq!(harness.busy("s1").await, [(100, 300), (600, 700)]);
}

#[tokio::test]
async fn a_calendar_counts_until_its_item_expires_deleted_or_not() {
    let harness = Harness::new().await;
    let now = instant(NOW).as_second();
    harness.put("s1", "DAY#2026-11-23", sheet(vec![entry("booking", 150, 250, None)])).await;
    harness.put("s1", "CALENDAR", calendar(&[(100, 200), (300, 400)], now + 1)).await;
    assert_eq!(harness.busy("s1").await, [(100, 250), (300, 400)]);
    harness.put("s1", "CALENDAR", calendar(&[(100, 200)], now)).await;
    assert_eq!(harness.busy("s1").await, [(150, 250)]);
}

#[tokio::test]
async fn more_people_than_fit_one_batch_are_all_read() {
    let harness = Harness::new().await;
    let names: Vec<String> = (0..101).map(|index| format!("s{index}")).collect();
    for (index, name) in (0..).zip(&names) {
        harness.put(name, "CALENDAR", calendar(&[(index, index + 1)], i64::from(u32::MAX))).await;
    }
    let busy = harness
        .read(&names.iter().map(String::as_str).collect::<Vec<_>>())
        .await
        .expect("readable");
    for (index, name) in (0..).zip(&names) {
        let starts: Vec<i64> =
            busy[&staff_id(name)].iter().map(|span| span.start().as_second()).collect();
        assert_eq!(starts, [index], "{name}");
    }
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
    assert_eq!(harness.busy("s1").await, expected);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_never_free() {
    let harness = Harness::new().await;
    let table: [(&str, Attributes); 6] = [
        ("DAY#2026-11-23", [("version", number(1)), ("entries", text("none"))]),
        ("DAY#2026-11-23", sheet(vec![entry("ends before it starts", 200, 100, None)])),
        ("DAY#2026-11-23", sheet(vec![text("not an entry")])),
        ("CALENDAR", [("busy", text("none")), ("expiresAt", number(i64::from(u32::MAX)))]),
        ("CALENDAR", [("busy", AttributeValue::L(vec![])), ("expiresAt", text("never"))]),
        ("CALENDAR", calendar(&[(200, 100)], i64::from(u32::MAX))),
    ];
    for (number, (sort_key, attributes)) in table.into_iter().enumerate() {
        let name = format!("s{number}");
        harness.put(&name, sort_key, attributes).await;
        let read = harness.read(&[&name]).await;
        let named = format!("STAFF#{name} {sort_key}");
        assert!(
            matches!(&read, Err(StoreError::Corrupt { key, .. }) if *key == named),
            "item {named} of the table: {read:?}"
        );
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_reached_is_unavailable() {
    let client = client("http://127.0.0.1:9");
    let store = DynamoStore::new(client, "openchair".to_owned());
    let salon = salon_file::parse(salon_file::COMPILED_IN).expect("the sample salon");
    let now = instant(NOW);
    let read =
        store.busy_times(&[&staff_id("s1")], salon.horizon(now), now, Consistency::Eventual).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
}
