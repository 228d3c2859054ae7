//! The table, on an endpoint that speaks `DynamoDB` and that no template has prepared.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters as _;
use aws_sdk_dynamodb::error::{BoxError, BuildError, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription,
    TimeToLiveSpecification, TimeToLiveStatus,
};
use openchair::store::table::{
    CHECK_AT, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE, UNSETTLED, UNSETTLED_INDEX,
};

/// How long a new table may take until it accepts writes.
const CREATION_DEADLINE: Duration = Duration::from_mins(1);

#[derive(Debug, thiserror::Error)]
#[error("could not {step} the table `{table}`")]
pub struct TableError {
    step: &'static str,
    table: String,
    #[source]
    source: BoxError,
}

/// Creates the table, with its keys, index, stream and time to live, and waits
/// until it can be used.
///
/// A table of that name that exists is left as it is, save for a stream or a
/// time to live that is off: so a call that was cut short is mended by the next
/// one.
///
/// # Errors
///
/// Fails if the endpoint cannot be reached or refuses one of the steps, if the
/// table is not active within a minute, or if it is an older one without the
/// index.
pub async fn create(client: &Client, table: &str) -> Result<(), TableError> {
    let failed = |step, source| TableError { step, table: table.to_owned(), source };
    create_or_find(client, table).await.map_err(|source| failed("create", source))?;
    let active = client
        .wait_until_table_exists()
        .table_name(table)
        .wait(CREATION_DEADLINE)
        .await
        .map_err(|source| failed("wait for", source.into()))?;
    let described = active.into_result().ok().and_then(|output| output.table);
    if !described.as_ref().is_some_and(has_index) {
        return Err(failed("find an index in", format!("it has no `{UNSETTLED_INDEX}`").into()));
    }
    if !described.as_ref().is_some_and(has_stream) {
        enable_stream(client, table)
            .await
            .map_err(|source| failed("enable the stream of", source))?;
    }
    enable_ttl(client, table).await.map_err(|source| failed("enable the time to live of", source))
}

async fn create_or_find(client: &Client, table: &str) -> Result<(), BoxError> {
    let created = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(PARTITION_KEY, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(SORT_KEY, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(UNSETTLED, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(CHECK_AT, ScalarAttributeType::N)?)
        .key_schema(key(PARTITION_KEY, KeyType::Hash)?)
        .key_schema(key(SORT_KEY, KeyType::Range)?)
        .global_secondary_indexes(unsettled()?)
        .send()
        .await;
    match created.map_err(SdkError::into_service_error) {
        Ok(_) | Err(CreateTableError::ResourceInUseException(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn enable_stream(client: &Client, table: &str) -> Result<(), BoxError> {
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()?;
    client.update_table().table_name(table).stream_specification(stream).send().await?;
    Ok(())
}

async fn enable_ttl(client: &Client, table: &str) -> Result<(), BoxError> {
    // DynamoDB refuses to enable what is enabled, so it is asked first.
    let described = client.describe_time_to_live().table_name(table).send().await?;
    let status = described.time_to_live_description().and_then(|ttl| ttl.time_to_live_status());
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    let ttl =
        TimeToLiveSpecification::builder().attribute_name(TTL_ATTRIBUTE).enabled(true).build()?;
    client.update_time_to_live().table_name(table).time_to_live_specification(ttl).send().await?;
    Ok(())
}

fn unsettled() -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(UNSETTLED_INDEX)
        .key_schema(key(UNSETTLED, KeyType::Hash)?)
        .key_schema(key(CHECK_AT, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
}

fn has_index(table: &TableDescription) -> bool {
    let mut indexes = table.global_secondary_indexes().iter();
    indexes.any(|index| index.index_name() == Some(UNSETTLED_INDEX))
}

fn has_stream(table: &TableDescription) -> bool {
    table.stream_specification().is_some_and(StreamSpecification::stream_enabled)
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}
