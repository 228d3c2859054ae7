//! Models of Amazon SES and Google Calendar.

use std::time::Duration;

use axum::http::StatusCode;
use openchair::aws::AwsError;
use openchair::calendars::{CalendarError, CalendarWriter, GoogleEvent};
use openchair::ses::{Mailer, SendOutcome};
use salon::booking::BookingId;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::notification_log::{CalendarEvent, NotificationLog};
use crate::decisions::Decisions;
use crate::planted_bug::Bug;
use crate::request_faults::Faults;
use crate::trace::{Trace, short};

const SES: &str = "SES";
/// How long the function waits for an answer: less than it claims an effect for.
const TIMEOUT: Duration = Duration::from_secs(8);

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It does not arrive.
    RequestLost,
    /// It has its effect, but the answer does not arrive.
    AnswerLost,
    RateLimited,
    /// The service fails before the effect.
    FailedBefore,
    /// The service fails after the effect.
    FailedAfter,
}

const FAULTS: [Fault; 5] = [
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::RateLimited,
    Fault::FailedBefore,
    Fault::FailedAfter,
];

impl Fault {
    const fn has_effect(self) -> bool {
        matches!(self, Self::AnswerLost | Self::FailedAfter)
    }

    /// Returns the status of an answer, if there is one.
    const fn status(self) -> Option<StatusCode> {
        match self {
            Self::RequestLost | Self::AnswerLost => None,
            Self::RateLimited => Some(StatusCode::TOO_MANY_REQUESTS),
            Self::FailedBefore | Self::FailedAfter => Some(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// Both services. Its clones are the same services.
#[derive(Clone, Debug)]
pub(crate) struct MailAndCalendars {
    log: NotificationLog,
    faults: Faults,
    bug: Option<Bug>,
    trace: Trace,
}

impl MailAndCalendars {
    pub(crate) fn new(
        decisions: Decisions,
        fault_percent: u8,
        bug: Option<Bug>,
        log: NotificationLog,
        trace: Trace,
    ) -> Self {
        Self { log, faults: Faults::new(decisions, fault_percent), bug, trace }
    }

    /// Lets all later requests succeed.
    pub(super) fn stop_faults(&self) {
        self.faults.stop();
    }

    /// Makes a request. Others may make requests before its effect and before its
    /// answer arrives.
    async fn request(
        &self,
        description: impl Fn() -> String,
        effect: impl FnOnce(),
    ) -> Result<(), Fault> {
        yield_now().await;
        let fault = self.faults.next(&FAULTS);
        if fault.is_none_or(Fault::has_effect) {
            effect();
        }
        self.trace.call(|| match fault {
            None => description(),
            Some(fault) => format!("{} [{fault:?}]", description()),
        });
        yield_now().await;
        fault.map_or(Ok(()), Err)
    }

    async fn request_google(
        &self,
        description: impl Fn() -> String,
        effect: impl FnOnce(),
    ) -> Result<(), CalendarError> {
        self.request(description, effect).await.map_err(|fault| match fault.status() {
            None => CalendarError::Timeout { after: TIMEOUT },
            Some(status) => {
                let status = status.as_u16();
                CalendarError::Refused { status, reason: None, retry_after: None }
            }
        })
    }
}

impl Mailer for MailAndCalendars {
    async fn send(&self, _: &str, mail: &[u8]) -> Result<SendOutcome, AwsError> {
        let id = message_id(mail).unwrap_or_default();
        let description = || format!("SES sends {}", readable(&id));
        let sent = self.request(description, || self.log.entries().add_mail(&id)).await;
        sent.map(|()| SendOutcome::Accepted).map_err(|fault| {
            self.log.entries().interrupt();
            match fault.status() {
                None => AwsError::Timeout { service: SES, after: TIMEOUT },
                Some(status) => {
                    let code = "InjectedFault".to_owned();
                    AwsError::Refused { service: SES, status, code, message: None }
                }
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
            self.log.entries().events.entry(key).or_insert(entry);
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
            if let Some(entry) = self.log.entries().events.get_mut(&key) {
                entry.is_deleted = self.bug != Some(Bug::DeletedEventStays);
            }
        })
        .await
    }
}
