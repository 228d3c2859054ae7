//! Carries out each effect once: claims it, carries it out, marks it as done.
//!
//! docs/decisions/0009-an-effect-is-claimed-then-carried-out-then-marked.md explains
//! this order, and what a crash in between does.

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

/// An effect was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EffectError {
    /// Another delivery of the same record is carrying it out, or was cut off.
    #[error("another delivery of the same record has claimed it")]
    Claimed,
    #[error("an earlier change of the same booking has failed")]
    Behind,
    #[error("the record cannot be read")]
    UnreadableRecord,
    #[error("the booking in the record cannot be read")]
    UnreadableBooking(#[source] StoreError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the mail could not be sent")]
    Mail(#[source] AwsError),
    #[error("the calendar entry could not be written")]
    Calendar(#[source] CalendarError),
}

impl EffectError {
    /// Returns whether the same record may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            // The earlier change's own error says whether it is transient.
            Self::Behind
            | Self::UnreadableRecord
            | Self::UnreadableBooking(_)
            | Self::Store(StoreError::Corrupt { .. }) => false,
            Self::Claimed | Self::Store(_) | Self::Mail(_) | Self::Calendar(_) => true,
        }
    }

    /// Returns whether the effect may be repeated at once: either it certainly was not
    /// carried out, or repeating it is harmless.
    fn may_be_repeated(&self) -> bool {
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
    /// Sends a mail about a version of a booking, once. Version 0 stands for its reminder.
    pub(crate) async fn send_mail(
        &self,
        mail: &Mail,
        booking: &Booking,
        version: u64,
    ) -> Result<(), EffectError> {
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
                    // A retry would be rejected too. The address stays out of the log.
                    tracing::error!(
                        booking.id = %booking.id,
                        mail.recipient = mail.recipient.as_str(),
                        ses.code = code,
                        "SES rejected a mail; not retrying"
                    );
                    Ok(())
                }
                Err(error) => Err(EffectError::Mail(error)),
            }
        };
        self.carry_out(booking, Effect { name, version }, sending).await
    }

    /// Updates a booking's entry in the calendar of its staff member, once.
    ///
    /// The entry reflects the current booking, not the record, so a late record does no
    /// harm.
    pub(crate) async fn update_calendar(
        &self,
        booking: &Booking,
        version: u64,
    ) -> Result<(), EffectError> {
        if !self.calendars.has_calendar_for(booking, &self.salon) {
            return Ok(());
        }
        let showing = async {
            let Some(current) = self.store.booking(&booking.id).await? else { return Ok(()) };
            match self.calendars.update_event(&current, &self.salon).await {
                // A retry would be refused too. The owner gets a mail anyway.
                Err(error) if error.retry_after().is_none() => {
                    count(Metric::EntriesRefused);
                    tracing::error!(
                        error.cause = chain(&error),
                        booking.id = %booking.id,
                        "A calendar refused an entry; not retrying"
                    );
                    Ok(())
                }
                shown => shown.map_err(EffectError::Calendar),
            }
        };
        self.carry_out(booking, Effect { name: "calendar", version }, showing).await
    }

    async fn carry_out(
        &self,
        booking: &Booking,
        effect: Effect,
        effect_future: impl Future<Output = Result<(), EffectError>>,
    ) -> Result<(), EffectError> {
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
                    "An earlier attempt was interrupted; repeating the effect, which may now happen twice"
                );
            }
            Claim::Refused => return Err(EffectError::Claimed),
            Claim::Done => return Ok(()),
        }
        if let Err(error) = effect_future.await {
            if error.may_be_repeated() {
                // If this fails, the claim simply expires later.
                let _ = self.store.release_claim(id, effect, until).await;
            }
            return Err(error);
        }
        self.store.mark_done(id, effect, self.clock.now(), expires_at).await?;
        tracing::info!(booking.id = %id, effect.name, effect.version, "Booking effect completed");
        Ok(())
    }
}
