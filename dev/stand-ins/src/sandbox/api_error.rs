//! Stripe's error bodies. Types and codes are Stripe's
//! (<https://docs.stripe.com/api/errors>); the messages are the sandbox's own.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// An error response of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
    /// Whether the request failed before execution. Stripe does not save such a response under
    /// the idempotency key.
    before_execution: bool,
}

impl ApiError {
    /// A parameter is refused before execution.
    pub(super) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error",
            code: None,
            message: message.into(),
            param: Some(param.into()),
            before_execution: true,
        }
    }

    /// The whole request is refused before execution.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self { param: None, ..Self::invalid("", message) }
    }

    pub(super) fn missing(param: impl Into<String>) -> Self {
        let param = param.into();
        let message = format!("The parameter {param} is required.");
        Self::invalid(param, message).coded("parameter_missing")
    }

    pub(super) fn unknown(param: impl Into<String>) -> Self {
        let param = param.into();
        let message = format!("There is no parameter {param}.");
        Self::invalid(param, message).coded("parameter_unknown")
    }

    pub(super) fn not_one_of(param: impl Into<String>, allowed: &[&str]) -> Self {
        let param = param.into();
        let message = format!("{param} must be one of {}.", allowed.join(", "));
        Self::invalid(param, message)
    }

    /// Stripe supports the parameter, but the sandbox does not.
    pub(super) fn unsupported(param: impl Into<String>) -> Self {
        let param = param.into();
        let message =
            format!("Stripe accepts {param}, but the payment sandbox does not support it.");
        Self::invalid(param, message)
    }

    /// The request is refused during execution. Saved under the idempotency key.
    pub(super) fn refused(param: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            param: param.map(str::to_owned),
            before_execution: false,
            ..Self::invalid("", message)
        }
    }

    /// A parameter names an object that does not exist.
    pub(super) fn no_such(object: &str, param: &str, id: &str) -> Self {
        Self::refused(Some(param), format!("There is no {object} {id}.")).coded("resource_missing")
    }

    /// The path names an object that does not exist.
    pub(super) fn not_found(object: &str, param: &str, id: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..Self::no_such(object, param, id) }
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::malformed(message) }
    }

    pub(super) fn no_such_route(method: &str, path: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::malformed(format!("The sandbox does not know {method} {path}."))
        }
    }

    pub(super) fn rate_limited() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            ..Self::malformed("Too many requests per second. Back off, then try again.")
                .coded("rate_limit")
        }
    }

    pub(super) fn key_in_use(key: &str) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            ..Self::malformed(format!("A request with the idempotency key {key} is still running."))
                .coded("idempotency_key_in_use")
        }
    }

    pub(super) fn key_mismatch(key: &str) -> Self {
        Self {
            kind: "idempotency_error",
            ..Self::malformed(format!(
                "The idempotency key {key} was first used for another endpoint or with other \
                 parameters."
            ))
        }
    }

    pub(super) fn internal() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: "api_error",
            ..Self::refused(None, "The sandbox failed. This is a bug in the sandbox.")
        }
    }

    /// A failure that [`super::Effect`] injects.
    pub(super) fn injected() -> Self {
        Self { message: "This failure was injected.".to_owned(), ..Self::internal() }
    }

    pub(super) fn coded(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn is_before_execution(&self) -> bool {
        self.before_execution
    }

    /// Returns the body. As at Stripe, fields that do not apply are missing.
    pub(super) fn to_json(&self) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        if let Some(code) = self.code {
            let page = code.replace('_', "-");
            error["code"] = json!(code);
            error["doc_url"] = json!(format!("https://stripe.com/docs/error-codes/{page}"));
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        json!({"error": error})
    }
}
