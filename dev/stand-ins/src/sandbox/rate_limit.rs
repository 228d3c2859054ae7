//! The limit of API calls per second.

use jiff::Timestamp;

/// A token bucket. Its size is also the number of tokens added per second.
#[derive(Debug)]
pub(super) struct TokenBucket {
    per_second: f64,
    tokens: f64,
    filled_at: Timestamp,
}

impl TokenBucket {
    /// Creates a full bucket; 0 means no limit.
    pub(super) fn new(per_second: u32, now: Timestamp) -> Self {
        Self { per_second: f64::from(per_second), tokens: f64::from(per_second), filled_at: now }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        if self.per_second == 0.0 {
            return true;
        }
        // A clock that was set back adds no tokens.
        let elapsed = now.duration_since(self.filled_at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.per_second);
        self.filled_at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_burst_empties_the_bucket_and_time_refills_it() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let mut bucket = TokenBucket::new(25, start);
        assert_eq!((0..40).filter(|_| bucket.take(start)).count(), 25);

        let later = start + SignedDuration::from_millis(200);
        assert_eq!((0..40).filter(|_| bucket.take(later)).count(), 5);

        let much_later = start + SignedDuration::from_secs(3_600);
        assert_eq!((0..40).filter(|_| bucket.take(much_later)).count(), 25);
    }

    #[test]
    fn zero_means_no_limit() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut bucket = TokenBucket::new(0, now);
        assert!((0..1_000).all(|_| bucket.take(now)));
    }
}
