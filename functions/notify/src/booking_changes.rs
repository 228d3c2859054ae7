//! Changes of bookings, from the table's stream.

use std::collections::HashSet;

use jiff::SignedDuration;
use openchair::calendars::CalendarWriter;
use openchair::ses::Mailer;
use openchair::store::Image;
use openchair::store::booking_store::BookingStore;
use openchair::store::outbox::Outbox;
use openchair::telemetry::chain;
use openchair::time_budget::NOTIFY_PAUSE;
use salon::booking::{Booking, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Notify;
use crate::effects::EffectError;
use crate::mail::{self, Notification};

/// A confirmation this old or older is sent only if the booking is still confirmed.
const STALE_CONFIRMATION: SignedDuration = SignedDuration::from_mins(15);

/// The records that Lambda should deliver again
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The failed records, in the order of the stream.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A record that Lambda should deliver again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// The record's sequence number.
    pub item_identifier: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Image,
    old_image: Option<Value>,
    new_image: Option<Value>,
}

impl<S: BookingStore + Outbox, M: Mailer, G: CalendarWriter> Notify<S, M, G> {
    /// Handles each change individually. One that fails delays only later changes of the
    /// same booking.
    pub(crate) async fn handle_changes(&self, records: Vec<Value>) -> BatchResponse {
        let mut response = BatchResponse::default();
        let mut failed_items = HashSet::new();
        let mut is_transient = false;
        for mut record in records {
            let item = record["dynamodb"]["Keys"]["PK"]["S"].as_str().map(str::to_owned);
            let number = record["dynamodb"]["SequenceNumber"].as_str();
            let item_identifier = number.unwrap_or_default().to_owned();
            let outcome = if item.as_ref().is_some_and(|item| failed_items.contains(item)) {
                Err(EffectError::Behind)
            } else {
                Box::pin(self.handle_change(record["dynamodb"].take())).await
            };
            if let Err(error) = outcome {
                tracing::error!(
                    error.cause = chain(&error),
                    stream.sequence_number = item_identifier,
                    stream.item = item,
                    "A change of a booking could not be handled, it is delivered again"
                );
                is_transient |= error.is_transient();
                failed_items.extend(item);
                response.batch_item_failures.push(BatchItemFailure { item_identifier });
            }
        }
        if is_transient {
            self.clock.pause(NOTIFY_PAUSE).await;
        }
        response
    }

    async fn handle_change(&self, change: Value) -> Result<(), EffectError> {
        let unreadable = |_| EffectError::UnreadableRecord;
        let change: Change = serde_json::from_value(change).map_err(unreadable)?;
        if !change.keys.is_booking() {
            return Ok(());
        }
        // A new booking is held, and a deleted one ended long ago: nobody is notified.
        let (Some(before), Some(after)) = (change.old_image, change.new_image) else {
            return Ok(());
        };
        let booking = |image: Value| {
            let image: Image = serde_json::from_value(image).map_err(unreadable)?;
            image.booking().map_err(EffectError::UnreadableBooking)
        };
        let (before, after) = (booking(before)?, booking(after)?);
        match Notification::for_change(&before, &after) {
            Some(notification) => self.notify(&notification, &after).await,
            None => Ok(()),
        }
    }

    /// Carries out all effects of a notification. One that fails does not prevent the
    /// others.
    async fn notify(
        &self,
        notification: &Notification,
        booking: &Booking,
    ) -> Result<(), EffectError> {
        let mut outcome = Ok(());
        if self.is_current(notification, booking).await? {
            for mail in mail::write(notification, booking, &self.salon, self.clock.now()) {
                outcome = outcome.and(self.send_mail(&mail, booking, booking.version).await);
            }
        }
        if notification.changes_calendars() {
            outcome = outcome.and(self.update_calendar(booking, booking.version).await);
        }
        outcome
    }

    /// Returns whether a notification is still right. A confirmation whose record comes
    /// late may not be.
    async fn is_current(
        &self,
        notification: &Notification,
        booking: &Booking,
    ) -> Result<bool, EffectError> {
        let confirms = matches!(notification, Notification::Confirmed | Notification::Moved { .. });
        if !confirms || self.clock.now().duration_since(booking.changed_at) < STALE_CONFIRMATION {
            return Ok(true);
        }
        let current = self.store.booking(&booking.id).await?;
        let is_confirmed = current.is_some_and(|current| current.state == State::Confirmed);
        if !is_confirmed {
            tracing::warn!(booking.id = %booking.id, "A confirmation came too late, the booking is no longer confirmed");
        }
        Ok(is_confirmed)
    }
}
