//! Google's responses, and the retries of requests to Google.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::time::Instant;

use crate::calendars::calendar_error::CalendarError;
use crate::https::{self, HttpsClient};
use crate::retry::{FailedAttempt, Failure, RetryPolicy, millis};
use crate::telemetry::chain;

/// A failed attempt at a request to Google.
pub(super) type GoogleFailure = Failure<CalendarError>;

/// Returns the retries of a request that must be complete at `deadline`. The
/// pauses are short, because a reader has about two seconds in all.
pub(super) fn retries_until(deadline: Instant) -> RetryPolicy {
    let time_left = deadline.saturating_duration_since(Instant::now());
    RetryPolicy {
        deadline: time_left,
        attempt_timeout: time_left,
        attempts: 4,
        backoff_base: Duration::from_millis(100),
        backoff_cap: Duration::from_millis(800),
    }
}

/// Logs a failed attempt that is retried.
pub(super) fn log_failure(failed: &FailedAttempt<'_, CalendarError>) {
    let Some(pause) = failed.pause else { return };
    tracing::debug!(
        error.cause = chain(failed.error),
        google.attempt = failed.number,
        google.latency_ms = millis(failed.latency),
        google.pause_ms = millis(pause),
        "Google request failed, retrying"
    );
}

/// A complete response, with any status.
pub(super) struct GoogleResponse {
    pub(super) status: StatusCode,
    retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

impl GoogleResponse {
    /// Sends a request once, and reads the response. `max_bytes` limits its
    /// body.
    pub(super) async fn fetch(
        client: &HttpsClient,
        request: Request<Full<Bytes>>,
        max_bytes: usize,
    ) -> Result<Self, GoogleFailure> {
        let response = client
            .send(request)
            .await
            .map_err(|error| Failure::transient(CalendarError::Unreachable(error.into())))?;
        let (head, body) = response.into_parts();
        let retry_after = https::retry_after(&head.headers);
        let body = match https::read_body(body, max_bytes).await {
            Ok(body) => body,
            // The status of an error is enough.
            Err(_) if !head.status.is_success() => Bytes::new(),
            Err(error) => {
                let error = CalendarError::from_body_error(error, max_bytes);
                let is_transient = matches!(error, CalendarError::Unreachable(_));
                return Err(Failure { error, is_transient, retry_after: None });
            }
        };
        Ok(Self { status: head.status, retry_after, body })
    }

    /// Returns Google's error code: of the Calendar API
    /// (`error.errors[0].reason`), or of the token endpoint (`error`).
    pub(super) fn reason(&self) -> Option<Box<str>> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let error = &body["error"];
        let code = error["errors"][0]["reason"].as_str().or(error["status"].as_str());
        code.or(error.as_str()).and_then(error_code)
    }

    /// Classifies an error response as a transient or permanent failure
    /// (<https://developers.google.com/workspace/calendar/api/guides/errors>).
    pub(super) fn into_failure(self) -> GoogleFailure {
        let status = self.status.as_u16();
        let reason = self.reason();
        let is_transient = match status {
            403 => matches!(
                reason.as_deref(),
                Some("rateLimitExceeded" | "userRateLimitExceeded" | "RESOURCE_EXHAUSTED")
            ),
            429 | 500..=599 => true,
            400..=499 => false,
            _ => {
                let error = format!("Google does not document status {status}");
                return Failure::permanent(CalendarError::unreadable(error));
            }
        };
        let retry_after = self.retry_after;
        let error = CalendarError::Refused { status, reason, retry_after };
        Failure { error, is_transient, retry_after }
    }
}

/// Returns an error code of Google's, if `text` is one: letters, digits and
/// `_`. A sentence might quote the request.
pub(super) fn error_code(text: &str) -> Option<Box<str>> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    ((1..=40).contains(&text.len()) && text.bytes().all(is_allowed)).then(|| text.into())
}
