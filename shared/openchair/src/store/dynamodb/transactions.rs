use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, KeysAndAttributes, Put, TransactWriteItem, Update,
};
use jiff::{SignedDuration, Timestamp};

use super::item::{
    Item, booking, booking_item, booking_key, booking_state, day_sheet_item, deposits_key,
    hold_attribute, hold_count, hold_count_item, holds_key, integer, number, poll_key,
    request_item, request_key, stored_request, text, unsettled_booking,
};
use super::{DynamoStore, MAX_BATCH, refused, unavailable};
use crate::store::StoreError;
use crate::store::booking_store::{
    BookingChange, BookingState, BookingStore, HoldCountChange, RequestKeyChange,
    ReservationContext, UnsettledBooking, WriteOutcome,
};
use crate::store::table::UNSETTLED_INDEX;
use salon::booking::{Booking, BookingId, HoldKey, RequestKey};

/// How long the time of the last question to Stripe is stored. No interval
/// between two questions is longer.
const POLL_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// The period in which deposits without a booking are counted together.
const COUNTED_HOUR: SignedDuration = SignedDuration::from_hours(1);

impl DynamoStore {
    /// Returns the items that a transaction writes.
    fn writes(
        &self,
        change: &BookingChange<'_>,
        written: &Booking,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let BookingChange { booking, .. } = change;
        let mut writes = vec![self.put(booking_item(written), booking.version)?];
        if let Some((staff, date, sheet)) = change.sheet {
            let read = sheet.version().saturating_sub(1);
            writes.push(self.put(day_sheet_item(staff, date, sheet), read)?);
        }
        match change.hold_counts {
            HoldCountChange::None => {}
            HoldCountChange::Set(counts) => {
                for (key, count) in counts {
                    let read = count.version.saturating_sub(1);
                    writes.push(self.put(hold_count_item(key, count), read)?);
                }
            }
            HoldCountChange::Release(keys) => {
                for key in keys {
                    writes.push(self.release(key, booking)?);
                }
            }
        }
        match change.request_key {
            RequestKeyChange::None => {}
            RequestKeyChange::Store { key, request, now } => {
                let put = Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(request_item(key, request)))
                    .condition_expression("attribute_not_exists(PK) OR #until <= :now")
                    .expression_attribute_names("#until", "until")
                    .expression_attribute_values(":now", number(now));
                writes.push(TransactWriteItem::builder().put(put.build()?).build());
            }
            RequestKeyChange::Delete(key) => {
                let delete = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(request_key(key)))
                    .condition_expression("attribute_not_exists(PK) OR bookingId = :booking")
                    .expression_attribute_values(":booking", text(change.booking.id.as_str()));
                writes.push(TransactWriteItem::builder().delete(delete.build()?).build());
            }
        }
        Ok(writes)
    }

    /// Writes an item if its version is still the one that was read; 0 if it did
    /// not exist.
    fn put(&self, item: Item, read: u64) -> Result<TransactWriteItem, BuildError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = if read == 0 {
            put.condition_expression("attribute_not_exists(PK)")
        } else {
            put.condition_expression("version = :read")
                .expression_attribute_values(":read", integer(read))
        };
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    /// Removes a hold from a count without reading it. If the item has been deleted,
    /// this creates an empty one, which is deleted again.
    fn release(&self, key: &HoldKey, booking: &Booking) -> Result<TransactWriteItem, BuildError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(holds_key(key)))
            .update_expression(
                "REMOVE #hold ADD version :one SET expiresAt = if_not_exists(expiresAt, :until)",
            )
            .expression_attribute_names("#hold", hold_attribute(&booking.id))
            .expression_attribute_values(":one", integer(1))
            .expression_attribute_values(":until", number(booking.hold_until));
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }
}

impl BookingStore for DynamoStore {
    async fn booking(&self, id: &BookingId) -> Result<Option<Booking>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(booking_key(id)));
        let read = get.consistent_read(true).send().await;
        let item = read.map_err(|error| unavailable("a booking", error))?.item;
        item.as_ref().map(booking).transpose()
    }

    async fn reservation_context(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> Result<ReservationContext, StoreError> {
        let keys: Vec<Item> =
            counts.iter().map(holds_key).chain(request.map(request_key)).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
        let items = self.batch(wanted, "unpaid holds").await?;
        let item = |key: Item| items.iter().find(|item| item.get("PK") == key.get("PK"));
        let count = |key: &HoldKey| {
            let count = item(holds_key(key)).map(hold_count).transpose()?;
            Ok((key.clone(), count.unwrap_or_default()))
        };
        Ok(ReservationContext {
            hold_counts: counts.iter().map(count).collect::<Result<_, StoreError>>()?,
            request: request
                .and_then(|key| item(request_key(key)))
                .map(stored_request)
                .transpose()?,
        })
    }

    /// Writes every change in a transaction, even if it has one item only. The SDK
    /// sends the same `ClientRequestToken` with all attempts of a call, so a repeat
    /// after a lost answer succeeds. A plain put would fail on the version that it
    /// has written before.
    async fn write(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        const ASKED: &str = "a booking's change";
        let booking = Booking { version: change.booking.version + 1, ..change.booking.clone() };
        let writes = self.writes(change, &booking).map_err(|error| unavailable(ASKED, error))?;
        let written =
            self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        match written {
            Ok(_) => Ok(WriteOutcome::Written(booking)),
            Err(error) if is_conflict(&error) => Ok(WriteOutcome::Conflict),
            Err(error) => Err(unavailable(ASKED, error)),
        }
    }

    async fn record_poll(
        &self,
        id: &BookingId,
        now: Timestamp,
        pause: SignedDuration,
    ) -> Result<bool, StoreError> {
        let milliseconds = |at: Timestamp| integer(at.as_millisecond());
        let then = now.saturating_sub(pause).unwrap_or(Timestamp::MIN);
        let expires_at = now.saturating_add(POLL_LIFETIME).unwrap_or(Timestamp::MAX);
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(poll_key(id)))
            .update_expression("SET askedAt = :now, expiresAt = :expires")
            .condition_expression("attribute_not_exists(askedAt) OR askedAt <= :then")
            .expression_attribute_values(":now", milliseconds(now))
            .expression_attribute_values(":then", milliseconds(then))
            .expression_attribute_values(":expires", number(expires_at));
        Ok(refused(update.send().await, "recording a poll")?.is_none())
    }

    /// Each hour has an item of its own, so nothing has to be reset.
    async fn count_bare_deposit(
        &self,
        address: &HoldKey,
        hour: Timestamp,
        limit: u16,
    ) -> Result<bool, StoreError> {
        let expires_at = hour.saturating_add(COUNTED_HOUR).unwrap_or(Timestamp::MAX);
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(deposits_key(address, hour)))
            .update_expression("ADD deposits :one SET expiresAt = :expires")
            .condition_expression("attribute_not_exists(deposits) OR deposits < :limit")
            .expression_attribute_values(":one", integer(1))
            .expression_attribute_values(":limit", integer(limit))
            .expression_attribute_values(":expires", number(expires_at));
        Ok(refused(update.send().await, "counting a deposit")?.is_none())
    }

    /// Reads an index, which is usually about a second behind the table.
    async fn unsettled_bookings(&self, limit: usize) -> Result<Vec<UnsettledBooking>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(UNSETTLED_INDEX)
            .key_condition_expression("unsettled = :yes")
            .expression_attribute_values(":yes", text("1"))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let mut items = query.into_paginator().items().send();
        let mut unsettled = Vec::new();
        while unsettled.len() < limit
            && let Some(item) = items.next().await
        {
            let item = item.map_err(|error| unavailable("unsettled bookings", error))?;
            unsettled.push(unsettled_booking(&item)?);
        }
        Ok(unsettled)
    }

    async fn booking_states(&self, ids: &[BookingId]) -> Result<Vec<BookingState>, StoreError> {
        const ASKED: &str = "the states of bookings";
        let mut states = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MAX_BATCH) {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(ids.iter().map(booking_key).collect()))
                .projection_expression("PK, #state, holdUntil, paymentId, incidents")
                .expression_attribute_names("#state", "state");
            let items = self.batch(wanted, ASKED).await?;
            states.extend(items.iter().filter_map(booking_state));
        }
        Ok(states)
    }
}

/// Returns whether a transaction failed only because of other writers.
///
/// If there is another reason as well, such as an overload, it is no conflict:
/// reading again would not help.
fn is_conflict(error: &SdkError<TransactWriteItemsError>) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let reasons = cancelled.cancellation_reasons().iter();
            let mut codes =
                reasons.filter_map(CancellationReason::code).filter(|code| *code != "None");
            let is_other_writer =
                |code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict");
            codes.next().is_some_and(is_other_writer) && codes.all(is_other_writer)
        }
        // An earlier attempt of the same call is still being processed.
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => true,
        _ => false,
    }
}
