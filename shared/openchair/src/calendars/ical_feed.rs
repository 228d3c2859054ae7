//! iCal feeds: calendar files at secret addresses.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION, USER_AGENT,
};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::calendars::calendar_error::CalendarError;
use crate::calendars::calendar_url::{CalendarUrl, CalendarUrlError};
use crate::https::{self, HttpsClient, USER_AGENT_NAME};

#[cfg(test)]
mod tests;

/// The longest feed that is read, in bytes. 5,000 events take about 2 MB.
pub const MAX_FEED: usize = 10 * 1024 * 1024;

/// The largest number of redirects that are followed.
const MAX_REDIRECTS: u32 = 5;

/// The longest validator that is kept, in bytes. It is stored in the table with the reading.
const MAX_VALIDATOR: usize = 512;

/// An iCal feed. Its address is a secret: whoever knows it can read the calendar.
#[derive(Clone)]
pub struct Feed {
    address: CalendarUrl,
    fingerprint: String,
}

/// The `ETag` and `Last-Modified` of a feed's version.
///
/// Validators belong to one address. They are not sent to another feed, whose
/// server could answer "not modified" for a feed that was never read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    feed: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

/// The result of fetching a feed.
#[derive(Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The feed has not changed since the validators were issued.
    NotModified,
    /// The body of the response. It may be any text, such as a login page,
    /// which the feed's parser rejects.
    New {
        body: Bytes,
        /// To be sent with the next request.
        validators: Validators,
    },
}

impl Feed {
    /// Creates a feed from its address: `https`, `webcal`, which means the same,
    /// or `http` to this machine.
    ///
    /// # Errors
    /// If the address is invalid. The message does not contain it.
    pub fn new(address: &SecretString) -> Result<Self, CalendarUrlError> {
        let address = CalendarUrl::parse(address.expose_secret())?;
        // 72 bits are enough to tell a salon's feeds apart. The hash does not
        // reveal the address.
        let hash = digest(&SHA256, address.as_str().as_bytes());
        let fingerprint = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..9]);
        Ok(Self { address, fingerprint })
    }

    /// Returns a short hash of the address, which is not a secret.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Fetches the feed, unless it has not changed since `validators` were
    /// issued.
    ///
    /// The request asks for an uncompressed body, because a limit on the received
    /// bytes would not limit the unpacked ones. An uncompressed feed of 2 MB
    /// arrives well within the deadline. A broken connection is retried once: the
    /// server may have closed a pooled connection.
    ///
    /// # Errors
    /// If the response is neither a 200 nor, with validators, a 304, is longer
    /// than [`MAX_FEED`], or is not complete at `deadline`.
    pub async fn fetch(
        &self,
        client: &HttpsClient,
        validators: Option<&Validators>,
        deadline: Instant,
    ) -> Result<Fetched, CalendarError> {
        let started = Instant::now();
        let validators = validators.filter(|validators| validators.feed == self.fingerprint);
        let fetched = async {
            match self.attempt(client, validators).await {
                Err(CalendarError::Unreachable(_)) => self.attempt(client, validators).await,
                outcome => outcome,
            }
        };
        timeout_at(deadline, fetched)
            .await
            .unwrap_or_else(|_| Err(CalendarError::Timeout { after: started.elapsed() }))
    }

    async fn attempt(
        &self,
        client: &HttpsClient,
        validators: Option<&Validators>,
    ) -> Result<Fetched, CalendarError> {
        let mut address = self.address.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = client
                .send(request(&address, validators))
                .await
                .map_err(|error| CalendarError::Unreachable(error.into()))?;
            match response.status().as_u16() {
                200 => return self.read(response).await,
                304 if validators.is_some_and(Validators::is_present) => {
                    return Ok(Fetched::NotModified);
                }
                301 | 302 | 303 | 307 | 308 => {
                    address = redirect_target(&address, response.headers())?;
                }
                400..=599 => return Err(refused(response.status(), response.headers())),
                status => {
                    let reason = format!("status {status} is unexpected");
                    return Err(CalendarError::unreadable(reason));
                }
            }
        }
        Err(CalendarError::unreadable(format!("it has more than {MAX_REDIRECTS} redirects")))
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Fetched, CalendarError> {
        let (head, body) = response.into_parts();
        let is_identity =
            |coding: &http::HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
        if !head.headers.get_all(CONTENT_ENCODING).iter().all(is_identity) {
            return Err(CalendarError::unreadable("it is compressed"));
        }
        let body = https::read_body(body, MAX_FEED)
            .await
            .map_err(|error| CalendarError::from_body_error(error, MAX_FEED))?;
        let validators = Validators {
            feed: self.fingerprint.clone(),
            etag: validator(&head.headers, &ETAG),
            last_modified: validator(&head.headers, &LAST_MODIFIED),
        };
        Ok(Fetched::New { body, validators })
    }
}

impl Validators {
    fn is_present(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }
}

fn request(address: &CalendarUrl, validators: Option<&Validators>) -> Request<Full<Bytes>> {
    let mut request = Request::get(address.to_uri())
        .header(ACCEPT, "text/calendar, */*;q=0.1")
        .header(ACCEPT_ENCODING, "identity")
        .header(USER_AGENT, USER_AGENT_NAME)
        .body(Full::default())
        .expect("a checked URL and constant headers make a request");
    let conditions = [
        (IF_NONE_MATCH, validators.and_then(|known| known.etag.as_deref())),
        (IF_MODIFIED_SINCE, validators.and_then(|known| known.last_modified.as_deref())),
    ];
    for (name, value) in conditions {
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

fn redirect_target(from: &CalendarUrl, headers: &HeaderMap) -> Result<CalendarUrl, CalendarError> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location =
        location.ok_or_else(|| CalendarError::unreadable("it is a redirect without a target"))?;
    from.redirected(location).map_err(|error| {
        CalendarError::unreadable(format!("it is a redirect to an invalid address: {error}"))
    })
}

fn refused(status: StatusCode, headers: &HeaderMap) -> CalendarError {
    let retry_after = https::retry_after(headers);
    CalendarError::Refused { status: status.as_u16(), reason: None, retry_after }
}

fn validator(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (!value.is_empty() && value.len() <= MAX_VALIDATOR).then(|| value.to_owned())
}

/// Prints the fingerprint, and not the address.
impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Prints the length of the feed, and none of its content.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotModified => f.write_str("NotModified"),
            Self::New { body, validators } => f
                .debug_struct("New")
                .field("bytes", &body.len())
                .field("validators", validators)
                .finish(),
        }
    }
}
