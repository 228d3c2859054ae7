//! Reminders of appointments, on a schedule.

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
use crate::effects::EffectError;
use crate::mail::{self, Notification};

/// Outcome of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReminderReport {
    /// Number of bookings whose reminder is due. Most got it in an earlier run.
    pub due: usize,
    /// Number left for the next run, because time ran out.
    pub left: usize,
}

/// Reminders were not sent. The next run tries again.
#[derive(Debug, thiserror::Error)]
pub enum ReminderError {
    #[error("the day sheets could not be read")]
    DaySheets(#[source] StoreError),
    /// This many mails failed. Each has a line in the log.
    #[error("{0} reminders could not be sent")]
    Failed(usize),
}

impl<S: BookingStore + Outbox, M: Mailer, G: CalendarWriter> Notify<S, M, G> {
    /// Sends the reminders that are due, the earliest appointments first.
    pub(crate) async fn send_reminders(
        &self,
        deadline: Timestamp,
    ) -> Result<ReminderReport, ReminderError> {
        let Some(reminders) = self.salon.mail.as_ref().and_then(|mail| mail.reminders) else {
            return Ok(ReminderReport::default());
        };
        let appointments = self.appointments(&reminders).await.map_err(ReminderError::DaySheets)?;
        let last_start = deadline.saturating_sub(REMINDER_RESERVE).unwrap_or(Timestamp::MIN);
        let mut report = ReminderReport { due: appointments.len(), left: 0 };
        let mut failed = 0;
        for (_, id) in &appointments {
            if self.clock.now() > last_start {
                report.left += 1;
            } else if let Err(error) = Box::pin(self.send_reminder(id, &reminders)).await {
                tracing::error!(
                    error.cause = chain(&error),
                    booking.id = %id,
                    "A reminder could not be sent, the next run tries again"
                );
                failed += 1;
            }
        }
        tracing::info!(
            reminders.due = report.due,
            reminders.left = report.left,
            reminders.failed = failed,
            "Reminders sent"
        );
        if failed > 0 { Err(ReminderError::Failed(failed)) } else { Ok(report) }
    }

    /// Finds the appointments whose reminders may be due, without holds. They are read
    /// from the day sheets, so no index and no scan is needed.
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

    async fn send_reminder(
        &self,
        id: &BookingId,
        reminders: &Reminders,
    ) -> Result<(), EffectError> {
        let Some(booking) = self.store.booking(id).await? else { return Ok(()) };
        let now = self.clock.now();
        if !reminders.is_due(&booking, &self.salon.time_zone, now) {
            return Ok(());
        }
        for mail in mail::write(&Notification::Reminder, &booking, &self.salon, now) {
            self.send_mail(&mail, &booking, 0).await?;
        }
        Ok(())
    }
}
