//! OAuth access tokens for a service account.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::calendars::calendar_error::CalendarError;
use crate::calendars::google_calendar::GoogleScope;
use crate::calendars::google_calendar::google_response::{
    GoogleFailure, GoogleResponse, log_failure, retries_until,
};
use crate::calendars::google_calendar::service_account::ServiceAccount;
use crate::clock::Clock;
use crate::https::{HttpsClient, USER_AGENT_NAME};
use crate::retry::Failure;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A token is not used in the last minutes of its life: it must outlive the
/// request.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The longest response that is read, in bytes.
const MAX_RESPONSE: usize = 64 * 1024;

/// Fetches an account's access token when it is needed, and keeps it until it
/// expires.
pub(super) struct AccessTokens {
    client: HttpsClient,
    account: ServiceAccount,
    subject: Option<String>,
    scope: GoogleScope,
    clock: Clock,
    /// Locked while a token is fetched, so that all callers wait for one fetch.
    current: Mutex<Option<AccessToken>>,
}

/// An access token as a header. No log shows it.
#[derive(Clone)]
pub(super) struct AccessToken(Arc<Token>);

struct Token {
    authorization: HeaderValue,
    valid_until: Timestamp,
}

impl AccessToken {
    pub(super) fn authorization(&self) -> HeaderValue {
        self.0.authorization.clone()
    }
}

impl AccessTokens {
    pub(super) fn new(
        client: HttpsClient,
        account: ServiceAccount,
        subject: Option<String>,
        scope: GoogleScope,
        clock: Clock,
    ) -> Self {
        Self { client, account, subject, scope, clock, current: Mutex::default() }
    }

    pub(super) fn with_clock(&self, clock: Clock) -> Self {
        Self::new(
            self.client.clone(),
            self.account.clone(),
            self.subject.clone(),
            self.scope,
            clock,
        )
    }

    /// Returns a valid token. Fetches one if there is none.
    pub(super) async fn get(&self, deadline: Instant) -> Result<AccessToken, CalendarError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(token) if self.clock.now() < token.0.valid_until => Ok(token.clone()),
            _ => Ok(current.insert(self.fetch(deadline).await?).clone()),
        }
    }

    /// Returns another token than the rejected one. Fetches one unless another
    /// caller already has.
    pub(super) async fn renew(
        &self,
        rejected: &AccessToken,
        deadline: Instant,
    ) -> Result<AccessToken, CalendarError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(token) if !Arc::ptr_eq(&token.0, &rejected.0) => Ok(token.clone()),
            _ => Ok(current.insert(self.fetch(deadline).await?).clone()),
        }
    }

    async fn fetch(&self, deadline: Instant) -> Result<AccessToken, CalendarError> {
        let started = Instant::now();
        let attempt = |_| self.attempt();
        let timed_out = |_| CalendarError::Timeout { after: started.elapsed() };
        retries_until(deadline).run(attempt, timed_out, log_failure).await
    }

    async fn attempt(&self) -> Result<AccessToken, GoogleFailure> {
        let now = self.clock.now();
        let assertion = self.account.assertion(self.subject.as_deref(), self.scope, now);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE)
            .append_pair("assertion", &assertion)
            .finish();
        let request = Request::post(self.account.token_uri())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, USER_AGENT_NAME)
            .body(Full::new(Bytes::from(form)))
            .expect("a checked URL and constant headers make a request");
        let response = GoogleResponse::fetch(&self.client, request, MAX_RESPONSE).await?;
        if response.status == StatusCode::OK {
            return parse_token(&response, now).map_err(Failure::permanent);
        }
        let failure = response.into_failure();
        Err(match failure.error {
            CalendarError::Refused { status: 400 | 401 | 403, reason, .. }
                if !failure.is_transient =>
            {
                Failure::permanent(CalendarError::Unauthorized { reason })
            }
            _ => failure,
        })
    }
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    token_type: String,
    expires_in: i64,
}

/// Parses the response of the token endpoint
/// (<https://www.rfc-editor.org/rfc/rfc6749#section-5.1>).
fn parse_token(response: &GoogleResponse, now: Timestamp) -> Result<AccessToken, CalendarError> {
    // The parser's message may quote the token.
    let unreadable = || CalendarError::unreadable("not an access token");
    let token: TokenResponse = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
    if token.access_token.is_empty() || !token.token_type.eq_ignore_ascii_case("bearer") {
        return Err(unreadable());
    }
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.access_token))
        .map_err(|_| unreadable())?;
    authorization.set_sensitive(true);
    let lifetime = SignedDuration::from_secs(token.expires_in).saturating_sub(EXPIRY_MARGIN);
    let valid_until = now.checked_add(lifetime).map_err(|_| unreadable())?;
    Ok(AccessToken(Arc::new(Token { authorization, valid_until })))
}

/// Prints the end of the token's validity, and not the token.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("valid_until", &self.0.valid_until)
            .finish_non_exhaustive()
    }
}
