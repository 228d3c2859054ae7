mod effect_markers;
mod image;
mod item;
mod transactions;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use aws_sdk_dynamodb::types::builders::KeysAndAttributesBuilder;
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

pub use self::image::Image;
use self::item::{
    Item, calendar_partition, day_key, day_sheet, lease_key, number, person_key, reading,
    reading_key, sources, text,
};
use super::{Consistency, Lease, Readings, Sheets, Store, StoreError};
use salon::DateRange;
use salon::day_sheet::DaySheet;
use salon::service::StaffId;
use salon::staff_calendar::CalendarReading;

/// How long after its last write a reading or a lease is stored.
const CALENDAR_LIFETIME: SignedDuration = SignedDuration::from_hours(48);

/// The maximum number of keys in a `BatchGetItem`.
const MAX_BATCH: usize = 100;

/// The store in a `DynamoDB` table.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    table: String,
}

impl DynamoStore {
    /// Makes the store of an existing table.
    #[must_use]
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    async fn sheets_of(
        &self,
        staff: &StaffId,
        horizon: DateRange,
        consistency: Consistency,
    ) -> Result<Vec<DaySheet>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :person AND SK BETWEEN :first AND :last")
            .expression_attribute_values(":person", text(person_key(staff)))
            .expression_attribute_values(":first", text(day_key(horizon.first)))
            .expression_attribute_values(":last", text(day_key(horizon.last)))
            .consistent_read(consistency == Consistency::Strong);
        let mut items = query.into_paginator().items().send();
        let mut sheets = Vec::new();
        while let Some(item) = items.next().await {
            sheets.push(day_sheet(&item.map_err(|error| unavailable("day sheets", error))?)?);
        }
        Ok(sheets)
    }

    /// Reads the items with these keys, which must be distinct and at most [`MAX_BATCH`].
    /// Missing items are left out.
    async fn batch(
        &self,
        wanted: KeysAndAttributesBuilder,
        asked: &'static str,
    ) -> Result<Vec<Item>, StoreError> {
        if wanted.get_keys().as_ref().is_none_or(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let mut wanted = wanted
            .build()
            .map(|keys| HashMap::from([(self.table.clone(), keys)]))
            .map_err(|error| unavailable(asked, error))?;
        let mut items = Vec::new();
        // DynamoDB may leave part of a batch unprocessed. The SDK's retries and
        // timeouts bound how long this takes.
        for _ in 0..5 {
            let read = self.client.batch_get_item().set_request_items(Some(wanted)).send().await;
            let read = read.map_err(|error| unavailable(asked, error))?;
            items.extend(read.responses.unwrap_or_default().into_values().flatten());
            wanted = read.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(items);
            }
        }
        Err(unavailable(asked, "DynamoDB kept leaving part of the batch unprocessed"))
    }

    /// Starts an update of a reading or a lease, written at `now`.
    fn update_calendar(&self, key: Item, now: Timestamp) -> UpdateItemFluentBuilder {
        let expires_at = now.saturating_add(CALENDAR_LIFETIME).unwrap_or(Timestamp::MAX);
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .expression_attribute_values(":expires", number(expires_at))
    }
}

impl Store for DynamoStore {
    async fn sheets(
        &self,
        staff: &[&StaffId],
        horizon: DateRange,
        consistency: Consistency,
    ) -> Result<Sheets, StoreError> {
        let sheets =
            try_join_all(staff.iter().map(|id| self.sheets_of(id, horizon, consistency))).await?;
        Ok(staff.iter().map(|id| (*id).clone()).zip(sheets).collect())
    }

    async fn readings(
        &self,
        staff: &[&StaffId],
        consistency: Consistency,
    ) -> Result<Readings, StoreError> {
        let reads = staff.chunks(MAX_BATCH).map(|batch| {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(batch.iter().map(|id| reading_key(id)).collect()))
                .consistent_read(consistency == Consistency::Strong);
            self.batch(wanted, "calendars")
        });
        let mut readings = Readings::new();
        for item in try_join_all(reads).await?.into_iter().flatten() {
            let is_owner = |id: &&&StaffId| {
                item.get("PK").is_some_and(|key| *key == text(calendar_partition(id)))
            };
            if let Some(owner) = staff.iter().find(is_owner) {
                readings.insert((*owner).clone(), reading(&item)?);
            }
        }
        Ok(readings)
    }

    async fn take_lease(
        &self,
        staff: &StaffId,
        looked_at: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        let update = self
            .update_calendar(lease_key(staff), until)
            .update_expression("SET leaseUntil = :until, expiresAt = :expires")
            .condition_expression("attribute_not_exists(leaseUntil) OR leaseUntil <= :looked")
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":looked", number(looked_at));
        let refused = refused(update.send().await, "a lease")?;
        Ok(if refused.is_some() { Lease::Refused } else { Lease::Taken })
    }

    async fn put_reading(
        &self,
        staff: &StaffId,
        reading: &CalendarReading,
    ) -> Result<(), StoreError> {
        let update = self
            .update_calendar(reading_key(staff), reading.read_at)
            .update_expression(
                "SET sources = :sources, windowStart = :start, windowEnd = :end, readAt = :read, \
                 freshUntil = :fresh, expiresAt = :expires",
            )
            .condition_expression("attribute_not_exists(readAt) OR readAt <= :read")
            .expression_attribute_values(":sources", sources(reading))
            .expression_attribute_values(":start", number(reading.window.start()))
            .expression_attribute_values(":end", number(reading.window.end()))
            .expression_attribute_values(":read", number(reading.read_at))
            .expression_attribute_values(":fresh", number(reading.fresh_until));
        refused(update.send().await, "storing a reading").map(drop)
    }

    async fn move_lease(
        &self,
        staff: &StaffId,
        taken_until: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let update = self
            .update_calendar(lease_key(staff), until)
            .update_expression("SET leaseUntil = :until, expiresAt = :expires")
            .condition_expression("leaseUntil = :taken")
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":taken", number(taken_until));
        refused(update.send().await, "moving a lease").map(drop)
    }
}

/// Returns nothing after a successful update. If the condition did not hold,
/// returns the current item, as far as it was requested.
fn refused<T>(
    update: Result<T, SdkError<UpdateItemError>>,
    asked: &'static str,
) -> Result<Option<Item>, StoreError> {
    match update {
        Ok(_) => Ok(None),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Some(failed.item.clone().unwrap_or_default()))
            }
            _ => Err(unavailable(asked, error)),
        },
    }
}

fn unavailable(
    asked: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unavailable { asked, source: source.into() }
}
