//! Stripe's error responses. Types and codes are Stripe's
//! (<https://docs.stripe.com/api/errors>); the messages are the sandbox's own.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const RATE_LIMITED_REASON: HeaderName = HeaderName::from_static("stripe-rate-limited-reason");
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    /// Whether the request failed before execution. Stripe does not save such a response under
    /// the idempotency key.
    pub(super) before_execution: bool,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
}

impl ApiError {
    /// Refuses the whole request before execution.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            before_execution: true,
            kind: "invalid_request_error",
            code: None,
            message: message.into(),
            param: None,
        }
    }

    /// Refuses a parameter before execution.
    pub(super) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::malformed(message) }
    }

    pub(super) fn missing(param: impl Into<String>) -> Self {
        let param = param.into();
        let message = format!("The parameter {param} is required.");
        Self::invalid(param, message).coded("parameter_missing")
    }

    /// Refuses the request during execution. The response is saved under the idempotency key.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { before_execution: false, ..Self::malformed(message) }
    }

    pub(super) fn no_such(object: &str, param: &str, id: &str) -> Self {
        Self::refused(format!("There is no {object} {id}.")).of(param).coded("resource_missing")
    }

    pub(super) fn no_key() -> Self {
        let message = "You did not provide an API key. Send a secret or restricted key as: \
                       Authorization: Bearer sk_test_…";
        Self::malformed(message).with_status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn invalid_key(key: &str) -> Self {
        Self::malformed(format!("Invalid API Key provided: {}", redacted(key)))
            .with_status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn live_key() -> Self {
        let message = "This is the payment sandbox, which moves no real money: it accepts keys \
                       of test mode only (sk_test_… or rk_test_…), not a live key.";
        Self::malformed(message).with_status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn right_missing(key: &str, right: &str) -> Self {
        let message = format!(
            "The provided key '{}' does not have the required permissions for this endpoint. \
             Having the '{right}' permission would allow this request to continue.",
            redacted(key)
        );
        Self::malformed(message).with_status(StatusCode::FORBIDDEN)
    }

    pub(super) fn rate_limited() -> Self {
        Self::malformed("Too many requests per second. Back off, then try again.")
            .coded("rate_limit")
            .with_status(StatusCode::TOO_MANY_REQUESTS)
    }

    pub(super) fn key_in_use(key: &str) -> Self {
        Self::malformed(format!("A request with the idempotency key {key} is still running."))
            .coded("idempotency_key_in_use")
            .with_status(StatusCode::CONFLICT)
    }

    pub(super) fn key_mismatch(key: &str) -> Self {
        let message = format!("The idempotency key {key} was first used for another request.");
        Self { kind: "idempotency_error", ..Self::malformed(message) }
    }

    pub(super) fn internal(message: &str) -> Self {
        let error = Self::refused(message).with_status(StatusCode::INTERNAL_SERVER_ERROR);
        Self { kind: "api_error", ..error }
    }

    pub(super) fn coded(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    pub(super) fn of(self, param: &str) -> Self {
        Self { param: Some(param.to_owned()), ..self }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Returns the body. As at Stripe, fields that do not apply are missing.
    pub(super) fn to_json(&self) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        if let Some(code) = self.code {
            error["code"] = json!(code);
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        json!({"error": error})
    }
}

/// Returns a key as Stripe's messages quote it: without its middle.
fn redacted(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    let hidden = 8..chars.len().saturating_sub(4).max(8);
    let shown = |(at, char): (usize, &char)| if hidden.contains(&at) { '*' } else { *char };
    chars.iter().enumerate().map(shown).collect()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            // Stripe names the limit and does not say whether to retry.
            headers.insert(RATE_LIMITED_REASON, HeaderValue::from_static("global-rate"));
        } else if self.status == StatusCode::CONFLICT {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("true"));
        }
        response
    }
}
