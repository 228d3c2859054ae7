//! Notifies visitors and the salon's owner about bookings, and writes bookings into the
//! staff's calendars.
//!
//! | module | contents |
//! |---|---|
//! | [`mail`] | builds mails from a booking and the salon |
//! | `booking_changes` | changes of bookings, from the table's stream |
//! | `reminders` | reminders, on a schedule |
//! | `effects` | carries out each effect once |

mod booking_changes;
mod effects;
pub mod mail;
mod reminders;

use jiff::Timestamp;
use openchair::calendars::{CalendarWriter, GoogleCalendars, StaffCalendars};
use openchair::clock::Clock;
use openchair::ses::{Mailer, Ses};
use openchair::store::booking_store::BookingStore;
use openchair::store::outbox::Outbox;
use openchair::telemetry::metrics;
use salon::Salon;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::booking_changes::{BatchItemFailure, BatchResponse};
pub use self::reminders::{ReminderError, ReminderReport};

/// The function, made once per container.
#[derive(Debug)]
pub struct Notify<S, M = Ses, G = GoogleCalendars> {
    salon: Salon,
    store: S,
    mailer: M,
    calendars: StaffCalendars<G>,
    clock: Clock,
}

/// The function's input: either stream records or, without records, an event of the schedule.
#[derive(Clone, Debug, Deserialize)]
pub struct NotifyEvent {
    /// The stream's records. Each is parsed on its own, so that an unreadable record
    /// does not fail the others.
    #[serde(rename = "Records")]
    pub records: Option<Vec<Value>>,
}

/// The function's output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum NotifyResponse {
    /// The records that failed.
    Changes(BatchResponse),
    Reminders(ReminderReport),
}

impl<S: BookingStore + Outbox, M: Mailer, G: CalendarWriter> Notify<S, M, G> {
    #[must_use]
    pub const fn new(
        salon: Salon,
        store: S,
        mailer: M,
        calendars: StaffCalendars<G>,
        clock: Clock,
    ) -> Self {
        Self { salon, store, mailer, calendars, clock }
    }

    /// Handles an event. `deadline` ends a run of reminders.
    ///
    /// # Errors
    /// When a reminder could not be sent. Records that failed are in the response.
    pub async fn handle(
        &self,
        event: NotifyEvent,
        deadline: Timestamp,
    ) -> Result<NotifyResponse, ReminderError> {
        let response = match event.records {
            Some(records) => Ok(NotifyResponse::Changes(self.handle_changes(records).await)),
            None => self.send_reminders(deadline).await.map(NotifyResponse::Reminders),
        };
        metrics::flush();
        response
    }
}
