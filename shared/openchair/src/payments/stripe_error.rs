//! What can go wrong between us and Stripe.

use std::fmt;
use std::time::Duration;

use crate::http::{ApiError, ErrorCode};

/// A request to Stripe that failed.
///
/// Only [`Rejected`](Self::Rejected) proves that the request had no effect, and
/// that no earlier attempt with its idempotency key had one. The proof holds
/// while Stripe remembers the key, 24 hours. After any other error the request
/// may have had an effect: repeat it with the same key and the same parameters.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// Stripe rejected the request, and would reject it again. The response is
    /// Stripe's own, not that of a proxy between us.
    #[error("Stripe rejected the request: {0}")]
    Rejected(StripeErrorDetails),
    /// Stripe's rate limit still applied to the last attempt.
    #[error("Stripe is limiting our requests: {details}")]
    RateLimited {
        details: StripeErrorDetails,
        /// The wait that Stripe asked for.
        retry_after: Option<Duration>,
    },
    /// Stripe failed, or was still processing the same idempotency key.
    #[error("Stripe failed: {details}")]
    Unavailable {
        details: StripeErrorDetails,
        /// The wait that Stripe asked for.
        retry_after: Option<Duration>,
        /// Whether Stripe replayed the stored response of an earlier attempt.
        /// Repeats with the same key get this response for 24 hours.
        replayed: bool,
    },
    /// The idempotency key was used before with other parameters, which is a
    /// bug in our code. The effect of the first request is unknown.
    #[error("the idempotency key belongs to another request: {0}")]
    KeyReused(StripeErrorDetails),
    /// No connection, or one that broke before the response was complete.
    #[error("the connection to Stripe failed")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No response in time.
    #[error("Stripe did not answer within {} ms", .after.as_millis())]
    Timeout {
        /// The time that the last attempt took.
        after: Duration,
    },
    /// Stripe does not accept our key, or the key lacks a permission.
    #[error("Stripe does not accept our key: {0}")]
    Unauthorized(StripeErrorDetails),
    /// A response that Stripe does not document.
    #[error("Stripe's response cannot be read: {reason}")]
    Unreadable { reason: String },
    /// A request that is not valid HTTP.
    #[error("the request to Stripe cannot be built")]
    Unsendable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StripeError {
    /// The default wait after a rate limit. Stripe's limits count by the second
    /// (<https://docs.stripe.com/rate-limits>).
    const WAIT_AFTER_RATE_LIMIT: Duration = Duration::from_secs(1);
    /// The default wait after an outage.
    const WAIT_AFTER_OUTAGE: Duration = Duration::from_secs(5);

    /// Returns how long a client should wait before it tries again, at least a
    /// second.
    ///
    /// `None` means that trying again does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let wait = match self {
            Self::RateLimited { retry_after, .. } => {
                retry_after.unwrap_or(Self::WAIT_AFTER_RATE_LIMIT)
            }
            Self::Unavailable { retry_after, .. } => retry_after.unwrap_or(Self::WAIT_AFTER_OUTAGE),
            Self::Unreachable(_) | Self::Timeout { .. } => Self::WAIT_AFTER_OUTAGE,
            Self::Rejected(_)
            | Self::KeyReused(_)
            | Self::Unauthorized(_)
            | Self::Unreadable { .. }
            | Self::Unsendable(_) => return None,
        };
        Some(wait.max(Duration::from_secs(1)))
    }

    /// Returns whether the request names an object that Stripe does not have,
    /// such as a session of another account or mode.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::Rejected(details) if details.code.as_deref() == Some("resource_missing")
        )
    }

    /// Returns the details of Stripe's error response, if there was one.
    #[must_use]
    pub fn details(&self) -> Option<&StripeErrorDetails> {
        match self {
            Self::Rejected(details)
            | Self::KeyReused(details)
            | Self::Unauthorized(details)
            | Self::RateLimited { details, .. }
            | Self::Unavailable { details, .. } => Some(details),
            Self::Unreachable(_)
            | Self::Timeout { .. }
            | Self::Unreadable { .. }
            | Self::Unsendable(_) => None,
        }
    }
}

/// A busy or failing Stripe becomes a 503, a rejected payment a 502.
impl From<StripeError> for ApiError {
    fn from(error: StripeError) -> Self {
        let retry_after = error.retry_after().map_or(1, |wait| wait.as_secs().max(1));
        match error {
            StripeError::RateLimited { .. }
            | StripeError::Unavailable { .. }
            | StripeError::Unreachable(_)
            | StripeError::Timeout { .. } => {
                let message = "The payment service is busy. Please try again in a moment.";
                Self::new(ErrorCode::StripeBusy, message).retry_after(retry_after).caused_by(error)
            }
            StripeError::Rejected(_) => {
                Self::new(ErrorCode::PaymentRejected, "The payment service refused this payment.")
                    .caused_by(error)
            }
            StripeError::KeyReused(_)
            | StripeError::Unauthorized(_)
            | StripeError::Unreadable { .. }
            | StripeError::Unsendable(_) => Self::internal(error),
        }
    }
}

/// The details of Stripe's error response (<https://docs.stripe.com/api/errors>).
///
/// Stripe's message is left out: it may quote the request, and so contain
/// personal data. The request id finds the message in Stripe's Dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StripeErrorDetails {
    /// The HTTP status.
    pub status: u16,
    /// The type of error, such as `invalid_request_error`.
    pub kind: Option<Box<str>>,
    /// The error code, such as `amount_too_small`.
    pub code: Option<Box<str>>,
    /// The invalid parameter, such as `line_items[0][quantity]`.
    pub param: Option<Box<str>>,
    /// Stripe's id of the request: `req_…`.
    pub request_id: Option<Box<str>>,
}

impl fmt::Display for StripeErrorDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        let details = [
            ("type", &self.kind),
            ("code", &self.code),
            ("parameter", &self.param),
            ("request", &self.request_id),
        ];
        for (name, value) in details {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        Ok(())
    }
}
