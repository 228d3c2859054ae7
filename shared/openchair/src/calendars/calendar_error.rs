//! What can go wrong when a calendar is read or written.

use std::time::Duration;

use crate::https::BodyError;

/// A calendar that could not be read or written. Its owner's availability is
/// unknown, not free.
///
/// Whoever knows a feed's address can read the calendar. No message contains an
/// address, key, token or calendar id. A source may contain a host name or an
/// IP address, as a failed TLS handshake does, but no path.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// No connection, or one that broke before the response was complete.
    #[error("the connection to the calendar failed")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No complete response in time.
    #[error("the calendar did not answer within {} ms", .after.as_millis())]
    Timeout {
        /// The time that all attempts took together.
        after: Duration,
    },
    /// An error response: a 4xx or a 5xx.
    #[error(
        "the calendar answered with status {status}{}",
        .reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default()
    )]
    Refused {
        status: u16,
        /// Google's error code, such as `rateLimitExceeded`.
        reason: Option<Box<str>>,
        /// The wait that the server asked for.
        retry_after: Option<Duration>,
    },
    /// A response that is too long.
    #[error("the calendar's response has more than {limit} bytes")]
    TooLarge { limit: usize },
    /// A response that is invalid or was not asked for.
    #[error("the calendar's response cannot be read: {reason}")]
    Unreadable { reason: String },
    /// Google does not accept the service account, or its scope.
    #[error(
        "Google does not accept the service account{}",
        .reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default()
    )]
    Unauthorized {
        /// Google's error code, such as `invalid_grant`.
        reason: Option<Box<str>>,
    },
}

impl CalendarError {
    /// The default wait.
    const WAIT_AFTER_OUTAGE: Duration = Duration::from_secs(5);

    /// Returns how long to wait before the next try, at least a second.
    ///
    /// `None` means that trying again does not help until somebody fixes the
    /// calendar or its configuration.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let wait = match self {
            Self::Refused { retry_after: Some(wait), .. } => *wait,
            Self::Refused { status: 429 | 500..=599, .. }
            | Self::Unreachable(_)
            | Self::Timeout { .. } => Self::WAIT_AFTER_OUTAGE,
            Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::Unreadable { .. }
            | Self::Unauthorized { .. } => return None,
        };
        Some(wait.max(Duration::from_secs(1)))
    }

    pub(super) fn unreadable(reason: impl Into<String>) -> Self {
        Self::Unreadable { reason: reason.into() }
    }

    pub(super) fn from_body_error(error: BodyError, limit: usize) -> Self {
        match error {
            BodyError::TooLong => Self::TooLarge { limit },
            BodyError::Broken(source) => Self::Unreachable(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_message_says_what_to_fix() {
        let cases = [
            (
                CalendarError::Refused { status: 404, reason: None, retry_after: None },
                "the calendar answered with status 404",
                None,
            ),
            (
                CalendarError::Refused {
                    status: 403,
                    reason: Some("rateLimitExceeded".into()),
                    retry_after: Some(Duration::ZERO),
                },
                "the calendar answered with status 403, rateLimitExceeded",
                Some(1),
            ),
            (
                CalendarError::Refused { status: 503, reason: None, retry_after: None },
                "the calendar answered with status 503",
                Some(5),
            ),
            (
                CalendarError::Unauthorized { reason: Some("invalid_grant".into()) },
                "Google does not accept the service account: invalid_grant",
                None,
            ),
            (
                CalendarError::Timeout { after: Duration::from_secs(2) },
                "the calendar did not answer within 2000 ms",
                Some(5),
            ),
        ];
        for (error, message, wait) in cases {
            assert_eq!(error.to_string(), message);
            assert_eq!(error.retry_after(), wait.map(Duration::from_secs), "{message}");
        }
    }
}
