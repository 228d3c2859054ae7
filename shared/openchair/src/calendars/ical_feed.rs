//! iCal feeds: a calendar as a file behind a secret address.

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
use crate::https::{self, HttpsClient, OUR_NAME};

#[cfg(test)]
mod tests;

/// The longest feed that is read, in bytes. 5,000 events have about 2 MB.
pub const MAX_FEED: usize = 10 * 1024 * 1024;

/// How many redirects are followed.
const MAX_REDIRECTS: u32 = 5;

/// The longest validator that is kept, in bytes: it goes into the cache item.
const MAX_VALIDATOR: usize = 512;

/// An iCal feed. Its address is a secret: who knows it reads the calendar.
#[derive(Clone)]
pub struct Feed {
    address: CalendarUrl,
    fingerprint: String,
}

/// What a server says of the version of a feed that it sent.
///
/// They belong to one address: another feed's are not sent, as a server would
/// answer "not modified" of a feed that was never read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    feed: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

/// A feed as it stands.
#[derive(Clone, PartialEq, Eq)]
pub enum Fetched {
    /// As it was when the validators were made.
    NotModified,
    /// Its bytes, whatever they are: a page that says "please log in" is
    /// refused where the feed is parsed.
    New {
        /// The bytes.
        body: Bytes,
        /// What to send along next time.
        validators: Validators,
    },
}

impl Feed {
    /// Makes a feed from its address: `https`, `webcal`, which means the same,
    /// or `http` to this machine.
    ///
    /// # Errors
    /// When the address will not do. It is not in the message.
    pub fn new(address: &SecretString) -> Result<Self, CalendarUrlError> {
        let address = CalendarUrl::parse(address.expose_secret())?;
        // 72 bits tell a salon's feeds apart, and lead back to no address.
        let hash = digest(&SHA256, address.as_str().as_bytes());
        let fingerprint = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..9]);
        Ok(Self { address, fingerprint })
    }

    /// Returns a short text that changes with the address, and is no secret.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Reads the feed, unless it is as it was when `validators` were made.
    ///
    /// It asks for no compression: a limit on the bytes read would then be no
    /// limit on the bytes unpacked, and a feed of 2 MB is read well within the
    /// deadline without it. A connection that breaks is tried once more: one
    /// that was kept may have been closed at the other end meanwhile.
    ///
    /// # Errors
    /// Whatever is neither a 200 nor the 304 that was asked for, is longer than
    /// [`MAX_FEED`], or is not complete at `deadline`.
    pub async fn fetch(
        &self,
        client: &HttpsClient,
        validators: Option<&Validators>,
        deadline: Instant,
    ) -> Result<Fetched, CalendarError> {
        let begun = Instant::now();
        let validators = validators.filter(|known| known.feed == self.fingerprint);
        let fetched = async {
            match self.attempt(client, validators).await {
                Err(CalendarError::Unreachable(_)) => self.attempt(client, validators).await,
                outcome => outcome,
            }
        };
        timeout_at(deadline, fetched)
            .await
            .unwrap_or_else(|_| Err(CalendarError::Timeout { after: begun.elapsed() }))
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
                304 if validators.is_some_and(Validators::say_something) => {
                    return Ok(Fetched::NotModified);
                }
                301 | 302 | 303 | 307 | 308 => {
                    address = redirected(&address, response.headers())?;
                }
                400..=599 => return Err(refused(response.status(), response.headers())),
                status => {
                    let reason = format!("status {status} is not what was asked for");
                    return Err(CalendarError::unreadable(reason));
                }
            }
        }
        Err(CalendarError::unreadable(format!("it has more than {MAX_REDIRECTS} redirects")))
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Fetched, CalendarError> {
        let (head, body) = response.into_parts();
        let plain =
            |coding: &http::HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
        if !head.headers.get_all(CONTENT_ENCODING).iter().all(plain) {
            return Err(CalendarError::unreadable("it is compressed, which was not asked for"));
        }
        let body = https::read_body(body, MAX_FEED)
            .await
            .map_err(|error| CalendarError::of_body(error, MAX_FEED))?;
        let validators = Validators {
            feed: self.fingerprint.clone(),
            etag: validator(&head.headers, &ETAG),
            last_modified: validator(&head.headers, &LAST_MODIFIED),
        };
        Ok(Fetched::New { body, validators })
    }
}

impl Validators {
    fn say_something(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }
}

fn request(address: &CalendarUrl, validators: Option<&Validators>) -> Request<Full<Bytes>> {
    let mut request = Request::get(address.to_uri())
        .header(ACCEPT, "text/calendar, */*;q=0.1")
        .header(ACCEPT_ENCODING, "identity")
        .header(USER_AGENT, OUR_NAME)
        .body(Full::default())
        .expect("an address and constant headers make a request");
    let known = [
        (IF_NONE_MATCH, validators.and_then(|known| known.etag.as_deref())),
        (IF_MODIFIED_SINCE, validators.and_then(|known| known.last_modified.as_deref())),
    ];
    for (name, value) in known {
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

fn redirected(from: &CalendarUrl, headers: &HeaderMap) -> Result<CalendarUrl, CalendarError> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location =
        location.ok_or_else(|| CalendarError::unreadable("it is a redirect to nowhere"))?;
    from.redirected(location).map_err(|error| {
        CalendarError::unreadable(format!(
            "it is a redirect to an address that will not do: {error}"
        ))
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

/// Shows that there is a feed.
impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Shows how long the feed is, and nothing of what is in it.
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
