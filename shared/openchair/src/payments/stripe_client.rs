//! The connection to Stripe: kept open, and patient for a bounded time.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use stripe_client_core::{IdempotencyKey, RequestBuilder, StripeMethod, VERSION};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::https::{HttpsClient, OUR_NAME};
use crate::payments::retry::{Failure, RetryPolicy};
use crate::payments::secret_key::SecretKey;
use crate::payments::stripe_base_url::StripeBaseUrl;
use crate::payments::stripe_error::StripeError;
use crate::payments::stripe_response;
use crate::random::Random;
use crate::telemetry::metrics::{Metric, count};

#[cfg(test)]
mod tests;

/// A client of Stripe's API. Clones share their connections.
///
/// A request is repeated after a failure that may pass, with the same bytes,
/// until the [`RetryPolicy`] ends it. What writes has an idempotency key, so
/// that a repeat has no second effect; what reads takes none
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
    /// Makes a client. Nothing is sent yet.
    #[must_use]
    pub fn new(key: &SecretKey, base: StripeBaseUrl, policy: RetryPolicy) -> Self {
        let http = HttpsClient::new();
        Self { http, base, authorization: key.authorization(), is_live: key.is_live(), policy }
    }

    /// Tells whether the key moves real money.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.is_live
    }

    /// Opens a connection, so that the first request waits for no TCP and TLS.
    ///
    /// Asks for `HEAD /` without the key, which counts against no limit of the
    /// account; any answer will do. A failure is logged and nothing more: the
    /// first request tries again.
    #[expect(clippy::missing_panics_doc, reason = "a StripeBaseUrl is an address")]
    pub async fn connect(&self) {
        let begun = Instant::now();
        let request = Request::head(format!("{}/", self.base))
            .header(USER_AGENT, OUR_NAME)
            .body(Full::default())
            .expect("the base was checked to be an address");
        let answer = timeout(self.policy.attempt_timeout, self.http.send(request)).await;
        let latency_ms = millis(begun.elapsed());
        match answer {
            Ok(Ok(_)) => {
                tracing::debug!(stripe.latency_ms = latency_ms, "Opened a connection to Stripe.");
            }
            Ok(Err(error)) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                stripe.latency_ms = latency_ms,
                "Could not connect to Stripe; the first request will try again."
            ),
            Err(_) => tracing::warn!(
                stripe.latency_ms = latency_ms,
                "Stripe did not take a connection in time; the first request will try again."
            ),
        }
    }

    /// Reads, and returns the answer's body.
    pub(super) async fn get(&self, request: RequestBuilder) -> Result<Bytes, StripeError> {
        self.send(self.http_request(request, None)?).await
    }

    /// Writes under an idempotency key, and returns the answer's body.
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
            .header(USER_AGENT, OUR_NAME)
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

    /// Sends a request until it is answered, or the policy ends it.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Bytes, StripeError> {
        let deadline = Instant::now() + self.policy.deadline;
        let mut random = fastrand::Rng::new();
        let mut attempt = 1;
        loop {
            let begun = Instant::now();
            let outcome = self.attempt(&request, deadline).await;
            let latency_ms = millis(begun.elapsed());
            let failure = match outcome {
                Ok(body) => {
                    tracing::debug!(
                        stripe.attempt = attempt,
                        stripe.latency_ms = latency_ms,
                        "Stripe answered."
                    );
                    return Ok(body);
                }
                Err(failure) => failure,
            };
            if matches!(failure.error, StripeError::RateLimited { .. }) {
                count(Metric::StripeRateLimited);
            }
            let answer = failure.error.answer();
            tracing::debug!(
                stripe.attempt = attempt,
                stripe.latency_ms = latency_ms,
                stripe.status = answer.map(|answer| answer.status),
                stripe.request_id = answer.and_then(|answer| answer.request_id.as_deref()),
                "A request to Stripe failed."
            );
            let pause = self.policy.pause(attempt, failure.retry_after, &mut random);
            let too_late = pause >= deadline.saturating_duration_since(Instant::now());
            if !failure.passing || attempt >= self.policy.attempts || too_late {
                return Err(failure.error);
            }
            tracing::warn!(
                error = &failure.error as &dyn std::error::Error,
                stripe.attempt = attempt,
                stripe.latency_ms = latency_ms,
                stripe.pause_ms = millis(pause),
                stripe.status = answer.map(|answer| answer.status),
                stripe.request_id = answer.and_then(|answer| answer.request_id.as_deref()),
                "Repeating a request to Stripe."
            );
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// Sends a request once.
    async fn attempt(
        &self,
        request: &Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Bytes, Failure> {
        let begun = Instant::now();
        let answered = async {
            let response = self.http.send(request.clone()).await;
            match response {
                Ok(response) => stripe_response::read(response).await,
                Err(error) => Err(Failure::passing(StripeError::Unreachable(error.into()))),
            }
        };
        timeout_at(deadline.min(begun + self.policy.attempt_timeout), answered)
            .await
            .unwrap_or_else(|_| {
                let after = begun.elapsed();
                Err(Failure::passing(StripeError::Timeout { after }))
            })
    }
}

/// Shows where the client sends to, and no key.
impl fmt::Debug for StripeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeClient")
            .field("base", &self.base)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Makes an idempotency key that nobody has used: 128 random bits.
///
/// From the operating system's generator: one seeded from the clock could draw
/// the same key in two containers, and Stripe would hand one client's session
/// to another.
pub(super) fn random_key(operation: &str) -> String {
    format!("{operation}-{:032x}", Random::system().bits())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
