use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures_util::future::try_join_all;
use jiff::Timestamp;

use super::{Consistency, Store, StoreError};
use crate::domain::availability::BusyTimes;
use crate::domain::day_sheet::{DaySheet, Entry};
use crate::domain::interval::{Interval, IntervalSet};
use crate::domain::salon::Horizon;
use crate::domain::service::StaffId;

type Item = HashMap<String, AttributeValue>;

/// The store in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    table: String,
}

impl DynamoStore {
    /// Uses a table that exists.
    #[must_use]
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads the time that live entries on a person's day sheets take.
    async fn booked(
        &self,
        staff: &StaffId,
        horizon: Horizon,
        now: Timestamp,
        consistency: Consistency,
    ) -> Result<IntervalSet<Timestamp>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :person AND SK BETWEEN :first AND :last")
            .expression_attribute_values(":person", text(person_key(staff)))
            .expression_attribute_values(":first", text(format!("DAY#{}", horizon.first)))
            .expression_attribute_values(":last", text(format!("DAY#{}", horizon.last)))
            .consistent_read(consistency == Consistency::Strong);
        let mut items = query.into_paginator().items().send();
        let mut busy = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| unavailable("day sheets", error))?;
            busy.extend(day_sheet(&item)?.busy(now).iter().copied());
        }
        Ok(busy.into_iter().collect())
    }

    /// Reads the busy times of all calendars that have been cached.
    async fn calendars(
        &self,
        staff: &[&StaffId],
        now: Timestamp,
        consistency: Consistency,
    ) -> Result<BusyTimes, StoreError> {
        /// `BatchGetItem` takes no more keys than this.
        const BATCH: usize = 100;
        let reads = staff.chunks(BATCH).map(|batch| self.calendar_batch(batch, consistency));
        let mut busy = BusyTimes::new();
        for item in try_join_all(reads).await?.into_iter().flatten() {
            let owner = staff
                .iter()
                .find(|id| item.get("PK").is_some_and(|key| *key == text(person_key(id))));
            if let (Some(owner), Some(times)) = (owner, calendar(&item, now)?) {
                busy.insert((*owner).clone(), times);
            }
        }
        Ok(busy)
    }

    async fn calendar_batch(
        &self,
        staff: &[&StaffId],
        consistency: Consistency,
    ) -> Result<Vec<Item>, StoreError> {
        let keys = staff.iter().map(|id| {
            Item::from([
                ("PK".to_owned(), text(person_key(id))),
                ("SK".to_owned(), text("CALENDAR")),
            ])
        });
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .consistent_read(consistency == Consistency::Strong)
            .build()
            .map(|keys| HashMap::from([(self.table.clone(), keys)]))
            .map_err(|error| unavailable("calendars", error))?;
        let mut items = Vec::new();
        // DynamoDB may leave a part of a batch for another request. The SDK's
        // retries and the deadline of each bound how long that can go on.
        for _ in 0..5 {
            let read = self.client.batch_get_item().set_request_items(Some(wanted)).send().await;
            let read = read.map_err(|error| unavailable("calendars", error))?;
            items.extend(read.responses.unwrap_or_default().into_values().flatten());
            wanted = read.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(items);
            }
        }
        Err(unavailable("calendars", "DynamoDB keeps leaving a part of the batch"))
    }
}

impl Store for DynamoStore {
    async fn busy_times(
        &self,
        staff: &[&StaffId],
        horizon: Horizon,
        now: Timestamp,
        consistency: Consistency,
    ) -> Result<BusyTimes, StoreError> {
        let booked =
            try_join_all(staff.iter().map(|id| self.booked(id, horizon, now, consistency)));
        let calendars = self.calendars(staff, now, consistency);
        let (booked, mut busy) = futures_util::try_join!(booked, calendars)?;
        for (id, booked) in staff.iter().zip(booked) {
            let times = busy.entry((*id).clone()).or_default();
            *times = times.union(&booked);
        }
        Ok(busy)
    }
}

fn person_key(staff: &StaffId) -> String {
    format!("STAFF#{staff}")
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn unavailable(
    asked: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unavailable { asked, source: source.into() }
}

/// Reads `entries`: a list of `{bookingId, start, end, until?}`.
fn day_sheet(item: &Item) -> Result<DaySheet, StoreError> {
    let entries = item
        .get("entries")
        .and_then(|entries| entries.as_l().ok())
        .ok_or_else(|| corrupt(item, "it has no list of entries"))?;
    let entry = |entry: &AttributeValue| {
        let fields = entry.as_m().ok()?;
        let taken = Interval::new(instant(fields.get("start"))?, instant(fields.get("end"))?)?;
        let until = match fields.get("until") {
            Some(until) => Some(instant(Some(until))?),
            None => None,
        };
        Some(Entry::new(fields.get("bookingId")?.as_s().ok()?.clone(), taken, until))
    };
    let read: Option<Vec<Entry>> = entries.iter().map(entry).collect();
    read.map(DaySheet::new).ok_or_else(|| corrupt(item, "an entry is not a booking and its time"))
}

/// Reads `busy`, a list of `[start, end]`, unless the item is past its expiry.
fn calendar(item: &Item, now: Timestamp) -> Result<Option<IntervalSet<Timestamp>>, StoreError> {
    let expires_at =
        instant(item.get("expiresAt")).ok_or_else(|| corrupt(item, "it has no expiry"))?;
    if expires_at <= now {
        return Ok(None);
    }
    let busy = item
        .get("busy")
        .and_then(|busy| busy.as_l().ok())
        .ok_or_else(|| corrupt(item, "it has no list of busy times"))?;
    let span = |span: &AttributeValue| match span.as_l().ok()?.as_slice() {
        [start, end] => Interval::new(instant(Some(start))?, instant(Some(end))?),
        _ => None,
    };
    let read: Option<IntervalSet<Timestamp>> = busy.iter().map(span).collect();
    read.map(Some).ok_or_else(|| corrupt(item, "a busy time is not a start and a later end"))
}

fn instant(value: Option<&AttributeValue>) -> Option<Timestamp> {
    Timestamp::from_second(value?.as_n().ok()?.parse().ok()?).ok()
}

fn corrupt(item: &Item, problem: &str) -> StoreError {
    let part = |name| item.get(name).and_then(|key| key.as_s().ok()).map_or("?", String::as_str);
    StoreError::Corrupt {
        key: format!("{} {}", part("PK"), part("SK")),
        problem: problem.to_owned(),
    }
}
