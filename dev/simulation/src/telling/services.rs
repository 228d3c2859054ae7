//! Amazon SES and Google Calendar: models of what is told by them.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use openchair::aws::AwsError;
use openchair::calendars::{CalendarError, CalendarWriter, GoogleEvent};
use openchair::ses::{Mailer, SendOutcome};
use salon::booking::BookingId;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::super::bug::Bug;
use super::super::table::short;
use super::super::trace::Trace;
use super::told::{Entry, Told};

const SES: &str = "SES";
/// How long an answer is waited for: shorter than an effect is claimed.
const DEADLINE: Duration = Duration::from_secs(8);

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It does not arrive.
    Lost,
    /// It has its effect, and the answer does not arrive.
    Unanswered,
    /// There are too many of them.
    RateLimited,
    /// The service fails, without an effect.
    FailedBefore,
    /// The service fails, after the effect.
    FailedAfter,
}

const FAULTS: [Fault; 5] =
    [Fault::Lost, Fault::Unanswered, Fault::RateLimited, Fault::FailedBefore, Fault::FailedAfter];

impl Fault {
    const fn is_after(self) -> bool {
        matches!(self, Self::Unanswered | Self::FailedAfter)
    }

    /// Returns the status of an answer, if there is one.
    const fn status(self) -> Option<StatusCode> {
        match self {
            Self::Lost | Self::Unanswered => None,
            Self::RateLimited => Some(StatusCode::TOO_MANY_REQUESTS),
            Self::FailedBefore | Self::FailedAfter => Some(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// Both services. Its clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    told: Told,
    random: Arc<Mutex<fastrand::Rng>>,
    /// How many of a hundred requests go wrong.
    fault_percent: Arc<AtomicU8>,
    bug: Option<Bug>,
    trace: Trace,
}

impl Services {
    pub(crate) fn new(
        seed: u64,
        fault_percent: u8,
        bug: Option<Bug>,
        told: Told,
        trace: Trace,
    ) -> Self {
        Self {
            told,
            random: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            fault_percent: Arc::new(AtomicU8::new(fault_percent)),
            bug,
            trace,
        }
    }

    /// Lets nothing go wrong any more.
    pub(super) fn recover(&self) {
        self.fault_percent.store(0, Ordering::Relaxed);
    }

    /// Makes a request. Its effect and the arrival of its answer are apart.
    async fn ask(&self, what: impl Fn() -> String, act: impl FnOnce()) -> Result<(), Fault> {
        yield_now().await;
        let fault = self.fault();
        if fault.is_none_or(Fault::is_after) {
            act();
        }
        self.trace.note(|| match fault {
            None => format!("  {}", what()),
            Some(fault) => format!("  {}: {fault:?}", what()),
        });
        yield_now().await;
        fault.map_or(Ok(()), Err)
    }

    fn fault(&self) -> Option<Fault> {
        let percent = self.fault_percent.load(Ordering::Relaxed);
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = percent > 0 && random.u8(0..100) < percent;
        is_due.then(|| FAULTS[random.usize(0..FAULTS.len())])
    }

    async fn ask_google(
        &self,
        what: impl Fn() -> String,
        act: impl FnOnce(),
    ) -> Result<(), CalendarError> {
        self.ask(what, act).await.map_err(|fault| match fault.status() {
            None => CalendarError::Timeout { after: DEADLINE },
            Some(status) => {
                let status = status.as_u16();
                CalendarError::Refused { status, reason: None, retry_after: None }
            }
        })
    }
}

impl Mailer for Services {
    async fn send(&self, _: &str, mail: &[u8]) -> Result<SendOutcome, AwsError> {
        let id = message_id(mail).unwrap_or_default();
        let sent = self.ask(|| format!("SES: {id}"), || self.told.books().taken(&id)).await;
        sent.map(|()| SendOutcome::Accepted).map_err(|fault| {
            self.told.books().cut_off();
            match fault.status() {
                None => AwsError::Timeout { service: SES, after: DEADLINE },
                Some(status) => {
                    let code = "TheSimulationSaysSo".to_owned();
                    AwsError::Refused { service: SES, status, code, message: None }
                }
            }
        })
    }
}

/// Reads who is told what of which booking: the `Message-ID` without its domain.
fn message_id(mail: &[u8]) -> Option<String> {
    let mail = String::from_utf8_lossy(mail);
    let line = mail.lines().find_map(|line| line.strip_prefix("Message-ID: <"))?;
    line.split('@').next().map(str::to_owned)
}

impl CalendarWriter for Services {
    async fn insert(
        &self,
        calendar: &str,
        event: &GoogleEvent,
        _: Instant,
    ) -> Result<(), CalendarError> {
        let what = || format!("Google: {} is in the calendar of {calendar}", short(&event.id));
        self.ask_google(what, || {
            let key = (calendar.to_owned(), event.id.clone());
            let entry = Entry { time: event.time, is_deleted: false };
            // The id of a deleted event stays taken.
            self.told.books().events.entry(key).or_insert(entry);
        })
        .await
    }

    async fn delete(
        &self,
        calendar: &str,
        id: &BookingId,
        _: Instant,
    ) -> Result<(), CalendarError> {
        let what = || format!("Google: {} is not in the calendar of {calendar}", short(id));
        self.ask_google(what, || {
            let key = (calendar.to_owned(), id.clone());
            if let Some(entry) = self.told.books().events.get_mut(&key) {
                entry.is_deleted = self.bug != Some(Bug::DeletedEventStays);
            }
        })
        .await
    }
}
