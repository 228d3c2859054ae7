//! What every store promises, on the embedded DynamoDB or on the one that
//! `DYNAMODB_TEST_URL` names.

mod answers;
mod bookings;
mod calendars;
mod front;
mod harness;
mod items;
mod outbox;
mod policies;
mod sample;
mod sheets;
mod stored_items;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use openchair::store::{Consistency, DynamoStore, Store, StoreError};
use stand_ins::dynamodb_table;

use self::harness::{Harness, client, staff_id};

#[tokio::test]
async fn a_table_that_cannot_be_reached_is_unavailable() {
    let store = DynamoStore::new(client("http://127.0.0.1:9"), "openchair".to_owned());
    let read = store.readings(&[&staff_id("s1")], Consistency::Eventual).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
}

#[tokio::test]
async fn a_table_that_exists_is_left_as_it_is() {
    let harness = Harness::new().await;
    harness.put("CALENDAR#s1", "READING", []).await;
    dynamodb_table::create(&harness.client, &harness.table).await.expect("it is there");
    assert!(harness.item("CALENDAR#s1", "READING").await.is_some());
}

#[tokio::test]
async fn an_older_table_without_the_index_is_refused() {
    let Harness { client, table, .. } = Harness::new().await;
    let old = format!("{table}-old");
    let key = |name, kind| {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        key.build().expect("a key")
    };
    let attribute = |name| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().expect("an attribute")
    };
    let create = client.create_table().table_name(&old).billing_mode(BillingMode::PayPerRequest);
    let create = create.key_schema(key("PK", KeyType::Hash)).key_schema(key("SK", KeyType::Range));
    let create =
        create.attribute_definitions(attribute("PK")).attribute_definitions(attribute("SK"));
    create.send().await.expect("the old table can be created");
    let error = dynamodb_table::create(&client, &old).await.expect_err("it has no index");
    assert_eq!(
        openchair::telemetry::chain(&error),
        format!("could not find an index in the table `{old}`: it has no `unsettled`")
    );
}
