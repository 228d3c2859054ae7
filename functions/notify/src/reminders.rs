//! The schedule: clients who are told again that their appointment is near.

use jiff::Timestamp;
use openchair::calendars::CalendarWriter;
use openchair::ses::Mailer;
use openchair::store::booking_store::BookingStore;
use openchair::store::outbox::Outbox;
use openchair::store::{Consistency, StoreError};
use openchair::telemetry::chain;
use openchair::time_budget::REMINDER_RESERVE;
use salon::DateRange;
use salon::booking::BookingId;
use salon::day_sheet::DaySheet;
use salon::reminder::Reminders;
use salon::service::StaffId;
use serde::Serialize;

use crate::Notify;
use crate::mail::{self, News};
use crate::once::NotTold;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reminded {
    /// How many bookings have a reminder that is due; most have got it before.
    pub due: usize,
    /// How many were left for the next run, as time ran out.
    pub left: usize,
}

/// Somebody could not be reminded: another run may.
#[derive(Debug, thiserror::Error)]
pub enum NotAllReminded {
    /// The day sheets cannot be read.
    #[error("it cannot be told who is to be reminded")]
    Sheets(#[source] StoreError),
    /// So many mails failed, each with a line in the log.
    #[error("{0} reminders are not sent")]
    Failed(usize),
}

impl<S: BookingStore + Outbox, M: Mailer, G: CalendarWriter> Notify<S, M, G> {
    /// Reminds whose reminder is due, the earliest appointments first.
    pub(crate) async fn remind(&self, deadline: Timestamp) -> Result<Reminded, NotAllReminded> {
        let Some(reminders) = self.salon.mail.as_ref().and_then(|mail| mail.reminders) else {
            return Ok(Reminded::default());
        };
        let appointments = self.appointments(&reminders).await.map_err(NotAllReminded::Sheets)?;
        let last_start = deadline.saturating_sub(REMINDER_RESERVE).unwrap_or(Timestamp::MIN);
        let mut reminded = Reminded { due: appointments.len(), left: 0 };
        let mut failed = 0;
        for (_, id) in &appointments {
            if self.clock.now() > last_start {
                reminded.left += 1;
            } else if let Err(error) = Box::pin(self.remind_of(id, &reminders)).await {
                tracing::error!(
                    error.cause = chain(&error),
                    booking.id = %id,
                    "A reminder is not sent yet"
                );
                failed += 1;
            }
        }
        tracing::info!(
            reminders.due = reminded.due,
            reminders.left = reminded.left,
            reminders.failed = failed,
            "Reminded of appointments"
        );
        if failed > 0 { Err(NotAllReminded::Failed(failed)) } else { Ok(reminded) }
    }

    /// Finds the appointments whose reminders may be due, on the day sheets: no
    /// index and no scan is needed. Holds are not among them.
    async fn appointments(
        &self,
        reminders: &Reminders,
    ) -> Result<Vec<(Timestamp, BookingId)>, StoreError> {
        let (now, zone) = (self.clock.now(), &self.salon.time_zone);
        let starts = reminders.starts_to_check(now);
        let date = |at| zone.to_datetime(at).date();
        let dates = DateRange::new(date(starts.start), date(starts.end));
        let staff: Vec<&StaffId> = self.salon.staff.iter().map(|member| &member.id).collect();
        let sheets = self.store.sheets(&staff, dates, Consistency::Eventual).await?;
        let entries = sheets.values().flatten().flat_map(DaySheet::entries);
        let mut appointments: Vec<_> = entries
            .filter(|entry| entry.until.is_none())
            .map(|entry| (entry.appointment.start(), entry.booking_id.clone()))
            .filter(|(start, _)| starts.contains(start) && reminders.due_at(*start, zone) <= now)
            .collect();
        appointments.sort();
        Ok(appointments)
    }

    async fn remind_of(&self, id: &BookingId, reminders: &Reminders) -> Result<(), NotTold> {
        let Some(booking) = self.store.booking(id).await? else { return Ok(()) };
        let now = self.clock.now();
        if !reminders.is_due(&booking, &self.salon.time_zone, now) {
            return Ok(());
        }
        for mail in mail::write(&News::Reminder, &booking, &self.salon, now) {
            self.send_once(&mail, &booking, 0).await?;
        }
        Ok(())
    }
}
