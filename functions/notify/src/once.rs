//! Effects, each once: claimed, carried out, marked.
//!
//! Why in this order, and what a crash in between does:
//! docs/decisions/0009-an-effect-is-claimed-then-carried-out-then-marked.md.

use jiff::Timestamp;
use openchair::aws::AwsError;
use openchair::calendars::{CalendarError, CalendarWriter};
use openchair::ses::{Mailer, SendOutcome};
use openchair::store::StoreError;
use openchair::store::booking_store::BookingStore;
use openchair::store::outbox::{Claim, Effect, Outbox};
use openchair::telemetry::chain;
use openchair::telemetry::metrics::{Metric, count};
use openchair::time_budget::{CLAIM, MARKER_LIFETIME};
use salon::booking::Booking;

use crate::Notify;
use crate::mail::{Mail, Recipient};

/// Somebody was not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTold {
    /// Another delivery of the same record is about it, or was cut off.
    #[error("somebody else has the claim to it")]
    Claimed,
    #[error("an earlier change of the same booking is not told yet")]
    Behind,
    #[error("the record cannot be read")]
    UnreadableRecord,
    #[error("the booking in the record cannot be read")]
    UnreadableBooking(#[source] StoreError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the mail is not sent")]
    Mail(#[source] AwsError),
    #[error("the calendar does not show it")]
    Calendar(#[source] CalendarError),
}

impl NotTold {
    /// Tells whether the same record may succeed later.
    pub(crate) fn passes(&self) -> bool {
        match self {
            // The earlier change says for itself whether it may.
            Self::Behind
            | Self::UnreadableRecord
            | Self::UnreadableBooking(_)
            | Self::Store(StoreError::Corrupt { .. }) => false,
            Self::Claimed | Self::Store(_) | Self::Mail(_) | Self::Calendar(_) => true,
        }
    }

    /// Tells whether the effect has certainly not been carried out, or would
    /// not be carried out twice.
    fn is_harmless(&self) -> bool {
        match self {
            Self::Mail(AwsError::Refused { status, .. }) => status.is_client_error(),
            Self::Mail(
                AwsError::Unreachable { .. }
                | AwsError::Timeout { .. }
                | AwsError::Unreadable { .. },
            ) => false,
            _ => true,
        }
    }
}

impl<S: BookingStore + Outbox, M: Mailer, G: CalendarWriter> Notify<S, M, G> {
    /// Sends a mail of a booking, as its `version`th writing asks for it.
    pub(crate) async fn send_once(
        &self,
        mail: &Mail,
        booking: &Booking,
        version: u64,
    ) -> Result<(), NotTold> {
        let name = match (mail.recipient, version) {
            (Recipient::Visitor, 0) => "reminder-visitor",
            (Recipient::Owner, 0) => "reminder-owner",
            (Recipient::Visitor, _) => "mail-visitor",
            (Recipient::Owner, _) => "mail-owner",
        };
        let sending = async {
            match self.mailer.send(&mail.to.address, &mail.to_bytes()).await {
                Ok(SendOutcome::Accepted) => {
                    count(Metric::MailsSent);
                    Ok(())
                }
                Ok(SendOutcome::Rejected { code }) => {
                    count(Metric::MailsRejected);
                    // It would be rejected again. Whose address it is stays out of the log.
                    tracing::error!(
                        booking.id = %booking.id,
                        mail.recipient = mail.recipient.as_str(),
                        ses.code = code,
                        "SES does not take a mail, and it is not sent"
                    );
                    Ok(())
                }
                Err(error) => Err(NotTold::Mail(error)),
            }
        };
        self.once(booking, Effect { name, version }, sending).await
    }

    /// Makes the calendar of whom a booking is with show what has become of it.
    ///
    /// It shows the booking as it is now, whichever change is told: so a record
    /// that comes late does no harm.
    pub(crate) async fn show_once(&self, booking: &Booking, version: u64) -> Result<(), NotTold> {
        if !self.entries.has_calendar_for(booking, &self.salon) {
            return Ok(());
        }
        let showing = async {
            let Some(current) = self.store.booking(&booking.id).await? else { return Ok(()) };
            match self.entries.update_event(&current, &self.salon).await {
                // Nobody waits for a calendar that will not have it: the mail has told.
                Err(error) if error.retry_after().is_none() => {
                    count(Metric::EntriesRefused);
                    tracing::error!(
                        error.cause = chain(&error),
                        booking.id = %booking.id,
                        "A calendar does not take a booking, and does not show it"
                    );
                    Ok(())
                }
                shown => shown.map_err(NotTold::Calendar),
            }
        };
        self.once(booking, Effect { name: "calendar", version }, showing).await
    }

    async fn once(
        &self,
        booking: &Booking,
        effect: Effect,
        carrying_out: impl Future<Output = Result<(), NotTold>>,
    ) -> Result<(), NotTold> {
        let (id, now) = (&booking.id, self.clock.now());
        let later = |at: Timestamp, by| at.saturating_add(by).unwrap_or(Timestamp::MAX);
        let until = later(now, CLAIM);
        let expires_at = later(booking.appointment.end().max(now), MARKER_LIFETIME);
        match self.store.claim(id, effect, now, until, expires_at).await? {
            Claim::Taken => {}
            Claim::TakenAgain => {
                count(Metric::EffectsRepeated);
                tracing::warn!(
                    booking.id = %id,
                    effect.name,
                    effect.version,
                    "An attempt was cut off; it is made again, perhaps a second time"
                );
            }
            Claim::Refused => return Err(NotTold::Claimed),
            Claim::Done => return Ok(()),
        }
        if let Err(error) = carrying_out.await {
            if error.is_harmless() {
                // Where this fails, the claim ends by itself.
                let _ = self.store.release_claim(id, effect, until).await;
            }
            return Err(error);
        }
        self.store.mark_done(id, effect, self.clock.now(), expires_at).await?;
        tracing::info!(booking.id = %id, effect.name, effect.version, "Told of a booking");
        Ok(())
    }
}
