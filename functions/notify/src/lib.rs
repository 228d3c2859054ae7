//! What visitors and the salon's owner are told about bookings, and what the
//! owner's calendar shows of them.
//!
//! | module | what is in it |
//! |---|---|
//! | [`mail`] | mails: from a booking and the salon to bytes |
//! | `changes` | the table's stream: what is told of each change |
//! | `reminders` | the schedule: who is told again |
//! | `once` | carrying out an effect once |

mod changes;
pub mod mail;
mod once;
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

pub use self::changes::Failures;
pub use self::reminders::{NotAllReminded, Reminded};

/// The function: what it needs to tell people, made once a container.
#[derive(Debug)]
pub struct Notify<S, M = Ses, G = GoogleCalendars> {
    salon: Salon,
    store: S,
    mailer: M,
    entries: StaffCalendars<G>,
    clock: Clock,
}

/// What the function is called with: records of the stream, or else the time
/// has come to remind.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// The records, each to be read by itself.
    #[serde(rename = "Records")]
    pub records: Option<Vec<Value>>,
}

/// What the function answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Which records are to come again.
    Changes(Failures),
    /// Who was reminded.
    Reminders(Reminded),
}

impl<S: BookingStore + Outbox, M: Mailer, G: CalendarWriter> Notify<S, M, G> {
    /// Makes the function.
    #[must_use]
    pub const fn new(
        salon: Salon,
        store: S,
        mailer: M,
        entries: StaffCalendars<G>,
        clock: Clock,
    ) -> Self {
        Self { salon, store, mailer, entries, clock }
    }

    /// Does what an event asks for, before `deadline`.
    ///
    /// # Errors
    /// When somebody could not be reminded. Records that failed are in the
    /// answer.
    pub async fn handle(
        &self,
        event: Event,
        deadline: Timestamp,
    ) -> Result<Answer, NotAllReminded> {
        let answer = match event.records {
            Some(records) => Ok(Answer::Changes(self.tell_changes(records).await)),
            None => self.remind(deadline).await.map(Answer::Reminders),
        };
        metrics::flush();
        answer
    }
}
