//! What time it is: the machine's time, or a test's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Tells the time at the edge of a function.
///
/// The domain never holds one: it is told `now`.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Machine,
    Manual(Arc<AtomicI64>),
    /// The time that the runtime shows, counted from a start.
    Runtime {
        start: Timestamp,
        since: tokio::time::Instant,
    },
}

impl Clock {
    /// Makes a clock that shows the machine's time.
    #[must_use]
    pub const fn machine() -> Self {
        Self(Source::Machine)
    }

    /// Makes a clock that stands still at `now` until it is advanced. Its
    /// clones show the same time.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(now.as_millisecond()))))
    }

    /// Makes a clock that shows `now` and goes on with the runtime's time, which
    /// a test can pause: then it and all timers move together.
    #[must_use]
    pub fn with_runtime(now: Timestamp) -> Self {
        Self(Source::Runtime { start: now, since: tokio::time::Instant::now() })
    }

    /// Returns the time, to the millisecond.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
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

    /// Waits. A manual clock stands still, so there this only lets others run.
    pub async fn pause(&self, duration: Duration) {
        match self.0 {
            Source::Machine | Source::Runtime { .. } => tokio::time::sleep(duration).await,
            Source::Manual(_) => tokio::task::yield_now().await,
        }
    }

    /// Moves a manual clock. A clock that shows the machine's time stays.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Manual(milliseconds) = &self.0 {
            let later = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
            milliseconds.store(later.as_millisecond(), Ordering::Relaxed);
        }
    }
}
