//! The table's stream: what is told of each change of a booking.

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
use crate::mail::{self, News};
use crate::once::NotTold;

/// How old good news may be that is told without looking whether it is still
/// so.
const STILL_TRUE: SignedDuration = SignedDuration::from_mins(15);

/// The records that are to come again
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    /// One for each, in their order.
    pub batch_item_failures: Vec<Failure>,
}

/// A record that is to come again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Its sequence number.
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
    /// Tells of all changes, each for itself: one that fails keeps others
    /// waiting only where they are of the same booking.
    pub(crate) async fn tell_changes(&self, records: Vec<Value>) -> Failures {
        let mut failures = Failures::default();
        let mut waiting = HashSet::new();
        let mut may_pass = false;
        for mut record in records {
            let item = record["dynamodb"]["Keys"]["PK"]["S"].as_str().map(str::to_owned);
            let number = record["dynamodb"]["SequenceNumber"].as_str();
            let item_identifier = number.unwrap_or_default().to_owned();
            let told = if item.as_ref().is_some_and(|item| waiting.contains(item)) {
                Err(NotTold::Behind)
            } else {
                Box::pin(self.tell_change(record["dynamodb"].take())).await
            };
            if let Err(error) = told {
                tracing::error!(
                    error.cause = chain(&error),
                    stream.sequence_number = item_identifier,
                    stream.item = item,
                    "A change of a booking is not told yet"
                );
                may_pass |= error.passes();
                waiting.extend(item);
                failures.batch_item_failures.push(Failure { item_identifier });
            }
        }
        if may_pass {
            self.clock.pause(NOTIFY_PAUSE).await;
        }
        failures
    }

    async fn tell_change(&self, change: Value) -> Result<(), NotTold> {
        let unreadable = |_| NotTold::UnreadableRecord;
        let change: Change = serde_json::from_value(change).map_err(unreadable)?;
        if !change.keys.is_booking() {
            return Ok(());
        }
        // A booking that is new is held, and one that is gone was over long ago.
        let (Some(before), Some(after)) = (change.old_image, change.new_image) else {
            return Ok(());
        };
        let booking = |image: Value| {
            let image: Image = serde_json::from_value(image).map_err(unreadable)?;
            image.booking().map_err(NotTold::UnreadableBooking)
        };
        let (before, after) = (booking(before)?, booking(after)?);
        match News::of(&before, &after) {
            Some(news) => self.tell(&news, &after).await,
            None => Ok(()),
        }
    }

    /// Tells everybody whom it concerns. Who cannot be told keeps nobody else
    /// from it.
    async fn tell(&self, news: &News, booking: &Booking) -> Result<(), NotTold> {
        let mut outcome = Ok(());
        if self.is_still_true(news, booking).await? {
            for mail in mail::write(news, booking, &self.salon, self.clock.now()) {
                outcome = outcome.and(self.send_once(&mail, booking, booking.version).await);
            }
        }
        if news.is_for_calendars() {
            outcome = outcome.and(self.show_once(booking, booking.version).await);
        }
        outcome
    }

    /// Tells whether news can be told: not that a time is somebody's, when the
    /// record comes so late that it may be so no more.
    async fn is_still_true(&self, news: &News, booking: &Booking) -> Result<bool, NotTold> {
        let is_good = matches!(news, News::Confirmed | News::Moved { .. });
        if !is_good || self.clock.now().duration_since(booking.changed_at) < STILL_TRUE {
            return Ok(true);
        }
        let current = self.store.booking(&booking.id).await?;
        let is_confirmed = current.is_some_and(|current| current.state == State::Confirmed);
        if !is_confirmed {
            tracing::warn!(booking.id = %booking.id, "It is too late to confirm a booking");
        }
        Ok(is_confirmed)
    }
}
