//! What can go wrong between us and a calendar.

use std::time::Duration;

use crate::https::BodyError;

/// A calendar that could not be read: its owner's time is unknown, not free.
///
/// The address of a feed is a capability: who knows it reads the calendar. So
/// no message has an address, key, token or calendar id in it. A source may
/// name a host or an IP address, as a failed TLS handshake does, and never
/// what stands behind it.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// No connection, or one that broke before the answer was complete.
    #[error("the connection to the calendar failed")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No complete answer in time.
    #[error("the calendar did not answer within {} ms", .after.as_millis())]
    Timeout {
        /// How long all attempts took together.
        after: Duration,
    },
    /// An answer that is an error: a 4xx or a 5xx.
    #[error(
        "the calendar answered with status {status}{}",
        .reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default()
    )]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Google's word for it, such as `rateLimitExceeded`.
        reason: Option<Box<str>>,
        /// The wait that the server asked for.
        retry_after: Option<Duration>,
    },
    /// More bytes than are read.
    #[error("the calendar's answer has more than {limit} bytes")]
    TooLarge {
        /// How many are read.
        limit: usize,
    },
    /// An answer that is not what was asked for.
    #[error("the calendar's answer cannot be read: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// Google does not accept the service account, or what it asks for.
    #[error(
        "Google does not accept the service account{}",
        .reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default()
    )]
    Unauthorized {
        /// Google's word for it, such as `invalid_grant`.
        reason: Option<Box<str>>,
    },
}

impl CalendarError {
    /// The wait to suggest where the server named none.
    const AFTER_OUTAGE: Duration = Duration::from_secs(5);

    /// Returns how long to wait before the calendar is asked again: a second or
    /// more.
    ///
    /// `None` means that asking again will not help until somebody changes
    /// something.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let wait = match self {
            Self::Refused { retry_after: Some(wait), .. } => *wait,
            Self::Refused { status: 429 | 500..=599, .. }
            | Self::Unreachable(_)
            | Self::Timeout { .. } => Self::AFTER_OUTAGE,
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

    pub(super) fn of_body(error: BodyError, limit: usize) -> Self {
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
    fn an_error_says_what_a_person_can_act_on() {
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
