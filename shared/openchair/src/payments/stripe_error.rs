//! What can go wrong between us and Stripe.

use std::fmt;
use std::time::Duration;

use crate::http::{ApiError, Code};

/// A request to Stripe that brought nothing usable.
///
/// Only [`Rejected`](Self::Rejected) proves that the request had no effect, not
/// at an earlier attempt under its idempotency key either; and only as long as
/// Stripe remembers the key, 24 hours. After any other error the request may
/// have had one: repeat it with the same key and the same parameters.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// Stripe refused for good: the same request would be refused again. It is
    /// Stripe's own word, and not that of something between us.
    #[error("Stripe refused the request: {0}")]
    Rejected(StripeErrorDetails),
    /// Stripe's rate limit, still in force after the last attempt.
    #[error("Stripe is limiting our requests: {answer}")]
    RateLimited {
        /// What Stripe answered.
        answer: StripeErrorDetails,
        /// The wait that Stripe asked for.
        retry_after: Option<Duration>,
    },
    /// Stripe failed, or was still busy with the same idempotency key.
    #[error("Stripe failed: {answer}")]
    Unavailable {
        /// What Stripe answered.
        answer: StripeErrorDetails,
        /// The wait that Stripe asked for.
        retry_after: Option<Duration>,
        /// Whether Stripe answered from its memory of an earlier attempt: a
        /// repeat under the same key would get this answer again for 24 hours.
        replayed: bool,
    },
    /// The idempotency key was used before with other parameters: a mistake of
    /// ours. What the request did then is not known.
    #[error("the idempotency key is another request's: {0}")]
    KeyReused(StripeErrorDetails),
    /// No connection, or one that broke before the answer was complete.
    #[error("the connection to Stripe failed")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("Stripe did not answer within {} ms", .after.as_millis())]
    Timeout {
        /// How long the last attempt waited.
        after: Duration,
    },
    /// Stripe does not accept our key, or the key lacks a permission.
    #[error("Stripe does not accept our key: {0}")]
    Unauthorized(StripeErrorDetails),
    /// An answer that is not what Stripe documents.
    #[error("Stripe's answer cannot be read: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// A request that cannot be put into HTTP.
    #[error("the request to Stripe cannot be built")]
    Unsendable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StripeError {
    /// The wait to suggest where Stripe named none, after a rate limit. Its
    /// limits count by the second (<https://docs.stripe.com/rate-limits>).
    const AFTER_RATE_LIMIT: Duration = Duration::from_secs(1);
    /// The wait to suggest where Stripe named none, after an outage.
    const AFTER_OUTAGE: Duration = Duration::from_secs(5);

    /// Returns how long a client should wait before it asks again: a second or
    /// more.
    ///
    /// `None` means that asking again will not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let wait = match self {
            Self::RateLimited { retry_after, .. } => retry_after.unwrap_or(Self::AFTER_RATE_LIMIT),
            Self::Unavailable { retry_after, .. } => retry_after.unwrap_or(Self::AFTER_OUTAGE),
            Self::Unreachable(_) | Self::Timeout { .. } => Self::AFTER_OUTAGE,
            Self::Rejected(_)
            | Self::KeyReused(_)
            | Self::Unauthorized(_)
            | Self::Unreadable { .. }
            | Self::Unsendable(_) => return None,
        };
        Some(wait.max(Duration::from_secs(1)))
    }

    /// Tells whether Stripe does not know what the request names: a session of
    /// another account or mode, say.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Rejected(answer) if answer.code.as_deref() == Some("resource_missing"))
    }

    /// Returns Stripe's error, where Stripe answered with one.
    #[must_use]
    pub fn answer(&self) -> Option<&StripeErrorDetails> {
        match self {
            Self::Rejected(answer)
            | Self::KeyReused(answer)
            | Self::Unauthorized(answer)
            | Self::RateLimited { answer, .. }
            | Self::Unavailable { answer, .. } => Some(answer),
            Self::Unreachable(_)
            | Self::Timeout { .. }
            | Self::Unreadable { .. }
            | Self::Unsendable(_) => None,
        }
    }
}

/// A busy or failing Stripe is answered with 503, a refused payment with 502.
impl From<StripeError> for ApiError {
    fn from(error: StripeError) -> Self {
        let retry_after = error.retry_after().map_or(1, |wait| wait.as_secs().max(1));
        match error {
            StripeError::RateLimited { .. }
            | StripeError::Unavailable { .. }
            | StripeError::Unreachable(_)
            | StripeError::Timeout { .. } => {
                let message = "The payment service is busy. Please try again in a moment.";
                Self::new(Code::StripeBusy, message).retry_after(retry_after).because(error)
            }
            StripeError::Rejected(_) => {
                Self::new(Code::PaymentRejected, "The payment service refused this payment.")
                    .because(error)
            }
            StripeError::KeyReused(_)
            | StripeError::Unauthorized(_)
            | StripeError::Unreadable { .. }
            | StripeError::Unsendable(_) => Self::internal(error),
        }
    }
}

/// What Stripe says of a request that failed.
///
/// Stripe's message is left out: it may quote what was sent, and so hold
/// personal data. The request id finds it in Stripe's Dashboard.
/// (<https://docs.stripe.com/api/errors>)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StripeErrorDetails {
    /// The HTTP status.
    pub status: u16,
    /// The kind of error, such as `invalid_request_error`.
    pub kind: Option<Box<str>>,
    /// The error's code, such as `amount_too_small`.
    pub code: Option<Box<str>>,
    /// The parameter at fault, such as `line_items[0][quantity]`.
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
