//! Pauses between attempts.

use std::time::Duration;

/// Exponential backoff with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// The longest first pause. It doubles with every retry.
    pub(crate) base: Duration,
    /// The longest pause.
    pub(crate) cap: Duration,
}

impl Backoff {
    /// Returns a random pause to make after attempt number `attempt`, counted
    /// from 1.
    ///
    /// The pause is between zero and `min(cap, base × 2^retries)`
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>),
    /// added to `retry_after`: clients that were rejected together must not
    /// return together.
    pub(crate) fn pause(
        self,
        attempt: u32,
        retry_after: Option<Duration>,
        random: &mut fastrand::Rng,
    ) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.base.saturating_mul(factor).min(self.cap);
        let jitter = longest.mul_f64(random.f64());
        retry_after.unwrap_or_default().saturating_add(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(2) };

    /// Draws many pauses after one attempt; returns the shortest and the longest.
    fn range(attempt: u32, retry_after: Option<Duration>) -> (Duration, Duration) {
        let mut random = fastrand::Rng::with_seed(7);
        let pauses = (0..1_000).map(|_| BACKOFF.pause(attempt, retry_after, &mut random));
        pauses.fold((Duration::MAX, Duration::ZERO), |(low, high), pause| {
            (low.min(pause), high.max(pause))
        })
    }

    #[test]
    fn pauses_spread_from_zero_to_a_limit_that_doubles_up_to_the_cap() {
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
    fn a_pause_is_never_shorter_than_retry_after() {
        let asked = Duration::from_secs(3);
        let (low, high) = range(1, Some(asked));
        assert!(low >= asked, "{low:?}");
        assert!(high > low, "clients rejected together return together");
    }
}
