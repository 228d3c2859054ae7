//! Error responses: stable codes, their statuses, and the JSON envelope.

use std::borrow::Cow;
use std::error::Error;

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;

/// The stable error codes of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    InvalidJson,
    InvalidParameter,
    BadSignature,
    Forbidden,
    UnknownService,
    UnknownStaff,
    UnknownBooking,
    NotFound,
    MethodNotAllowed,
    BodyTooLarge,
    UnsupportedMediaType,
    SlotTaken,
    IdempotencyMismatch,
    NotCancellable,
    InvalidField,
    OutsideHours,
    TooSoon,
    TooFar,
    NotOnStep,
    NonexistentTime,
    TooManyHolds,
    TooManyDeposits,
    PaymentRejected,
    CalendarUnavailable,
    StoreUnavailable,
    StripeBusy,
    Internal,
}

impl ErrorCode {
    /// Returns the code's HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidJson | Self::InvalidParameter | Self::BadSignature => {
                StatusCode::BAD_REQUEST
            }
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::UnknownService | Self::UnknownStaff | Self::UnknownBooking | Self::NotFound => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::SlotTaken | Self::IdempotencyMismatch | Self::NotCancellable => {
                StatusCode::CONFLICT
            }
            Self::InvalidField
            | Self::OutsideHours
            | Self::TooSoon
            | Self::TooFar
            | Self::NotOnStep
            | Self::NonexistentTime => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyHolds | Self::TooManyDeposits => StatusCode::TOO_MANY_REQUESTS,
            Self::PaymentRejected => StatusCode::BAD_GATEWAY,
            Self::CalendarUnavailable | Self::StoreUnavailable | Self::StripeBusy => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// An error response: the message for the client and, separately, the cause for the log.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: Cow<'static, str>,
    field: Option<&'static str>,
    retry_after_seconds: Option<u64>,
    allow: Option<&'static str>,
    alternatives: Vec<String>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// Makes an error with a message that the visitor reads.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after_seconds: None,
            allow: None,
            alternatives: Vec::new(),
            cause: None,
        }
    }

    /// Makes the response for a path that is not a route.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "There is nothing at this address.")
    }

    /// Makes the response for a method that a route does not support.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("This address takes {allow} only.");
        Self { allow: Some(allow), ..Self::new(ErrorCode::MethodNotAllowed, message) }
    }

    /// Makes the response for a staff member whose availability is unknown.
    #[must_use]
    pub fn calendar_unavailable() -> Self {
        const RETRY_AFTER_SECONDS: u64 = 5;
        let message = "The salon's calendar cannot be read at the moment. Please try again.";
        Self::new(ErrorCode::CalendarUnavailable, message).retry_after(RETRY_AFTER_SECONDS)
    }

    /// Makes the response for an unexpected failure.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorCode::Internal, "").caused_by(cause)
    }

    /// Names the parameter or the field of the body that is wrong.
    #[must_use]
    pub fn for_field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// Sets the number of seconds after which a retry makes sense.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// Adds times that can be booked instead.
    #[must_use]
    pub fn with_alternatives(self, alternatives: Vec<String>) -> Self {
        Self { alternatives, ..self }
    }

    /// Attaches the cause, for the log only.
    #[must_use]
    pub fn caused_by(self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the cause, for the log only.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        let cause = self.cause.as_deref()?;
        Some(cause)
    }

    /// Makes the response, in the JSON envelope.
    ///
    /// An unexpected failure shows the request id and nothing else.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "text and numbers are always JSON")]
    pub fn response(&self, request_id: &str) -> Response<Body> {
        #[derive(Serialize)]
        struct Envelope<'a> {
            error: Inner<'a>,
        }

        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Inner<'a> {
            code: ErrorCode,
            message: Cow<'a, str>,
            field: Option<&'a str>,
            retry_after_seconds: Option<u64>,
            alternatives: &'a [String],
        }

        let message = match self.code {
            ErrorCode::Internal => {
                Cow::Owned(format!("Something unexpected happened. Request id: {request_id}"))
            }
            _ => Cow::Borrowed(self.message.as_ref()),
        };
        let retry_after_seconds = self.retry_after_seconds;
        let inner = Inner {
            code: self.code,
            message,
            field: self.field,
            retry_after_seconds,
            alternatives: &self.alternatives,
        };
        let body = serde_json::to_string(&Envelope { error: inner })
            .expect("text and numbers are always JSON");
        let mut response = super::json_uncacheable(self.code.status(), body);
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}
