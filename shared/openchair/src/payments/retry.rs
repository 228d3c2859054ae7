//! Whether, and when, a failed request is sent again.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::payments::stripe_error::StripeError;
use crate::time_budget::{STRIPE_ATTEMPT_TIMEOUT, STRIPE_TIMEOUT};

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
            deadline: STRIPE_TIMEOUT,
            attempt_timeout: STRIPE_ATTEMPT_TIMEOUT,
            attempts: 5,
            backoff_base: Duration::from_millis(200),
            backoff_cap: Duration::from_secs(2),
        }
    }
}

impl RetryPolicy {
    /// Draws the pause that follows attempt number `attempt`, counted from 1.
    pub(super) fn pause(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
        random: &mut fastrand::Rng,
    ) -> Duration {
        let backoff = Backoff { base: self.backoff_base, cap: self.backoff_cap };
        backoff.pause(attempt, retry_after, random)
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
