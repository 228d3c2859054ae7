//! Whether, and when, a question is asked again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::calendars::calendar_error::CalendarError;

/// Short pauses: a reader has about two seconds in all.
const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(100), cap: Duration::from_millis(800) };

/// How often a question is asked at most.
const MOST: u32 = 4;

/// The attempts at one question.
pub(super) struct Attempts {
    deadline: Instant,
    made: u32,
    random: fastrand::Rng,
}

/// An attempt that failed.
pub(super) struct Failure {
    pub(super) error: CalendarError,
    /// Whether the same question may be answered later.
    pub(super) passing: bool,
}

impl Failure {
    /// Makes a failure that the next attempt may not see.
    pub(super) fn passing(error: CalendarError) -> Self {
        Self { error, passing: true }
    }

    /// Makes a failure that would come again.
    pub(super) fn lasting(error: CalendarError) -> Self {
        Self { error, passing: false }
    }
}

impl Attempts {
    pub(super) fn until(deadline: Instant) -> Self {
        Self { deadline, made: 0, random: fastrand::Rng::new() }
    }

    /// Waits for the next attempt, or gives the failure back where none would
    /// help or be in time.
    pub(super) async fn pause_after(&mut self, failure: Failure) -> Result<(), CalendarError> {
        self.made += 1;
        let asked = match &failure.error {
            CalendarError::Refused { retry_after, .. } => *retry_after,
            _ => None,
        };
        let pause = BACKOFF.pause(self.made, asked, &mut self.random);
        let too_late = pause >= self.deadline.saturating_duration_since(Instant::now());
        if !failure.passing || self.made >= MOST || too_late {
            return Err(failure.error);
        }
        tracing::debug!(
            error = &failure.error as &dyn std::error::Error,
            google.attempt = self.made,
            google.pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "Repeating a request to Google."
        );
        sleep(pause).await;
        Ok(())
    }
}
