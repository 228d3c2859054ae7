//! Whether, and when, a failed request is sent again.

use std::time::Duration;

use crate::payments::error::StripeError;

/// How long and how often a request to Stripe is tried.
///
/// The defaults leave room in API Gateway's 30 s for two calls one after the
/// other (create a session, then read it) and for the store. Stripe creates a
/// session in about half a second, so an attempt of 5 s hangs rather than
/// works, and half of the time is left for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Time for all attempts and the pauses between them. Default: 10 s.
    pub deadline: Duration,
    /// Time for one attempt, connecting included. Default: 5 s.
    pub attempt_timeout: Duration,
    /// How often a request is sent at most. Default: 5.
    pub attempts: u32,
    /// The longest first pause; it doubles with every retry. Default: 200 ms.
    pub backoff_base: Duration,
    /// The longest pause. Default: 2 s, as in Stripe's own libraries.
    pub backoff_cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(5),
            attempts: 5,
            backoff_base: Duration::from_millis(200),
            backoff_cap: Duration::from_secs(2),
        }
    }
}

impl RetryPolicy {
    /// Draws the pause that follows attempt number `attempt`, counted from 1.
    ///
    /// Exponential backoff with full jitter: a time between zero and
    /// `min(cap, base × 2^retries)`
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    /// It comes on top of a `Retry-After`: those who were turned away together
    /// must not come back together.
    pub(super) fn pause(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
        random: &mut fastrand::Rng,
    ) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.backoff_base.saturating_mul(factor).min(self.backoff_cap);
        let jitter = longest.mul_f64(random.f64());
        retry_after.unwrap_or_default().saturating_add(jitter)
    }
}

/// An attempt that failed, and what it says about the next.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: StripeError,
    /// Whether the same request may succeed later.
    pub(super) passing: bool,
    /// The wait that Stripe asked for.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// Makes a failure that the next attempt may not see.
    pub(super) fn passing(error: StripeError) -> Self {
        Self { error, passing: true, retry_after: None }
    }

    /// Makes a failure that would come again.
    pub(super) fn lasting(error: StripeError) -> Self {
        Self { error, passing: false, retry_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        deadline: Duration::from_secs(10),
        attempt_timeout: Duration::from_secs(5),
        attempts: 5,
        backoff_base: Duration::from_millis(200),
        backoff_cap: Duration::from_secs(2),
    };

    /// Draws many pauses after one attempt; returns the shortest and the longest.
    fn range(attempt: u32, retry_after: Option<Duration>) -> (Duration, Duration) {
        let mut random = fastrand::Rng::with_seed(7);
        let pauses = (0..1_000).map(|_| POLICY.pause(attempt, retry_after, &mut random));
        pauses.fold((Duration::MAX, Duration::ZERO), |(low, high), pause| {
            (low.min(pause), high.max(pause))
        })
    }

    #[test]
    fn pauses_spread_from_zero_to_a_ceiling_that_doubles_up_to_the_cap() {
        let ceilings_ms = [(1, 200), (2, 400), (3, 800), (4, 1_600), (5, 2_000), (99, 2_000)];
        for (attempt, ceiling_ms) in ceilings_ms {
            let (low, high) = range(attempt, None);
            let ceiling = Duration::from_millis(ceiling_ms);
            assert!(low < ceiling / 20, "after attempt {attempt}: {low:?}");
            assert!(high <= ceiling, "after attempt {attempt}: {high:?}");
            assert!(high > ceiling * 19 / 20, "after attempt {attempt}: {high:?}");
        }
    }

    #[test]
    fn a_pause_is_never_shorter_than_stripe_asked() {
        let asked = Duration::from_secs(3);
        let (low, high) = range(1, Some(asked));
        assert!(low >= asked, "{low:?}");
        assert!(high > low, "clients that came together come back together");
    }
}
