//! Models of Amazon SES and Google Calendar.

use std::time::Duration;

use axum::http::StatusCode;
use openchair::aws::AwsError;
use openchair::calendars::{CalendarError, CalendarWriter, GoogleEvent};
use openchair::ses::{Mailer, SendOutcome};
use salon::booking::BookingId;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::notification_log::CalendarEvent;
use crate::decisions::Decisions;
use crate::planted_bug::Bug;
use crate::request_faults::{Fault, Faults};
use crate::system::Shared;
use crate::trace::short;

/// How long the function waits for an answer: less than it claims an effect for.
const TIMEOUT: Duration = Duration::from_secs(8);

const FAULTS: [Fault; 5] = [
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::RateLimited,
    Fault::FailedBefore,
    Fault::FailedAfter,
];

/// Both services. Its clones are the same services.
#[derive(Clone, Debug)]
pub(crate) struct MailAndCalendars {
    pub(crate) faults: Faults,
    shared: Shared,
}

impl MailAndCalendars {
    pub(crate) fn new(decisions: Decisions, fault_percent: u8, shared: Shared) -> Self {
        Self { faults: Faults::new(decisions, fault_percent), shared }
    }

    /// Makes a request. Others may make requests before its effect and before its
    /// answer arrives.
    ///
    /// # Errors
    /// The status of the answer, or `None` when no answer arrives.
    async fn request(
        &self,
        description: impl Fn() -> String,
        effect: impl FnOnce(),
    ) -> Result<(), Option<StatusCode>> {
        yield_now().await;
        let fault = self.faults.next(&FAULTS);
        if matches!(fault, None | Some(Fault::AnswerLost | Fault::FailedAfter)) {
            effect();
        }
        self.shared.trace.call(|| match fault {
            None => description(),
            Some(fault) => format!("{} [{fault:?}]", description()),
        });
        yield_now().await;
        match fault {
            None => Ok(()),
            Some(Fault::RequestLost | Fault::AnswerLost) => Err(None),
            Some(Fault::RateLimited) => Err(Some(StatusCode::TOO_MANY_REQUESTS)),
            Some(_) => Err(Some(StatusCode::INTERNAL_SERVER_ERROR)),
        }
    }

    async fn request_google(
        &self,
        description: impl Fn() -> String,
        effect: impl FnOnce(),
    ) -> Result<(), CalendarError> {
        self.request(description, effect).await.map_err(|status| {
            match status.map(|it| it.as_u16()) {
                None => CalendarError::Timeout { after: TIMEOUT },
                Some(status) => CalendarError::Refused { status, reason: None, retry_after: None },
            }
        })
    }
}

impl Mailer for MailAndCalendars {
    async fn send(&self, _: &str, mail: &[u8]) -> Result<SendOutcome, AwsError> {
        let id = message_id(mail).unwrap_or_default();
        let description = || format!("SES sends {}", readable(&id));
        let sent = self.request(description, || self.shared.log().add_mail(&id)).await;
        sent.map(|()| SendOutcome::Accepted).map_err(|status| {
            self.shared.log().interrupt();
            let (service, code) = ("SES", "InjectedFault".to_owned());
            match status {
                None => AwsError::Timeout { service, after: TIMEOUT },
                Some(status) => AwsError::Refused { service, status, code, message: None },
            }
        })
    }
}

/// Returns the `Message-ID` without its domain: the booking, the news and the
/// recipient.
fn message_id(mail: &[u8]) -> Option<String> {
    let mail = String::from_utf8_lossy(mail);
    let line = mail.lines().find_map(|line| line.strip_prefix("Message-ID: <"))?;
    line.split('@').next().map(str::to_owned)
}

/// Returns the id of a mail with a short booking id.
pub(super) fn readable(id: &str) -> String {
    match id.split_once('.') {
        Some((booking, rest)) => format!("{}.{rest}", &booking[..booking.len().min(4)]),
        None => id.to_owned(),
    }
}

impl CalendarWriter for MailAndCalendars {
    async fn insert(
        &self,
        calendar: &str,
        event: &GoogleEvent,
        _: Instant,
    ) -> Result<(), CalendarError> {
        let description = || format!("Google adds {} to calendar {calendar}", short(&event.id));
        self.request_google(description, || {
            let key = (calendar.to_owned(), event.id.clone());
            let entry = CalendarEvent { time: event.time, is_deleted: false };
            // The id of a deleted event cannot be used again.
            self.shared.log().events.entry(key).or_insert(entry);
        })
        .await
    }

    async fn delete(
        &self,
        calendar: &str,
        id: &BookingId,
        _: Instant,
    ) -> Result<(), CalendarError> {
        let description = || format!("Google deletes {} from calendar {calendar}", short(id));
        self.request_google(description, || {
            let key = (calendar.to_owned(), id.clone());
            if let Some(entry) = self.shared.log().events.get_mut(&key) {
                entry.is_deleted = self.shared.bug != Some(Bug::DeletedEventStays);
            }
        })
        .await
    }
}
