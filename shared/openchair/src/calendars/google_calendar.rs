//! Google Calendar: when somebody is busy, and the events of our bookings.
//!
//! `freeBusy.query` with a service account, whose scope shows busy periods
//! and no event
//! (<https://developers.google.com/workspace/calendar/api/v3/reference/freebusy/query>);
//! and with another scope, for who asks for it, `events.insert` and
//! `events.delete`.

mod access_token;
mod attempts;
mod free_busy;
mod google_base_url;
mod google_event;
mod service_account;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

pub use google_base_url::GoogleBaseUrl;
pub use google_event::{CalendarWriter, GoogleEvent};
pub use service_account::ServiceAccount;

use self::access_token::{AccessToken, Tokens};
use self::attempts::{Attempts, Failure};
use self::free_busy::{FreeBusyQuery, MAX_CALENDARS};
use crate::calendars::calendar_error::CalendarError;
use crate::clock::Clock;
use crate::https::{self, HttpsClient, OUR_NAME};
use salon::interval::{Interval, IntervalSet};

#[cfg(test)]
pub(in crate::calendars) mod tests;

/// The longest answer that is read, in bytes: some 40,000 busy periods.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// What a service account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoogleScope {
    /// See busy periods, and no event.
    FreeBusy,
    /// Make and delete events.
    Events,
}

impl GoogleScope {
    const fn url(self) -> &'static str {
        match self {
            Self::FreeBusy => "https://www.googleapis.com/auth/calendar.freebusy",
            Self::Events => "https://www.googleapis.com/auth/calendar.events",
        }
    }
}

/// Google's calendars, as a service account sees them. Clones share the
/// connections and the access token.
#[derive(Clone)]
pub struct GoogleCalendars {
    client: HttpsClient,
    base: GoogleBaseUrl,
    tokens: Arc<Tokens>,
}

impl GoogleCalendars {
    /// Makes a client that asks for no more than `scope`. Nothing is sent yet.
    ///
    /// With a `subject` the account acts for that person, which the domain's
    /// administrator has to allow; without one it sees the calendars that are
    /// shared with it.
    #[must_use]
    pub fn new(
        client: HttpsClient,
        service_account: ServiceAccount,
        subject: Option<String>,
        base: GoogleBaseUrl,
        scope: GoogleScope,
    ) -> Self {
        let clock = Clock::machine();
        let tokens = Tokens::new(client.clone(), service_account, subject, scope, clock);
        Self { client, base, tokens: Arc::new(tokens) }
    }

    /// Takes the time from another clock. An access token that it holds is
    /// forgotten.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { tokens: Arc::new(self.tokens.with_clock(clock)), ..self }
    }

    /// Reads when any of these calendars, of one person, is busy in `window`.
    ///
    /// One request asks for up to 50 calendars and 60 days, which is more than
    /// a salon's horizon; beyond that there are several, one after the other.
    /// No calendar at all is never busy.
    ///
    /// # Errors
    /// If any of the calendars cannot be read, also where Google says so
    /// inside a 200, or leaves it out; and if the answer is not complete at
    /// `deadline`. What may pass is tried again while there is time.
    pub async fn busy_times(
        &self,
        calendar_ids: &[&str],
        window: Interval<Timestamp>,
        deadline: Instant,
    ) -> Result<IntervalSet<Timestamp>, CalendarError> {
        let begun = Instant::now();
        let answered = async {
            let mut busy = Vec::new();
            for part in free_busy::parts(window) {
                for (index, calendars) in calendar_ids.chunks(MAX_CALENDARS).enumerate() {
                    let first = index * MAX_CALENDARS + 1;
                    let query = FreeBusyQuery { window: part, calendars, first };
                    let call = Call {
                        method: Method::POST,
                        uri: self.base.free_busy(),
                        body: query.to_json(),
                        also_fine: &[],
                    };
                    busy.extend(query.read(&self.ask(&call, deadline).await?)?);
                }
            }
            let all: IntervalSet<_> = busy.into_iter().collect();
            Ok(all.intersection(&std::iter::once(window).collect()))
        };
        timeout_at(deadline, answered)
            .await
            .unwrap_or_else(|_| Err(CalendarError::Timeout { after: begun.elapsed() }))
    }

    /// Calls once, and again where that may help.
    async fn ask(&self, call: &Call, deadline: Instant) -> Result<Bytes, CalendarError> {
        let mut attempts = Attempts::until(deadline);
        let mut renewed = false;
        let mut token = self.tokens.get(deadline).await?;
        loop {
            match self.attempt(call, &token).await {
                Ok(answer) => return Ok(answer),
                Err(Failure { error: CalendarError::Unauthorized { .. }, .. }) if !renewed => {
                    renewed = true;
                    token = self.tokens.renew(&token, deadline).await?;
                }
                Err(failure) => attempts.pause_after(failure).await?,
            }
        }
    }

    async fn attempt(&self, call: &Call, token: &AccessToken) -> Result<Bytes, Failure> {
        let request = Request::builder()
            .method(&call.method)
            .uri(&call.uri)
            .header(AUTHORIZATION, token.authorization())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, OUR_NAME)
            .body(Full::new(call.body.clone()))
            .expect("an address and checked headers make a request");
        let answer = answer(&self.client, request, MAX_ANSWER).await?;
        match answer.status {
            status if status.is_success() || call.also_fine.contains(&status) => Ok(answer.body),
            StatusCode::UNAUTHORIZED => {
                let reason = answer.reason();
                Err(Failure::lasting(CalendarError::Unauthorized { reason }))
            }
            _ => Err(answer.refusal()),
        }
    }
}

/// Shows where the client sends to, and no key.
impl fmt::Debug for GoogleCalendars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleCalendars").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A call of Google's API.
struct Call {
    method: Method,
    uri: Uri,
    body: Bytes,
    /// Statuses of answers that are errors elsewhere.
    also_fine: &'static [StatusCode],
}

/// An answer of Google's, whatever its status.
struct GoogleResponse {
    status: StatusCode,
    retry_after: Option<std::time::Duration>,
    body: Bytes,
}

/// Sends a request once, and reads the answer to its end.
async fn answer(
    client: &HttpsClient,
    request: Request<Full<Bytes>>,
    limit: usize,
) -> Result<GoogleResponse, Failure> {
    let response = client
        .send(request)
        .await
        .map_err(|error| Failure::passing(CalendarError::Unreachable(error.into())))?;
    let (head, body) = response.into_parts();
    let retry_after = https::retry_after(&head.headers);
    let body = match https::read_body(body, limit).await {
        Ok(body) => body,
        // An error keeps its status, whatever became of its page.
        Err(_) if !head.status.is_success() => Bytes::new(),
        Err(error) => {
            let error = CalendarError::of_body(error, limit);
            let passing = matches!(error, CalendarError::Unreachable(_));
            return Err(Failure { error, passing });
        }
    };
    Ok(GoogleResponse { status: head.status, retry_after, body })
}

impl GoogleResponse {
    /// Returns Google's word for an error: of the Calendar API
    /// (`error.errors[0].reason`), or of the token endpoint (`error`).
    fn reason(&self) -> Option<Box<str>> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let error = &body["error"];
        let word = error["errors"][0]["reason"].as_str().or(error["status"].as_str());
        word.or(error.as_str()).and_then(free_busy::word)
    }

    /// Tells a failure that passes from one that stays
    /// (<https://developers.google.com/workspace/calendar/api/guides/errors>).
    fn refusal(self) -> Failure {
        let status = self.status.as_u16();
        let reason = self.reason();
        let passing = match status {
            403 => matches!(
                reason.as_deref(),
                Some("rateLimitExceeded" | "userRateLimitExceeded" | "RESOURCE_EXHAUSTED")
            ),
            429 | 500..=599 => true,
            400..=499 => false,
            _ => {
                let error = format!("status {status} is not one of Google's");
                return Failure::lasting(CalendarError::unreadable(error));
            }
        };
        let retry_after = self.retry_after;
        Failure { error: CalendarError::Refused { status, reason, retry_after }, passing }
    }
}
