//! Google Calendar: reads when somebody is busy, and writes bookings as events.
//!
//! Busy times come from `freeBusy.query`
//! (<https://developers.google.com/workspace/calendar/api/v3/reference/freebusy/query>),
//! with a service account whose scope shows busy periods and no events. Events
//! are written with `events.insert` and `events.delete`, which need another
//! scope.

mod access_token;
mod free_busy;
mod google_base_url;
mod google_event;
mod google_response;
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

use self::access_token::{AccessToken, AccessTokens};
use self::free_busy::{FreeBusyQuery, MAX_CALENDARS};
use self::google_response::{GoogleFailure, GoogleResponse, log_failure, retries_until};
use crate::calendars::calendar_error::CalendarError;
use crate::clock::Clock;
use crate::https::{HttpsClient, USER_AGENT_NAME};
use crate::retry::Failure;
use salon::interval::{Interval, IntervalSet};

#[cfg(test)]
pub(in crate::calendars) mod tests;

/// The longest response that is read, in bytes: about 40,000 busy periods.
const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// The OAuth scope of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoogleScope {
    /// Read busy periods, and no events.
    FreeBusy,
    /// Create and delete events.
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

/// A client of the Google Calendar API that acts as a service account. Clones
/// share the connections and the access token.
#[derive(Clone)]
pub struct GoogleCalendars {
    client: HttpsClient,
    base: GoogleBaseUrl,
    tokens: Arc<AccessTokens>,
}

impl GoogleCalendars {
    /// Creates a client with one scope. Nothing is sent yet.
    ///
    /// With a `subject` the account acts for that person, which the domain's
    /// administrator has to allow. Without one it sees the calendars that are
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
        let tokens = AccessTokens::new(client.clone(), service_account, subject, scope, clock);
        Self { client, base, tokens: Arc::new(tokens) }
    }

    /// Replaces the clock. The client forgets its access token.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { tokens: Arc::new(self.tokens.with_clock(clock)), ..self }
    }

    /// Reads when any of one person's calendars is busy in `window`.
    ///
    /// One request covers up to 50 calendars and 60 days, which is more than a
    /// salon's horizon. Beyond that there are several requests, one after the
    /// other. Without calendars the result is empty.
    ///
    /// # Errors
    /// If one of the calendars cannot be read, even if Google reports that
    /// inside a 200 or omits the calendar, or if the response is not complete
    /// at `deadline`. Transient failures are retried.
    pub async fn busy_times(
        &self,
        calendar_ids: &[&str],
        window: Interval<Timestamp>,
        deadline: Instant,
    ) -> Result<IntervalSet<Timestamp>, CalendarError> {
        let read_all = async {
            let mut busy = Vec::new();
            for part in free_busy::split_window(window) {
                for (index, calendars) in calendar_ids.chunks(MAX_CALENDARS).enumerate() {
                    let first_number = index * MAX_CALENDARS + 1;
                    let query = FreeBusyQuery { window: part, calendars, first_number };
                    let call = ApiCall {
                        method: Method::POST,
                        uri: self.base.free_busy(),
                        body: query.to_json(),
                        accepted_errors: &[],
                    };
                    busy.extend(query.parse_response(&self.call(&call, deadline).await?)?);
                }
            }
            let all: IntervalSet<_> = busy.into_iter().collect();
            Ok(all.intersection(&std::iter::once(window).collect()))
        };
        within(deadline, read_all).await
    }

    /// Makes a call, and retries transient failures. A rejected access token is
    /// renewed once.
    async fn call(&self, call: &ApiCall, deadline: Instant) -> Result<Bytes, CalendarError> {
        let token = self.tokens.get(deadline).await?;
        match self.call_with(call, &token, deadline).await {
            Err(CalendarError::Unauthorized { .. }) => {
                let token = self.tokens.renew(&token, deadline).await?;
                self.call_with(call, &token, deadline).await
            }
            outcome => outcome,
        }
    }

    async fn call_with(
        &self,
        call: &ApiCall,
        token: &AccessToken,
        deadline: Instant,
    ) -> Result<Bytes, CalendarError> {
        let started = Instant::now();
        let attempt = |_| self.attempt(call, token);
        let timed_out = |_| CalendarError::Timeout { after: started.elapsed() };
        retries_until(deadline).run(attempt, timed_out, log_failure).await
    }

    /// Makes a call once.
    async fn attempt(&self, call: &ApiCall, token: &AccessToken) -> Result<Bytes, GoogleFailure> {
        let request = Request::builder()
            .method(&call.method)
            .uri(&call.uri)
            .header(AUTHORIZATION, token.authorization())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, USER_AGENT_NAME)
            .body(Full::new(call.body.clone()))
            .expect("a checked URL and valid headers make a request");
        let response = GoogleResponse::fetch(&self.client, request, MAX_RESPONSE).await?;
        match response.status {
            status if status.is_success() || call.accepted_errors.contains(&status) => {
                Ok(response.body)
            }
            StatusCode::UNAUTHORIZED => {
                let reason = response.reason();
                Err(Failure::permanent(CalendarError::Unauthorized { reason }))
            }
            _ => Err(response.into_failure()),
        }
    }
}

/// Prints the base URL, and not the key.
impl fmt::Debug for GoogleCalendars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleCalendars").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A call of the Calendar API.
struct ApiCall {
    method: Method,
    uri: Uri,
    body: Bytes,
    /// Error statuses that mean success for this call.
    accepted_errors: &'static [StatusCode],
}

/// Ends `work` at `deadline`.
async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, CalendarError>>,
) -> Result<T, CalendarError> {
    let started = Instant::now();
    timeout_at(deadline, work)
        .await
        .unwrap_or_else(|_| Err(CalendarError::Timeout { after: started.elapsed() }))
}
