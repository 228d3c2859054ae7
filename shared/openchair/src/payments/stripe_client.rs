//! The HTTP client for Stripe's API.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use stripe_client_core::{IdempotencyKey, RequestBuilder, StripeMethod, VERSION};
use tokio::time::{Instant, timeout};

use crate::https::{HttpsClient, USER_AGENT_NAME};
use crate::payments::secret_key::SecretKey;
use crate::payments::stripe_base_url::StripeBaseUrl;
use crate::payments::stripe_error::StripeError;
use crate::payments::stripe_response::{self, StripeFailure};
use crate::random::Random;
use crate::retry::{FailedAttempt, Failure, RetryPolicy, millis};
use crate::telemetry::chain;
use crate::telemetry::metrics::{Metric, count};
use crate::time_budget::{STRIPE_ATTEMPT_TIMEOUT, STRIPE_TIMEOUT};

#[cfg(test)]
mod tests;

/// Retries of requests to Stripe. The longest pause is that of Stripe's own
/// libraries.
pub const STRIPE_RETRIES: RetryPolicy = RetryPolicy {
    deadline: STRIPE_TIMEOUT,
    attempt_timeout: STRIPE_ATTEMPT_TIMEOUT,
    attempts: 5,
    backoff_base: Duration::from_millis(200),
    backoff_cap: Duration::from_secs(2),
};

/// A client of Stripe's API. Clones share their connections.
///
/// After a transient failure the same bytes are sent again, as the
/// [`RetryPolicy`] allows. A POST has an idempotency key, so that a repeat has
/// no second effect. A GET needs none
/// (<https://docs.stripe.com/api/idempotent_requests>).
#[derive(Clone)]
pub struct StripeClient {
    http: HttpsClient,
    base: StripeBaseUrl,
    authorization: HeaderValue,
    is_live: bool,
    policy: RetryPolicy,
}

impl StripeClient {
    /// Creates a client. Nothing is sent yet.
    #[must_use]
    pub fn new(key: &SecretKey, base: StripeBaseUrl, policy: RetryPolicy) -> Self {
        let http = HttpsClient::new();
        Self { http, base, authorization: key.authorization(), is_live: key.is_live(), policy }
    }

    /// Returns whether the key moves real money.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.is_live
    }

    /// Opens a connection, so that the first request does not wait for TCP and
    /// TLS.
    ///
    /// Sends `HEAD /` without the key, so it does not count against the
    /// account's limits, and ignores the response. A failure is only logged:
    /// the first request tries again.
    #[expect(clippy::missing_panics_doc, reason = "a StripeBaseUrl is a valid URL")]
    pub async fn connect(&self) {
        let started = Instant::now();
        let request = Request::head(format!("{}/", self.base))
            .header(USER_AGENT, USER_AGENT_NAME)
            .body(Full::default())
            .expect("a StripeBaseUrl is a valid URL");
        let response = timeout(self.policy.attempt_timeout, self.http.send(request)).await;
        let latency_ms = millis(started.elapsed());
        match response {
            Ok(Ok(_)) => {
                tracing::debug!(stripe.latency_ms = latency_ms, "Stripe connection opened");
            }
            Ok(Err(error)) => tracing::warn!(
                error.cause = chain(&error),
                stripe.latency_ms = latency_ms,
                "Stripe connection failed, the first request will retry"
            ),
            Err(_) => tracing::warn!(
                stripe.latency_ms = latency_ms,
                "Stripe connection timed out, the first request will retry"
            ),
        }
    }

    /// Sends a GET. Returns the body of the response.
    pub(super) async fn get(&self, request: RequestBuilder) -> Result<Bytes, StripeError> {
        self.send(self.http_request(request, None)?).await
    }

    /// Sends a POST with an idempotency key. Returns the body of the response.
    pub(super) async fn post(
        &self,
        request: RequestBuilder,
        key: &str,
    ) -> Result<Bytes, StripeError> {
        let key =
            IdempotencyKey::new(key).map_err(|error| StripeError::Unsendable(error.into()))?;
        self.send(self.http_request(request, Some(&key))?).await
    }

    fn http_request(
        &self,
        request: RequestBuilder,
        key: Option<&IdempotencyKey>,
    ) -> Result<Request<Full<Bytes>>, StripeError> {
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut uri = format!("{}/v1{}", self.base, request.path);
        if let Some(query) = request.query.filter(|query| !query.is_empty()) {
            uri.push('?');
            uri.push_str(&query);
        }
        let mut http = Request::builder()
            .method(method)
            .uri(uri)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, USER_AGENT_NAME)
            .header("stripe-version", VERSION.as_str());
        if let Some(key) = key {
            http = http.header("idempotency-key", key.as_str());
        }
        if request.body.is_some() {
            http = http.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        http.body(Full::from(request.body.unwrap_or_default()))
            .map_err(|error| StripeError::Unsendable(error.into()))
    }

    /// Sends a request, and repeats it as the policy allows.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Bytes, StripeError> {
        let request = &request;
        let attempt = |number| async move {
            let started = Instant::now();
            let body = self.attempt(request).await?;
            tracing::debug!(
                stripe.attempt = number,
                stripe.latency_ms = millis(started.elapsed()),
                "Stripe responded"
            );
            Ok(body)
        };
        let timed_out = |after| StripeError::Timeout { after };
        self.policy.run(attempt, timed_out, log_failure).await
    }

    /// Sends a request once.
    async fn attempt(&self, request: &Request<Full<Bytes>>) -> Result<Bytes, StripeFailure> {
        match self.http.send(request.clone()).await {
            Ok(response) => stripe_response::read(response).await,
            Err(error) => Err(Failure::transient(StripeError::Unreachable(error.into()))),
        }
    }
}

/// Logs a failed attempt, and counts rate limits.
fn log_failure(failed: &FailedAttempt<'_, StripeError>) {
    if matches!(failed.error, StripeError::RateLimited { .. }) {
        count(Metric::StripeRateLimited);
    }
    let details = failed.error.details();
    let status = details.map(|details| details.status);
    let request_id = details.and_then(|details| details.request_id.as_deref());
    if let Some(pause) = failed.pause {
        tracing::warn!(
            error.cause = chain(failed.error),
            stripe.attempt = failed.number,
            stripe.latency_ms = millis(failed.latency),
            stripe.pause_ms = millis(pause),
            stripe.status = status,
            stripe.request_id = request_id,
            "Stripe request failed, retrying"
        );
    } else {
        tracing::debug!(
            stripe.attempt = failed.number,
            stripe.latency_ms = millis(failed.latency),
            stripe.status = status,
            stripe.request_id = request_id,
            "Stripe request failed"
        );
    }
}

/// Prints the base URL, and not the key.
impl fmt::Debug for StripeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeClient")
            .field("base", &self.base)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Returns a new idempotency key with 128 random bits.
///
/// The bits come from the operating system's generator. A generator seeded from
/// the clock could return the same key in two containers, and Stripe would give
/// one client's session to another.
pub(super) fn random_key(operation: &str) -> String {
    format!("{operation}-{:032x}", Random::system().bits())
}
