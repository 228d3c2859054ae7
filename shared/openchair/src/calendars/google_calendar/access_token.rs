//! Access tokens: what Google lends to whoever can sign for an account.

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
use crate::calendars::google_calendar::attempts::{Attempts, Failure};
use crate::calendars::google_calendar::service_account::ServiceAccount;
use crate::calendars::google_calendar::{GoogleResponse, GoogleScope, answer};
use crate::clock::Clock;
use crate::https::{HttpsClient, OUR_NAME};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A token is not used in its last minutes: it must outlive the request.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// The account's access token, fetched when it is needed.
pub(super) struct Tokens {
    client: HttpsClient,
    account: ServiceAccount,
    subject: Option<String>,
    scope: GoogleScope,
    clock: Clock,
    /// Locked while a token is fetched: the others wait for that one.
    current: Mutex<Option<AccessToken>>,
}

/// An access token, as a header that no log shows.
#[derive(Clone)]
pub(super) struct AccessToken(Arc<Token>);

struct Token {
    authorization: HeaderValue,
    good_until: Timestamp,
}

impl AccessToken {
    pub(super) fn authorization(&self) -> HeaderValue {
        self.0.authorization.clone()
    }
}

impl Tokens {
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

    /// Returns a token that is still good, fetching one if need be.
    pub(super) async fn get(&self, deadline: Instant) -> Result<AccessToken, CalendarError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(token) if self.clock.now() < token.0.good_until => Ok(token.clone()),
            _ => Ok(current.insert(self.fetch(deadline).await?).clone()),
        }
    }

    /// Returns a token other than the one that was refused, fetching one if
    /// nobody has done so since.
    pub(super) async fn renew(
        &self,
        refused: &AccessToken,
        deadline: Instant,
    ) -> Result<AccessToken, CalendarError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(token) if !Arc::ptr_eq(&token.0, &refused.0) => Ok(token.clone()),
            _ => Ok(current.insert(self.fetch(deadline).await?).clone()),
        }
    }

    async fn fetch(&self, deadline: Instant) -> Result<AccessToken, CalendarError> {
        let mut attempts = Attempts::until(deadline);
        loop {
            match self.attempt().await {
                Ok(token) => return Ok(token),
                Err(failure) => attempts.pause_after(failure).await?,
            }
        }
    }

    async fn attempt(&self) -> Result<AccessToken, Failure> {
        let now = self.clock.now();
        let assertion = self.account.assertion(self.subject.as_deref(), self.scope, now);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE)
            .append_pair("assertion", &assertion)
            .finish();
        let request = Request::post(self.account.token_uri())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, OUR_NAME)
            .body(Full::new(Bytes::from(form)))
            .expect("an address and constant headers make a request");
        let answer = answer(&self.client, request, MAX_ANSWER).await?;
        if answer.status == StatusCode::OK {
            return read(&answer, now).map_err(Failure::lasting);
        }
        let failure = answer.refusal();
        Err(match failure.error {
            CalendarError::Refused { status: 400 | 401 | 403, reason, .. } if !failure.passing => {
                Failure::lasting(CalendarError::Unauthorized { reason })
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

/// Reads the answer of the token endpoint
/// (<https://www.rfc-editor.org/rfc/rfc6749#section-5.1>).
fn read(answer: &GoogleResponse, now: Timestamp) -> Result<AccessToken, CalendarError> {
    // The parser's message may quote the token.
    let unreadable = || CalendarError::unreadable("not an access token");
    let lent: TokenResponse = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
    if lent.access_token.is_empty() || !lent.token_type.eq_ignore_ascii_case("bearer") {
        return Err(unreadable());
    }
    let mut authorization =
        HeaderValue::try_from(format!("Bearer {}", lent.access_token)).map_err(|_| unreadable())?;
    authorization.set_sensitive(true);
    let life = SignedDuration::from_secs(lent.expires_in).saturating_sub(MARGIN);
    let good_until = now.checked_add(life).map_err(|_| unreadable())?;
    Ok(AccessToken(Arc::new(Token { authorization, good_until })))
}

/// Shows until when a token is used, and not the token.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("good_until", &self.0.good_until)
            .finish_non_exhaustive()
    }
}
