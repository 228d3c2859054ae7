//! The clock, real or simulated.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock. The domain has none: it takes `now` as an argument.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Machine,
    Manual(Arc<AtomicI64>),
    /// Tokio's time, counted from `start`.
    Runtime {
        start: Timestamp,
        since: tokio::time::Instant,
    },
}

impl Clock {
    /// Makes a clock of the real time.
    #[must_use]
    pub const fn machine() -> Self {
        Self(Source::Machine)
    }

    /// Makes a clock that stands still at `now` until it is advanced. Clones share
    /// the time.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(now.as_millisecond()))))
    }

    /// Makes a clock that starts at `now` and follows Tokio's time. A test that
    /// pauses Tokio's time also controls this clock.
    #[must_use]
    pub fn with_runtime(now: Timestamp) -> Self {
        Self(Source::Runtime { start: now, since: tokio::time::Instant::now() })
    }

    /// Returns the time, to the millisecond.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "everything else gets the time from this clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Machine => Timestamp::now(),
            Source::Runtime { start, since } => {
                let elapsed =
                    SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
                start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
            }
            Source::Manual(milliseconds) => {
                let milliseconds = milliseconds.load(Ordering::Relaxed);
                Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Waits. With a manual clock, this only yields to other tasks.
    pub async fn pause(&self, duration: Duration) {
        match self.0 {
            Source::Machine | Source::Runtime { .. } => tokio::time::sleep(duration).await,
            Source::Manual(_) => tokio::task::yield_now().await,
        }
    }

    /// Moves a manual clock. Other clocks ignore it.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Manual(milliseconds) = &self.0 {
            let later = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
            milliseconds.store(later.as_millisecond(), Ordering::Relaxed);
        }
    }
}
