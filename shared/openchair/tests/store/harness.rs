use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use openchair::aws;
use openchair::store::DynamoStore;
use salon::service::StaffId;
use stand_ins::dynamodb_table;
use tokio::net::TcpListener;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A table of its own for each test.
pub(crate) struct Harness {
    pub(crate) endpoint: String,
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) store: DynamoStore,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let endpoint = endpoint().await;
        let client = client(&endpoint);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let table = format!("openchair-test-{}-{number}", std::process::id());
        dynamodb_table::create(&client, &table).await.expect("the table can be created");
        let store = DynamoStore::new(client.clone(), table.clone());
        Self { endpoint, client, table, store }
    }

    /// Puts an item past the store.
    pub(crate) async fn put(
        &self,
        partition: &str,
        sort: &str,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) {
        let mut item = map(attributes);
        item.extend(key(partition, sort));
        self.put_item(item).await;
    }

    pub(crate) async fn put_item(&self, item: Item) {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.expect("the item can be written");
    }

    /// Reads an item past the store.
    pub(crate) async fn item(&self, partition: &str, sort: &str) -> Option<Item> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        get.set_key(Some(key(partition, sort))).send().await.expect("the item can be read").item
    }

    /// Deletes an item past the store, as DynamoDB does with what has expired.
    pub(crate) async fn delete(&self, partition: &str, sort: &str) {
        let delete = self.client.delete_item().table_name(&self.table);
        delete.set_key(Some(key(partition, sort))).send().await.expect("the item can be deleted");
    }
}

/// Runs what every store promises on each of them.
macro_rules! promises {
    ($($(#[$doc:meta])* $promise:ident)*) => {$(
        $(#[$doc])*
        mod $promise {
            use testing::MemoryStore;

            use crate::harness::Harness;

            #[tokio::test]
            async fn in_dynamodb() {
                super::$promise(Harness::new().await.store).await;
            }

            #[tokio::test]
            async fn in_memory() {
                super::$promise(MemoryStore::default()).await;
            }
        }
    )*};
}
pub(crate) use promises;

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

/// Makes a client that tries once.
pub(crate) fn client(endpoint: &str) -> Client {
    client_that_retries(endpoint, RetryConfig::disabled())
}

pub(crate) fn client_that_retries(endpoint: &str, retries: RetryConfig) -> Client {
    let config = aws::dynamodb_at(endpoint).config().to_builder().retry_config(retries);
    Client::from_conf(config.build())
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("an instant")
}

pub(crate) fn staff_id(id: &str) -> StaffId {
    StaffId::new(id).expect("an id")
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn map(attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn key(partition: &str, sort: &str) -> Item {
    map([("PK", text(partition)), ("SK", text(sort))])
}
