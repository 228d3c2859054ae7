//! The HTTPS client for all external services.
//!
//! TLS with rustls and ring, HTTP/1.1, pooled connections. Clients trust
//! Mozilla's root certificates. The clients of AWS trust only Amazon's.

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

/// Time for which an idle connection is kept. The server is likely to close an
/// older one, and a frozen function does not notice.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// The value of the `User-Agent` header.
pub(crate) const USER_AGENT_NAME: HeaderValue =
    HeaderValue::from_static(concat!("openchair/", env!("CARGO_PKG_VERSION")));

/// An HTTPS client with a pool of connections. Clones share the pool.
///
/// It sends plain HTTP to `http` URLs: the caller must check which URLs are
/// allowed.
#[derive(Clone)]
pub struct HttpsClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl HttpsClient {
    /// Creates a client that trusts Mozilla's root certificates. Nothing is sent
    /// yet.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "ring supports the protocol versions of rustls")]
    pub fn new() -> Self {
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .expect("ring has the cipher suites of TLS 1.2 and 1.3");
        Self::with_tls(tls)
    }

    /// Creates a client that trusts only these root certificates.
    pub(crate) fn with_roots(roots: RootCertStore) -> Self {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("ring has the cipher suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::with_tls(HttpsConnectorBuilder::new().with_tls_config(tls))
    }

    fn with_tls(tls: HttpsConnectorBuilder<WantsSchemes>) -> Self {
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

    /// Sends a request. Returns when the headers of the response have arrived.
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

/// A body that could not be read completely.
#[derive(Debug)]
pub(crate) enum BodyError {
    TooLong,
    Broken(Box<dyn Error + Send + Sync>),
}

/// Reads a body of at most `max_bytes`.
pub(crate) async fn read_body(body: Incoming, max_bytes: usize) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(BodyError::TooLong);
    }
    match Limited::new(body, max_bytes).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLong),
        Err(error) => Err(BodyError::Broken(error)),
    }
}

/// Returns the wait in `Retry-After`, if it is in seconds.
#[cfg(any(feature = "calendars", feature = "stripe"))]
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Returns whether a host is this machine. Plain HTTP is allowed to it.
#[cfg(any(feature = "calendars", feature = "stripe"))]
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
