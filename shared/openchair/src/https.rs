//! HTTPS to all services that functions talk to.
//!
//! One way to connect for all of them: TLS by rustls with ring, HTTP/1.1, and
//! connections that are kept. Mozilla's root certificates are trusted, and for
//! AWS Amazon's alone.

use std::error::Error;
use std::fmt;
#[cfg(any(feature = "calendars", feature = "stripe"))]
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
#[cfg(any(feature = "calendars", feature = "stripe"))]
use http::{HeaderMap, header::RETRY_AFTER};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::builderstates::WantsSchemes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as SendError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::time_budget::CONNECT_TIMEOUT;

/// Time that an unused connection is kept. Longer-idle ones are likely to be
/// closed at the other end, which a frozen function does not notice.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// What we call ourselves in `User-Agent`.
pub(crate) const OUR_NAME: HeaderValue =
    HeaderValue::from_static(concat!("openchair/", env!("CARGO_PKG_VERSION")));

/// A client that keeps its connections. Clones share them.
///
/// It speaks plain HTTP where it is told to: whoever builds a request decides
/// whether its address will do.
#[derive(Clone)]
pub struct HttpsClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl HttpsClient {
    /// Makes a client that trusts Mozilla's list. Nothing is sent yet.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "ring is a provider that rustls knows")]
    pub fn new() -> Self {
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .expect("ring has the cipher suites of TLS 1.2 and 1.3");
        Self::over(tls)
    }

    /// Makes a client that trusts these authorities and no other.
    pub(crate) fn trusting(roots: RootCertStore) -> Self {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("ring has the cipher suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::over(HttpsConnectorBuilder::new().with_tls_config(tls))
    }

    fn over(tls: HttpsConnectorBuilder<WantsSchemes>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = tls.https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(tls);
        Self(client)
    }

    /// Sends a request, and returns as soon as the answer's headers are there.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendError> {
        self.0.request(request).await
    }
}

impl Default for HttpsClient {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsClient").finish_non_exhaustive()
    }
}

/// A body that was not read to its end.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// It is longer than it may be.
    TooLong,
    /// The connection broke.
    Broken(Box<dyn Error + Send + Sync>),
}

/// Reads a body to its end, if it has at most `most` bytes.
pub(crate) async fn read_body(body: Incoming, most: usize) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > most as u64 {
        return Err(BodyError::TooLong);
    }
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLong),
        Err(error) => Err(BodyError::Broken(error)),
    }
}

/// Reads the wait that a server asks for, where it names one in seconds.
#[cfg(any(feature = "calendars", feature = "stripe"))]
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Tells whether a host is this machine, to which plain HTTP is allowed.
#[cfg(any(feature = "calendars", feature = "stripe"))]
pub(crate) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
