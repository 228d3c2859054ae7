//! Retries: one loop for the clients of all services.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Backoff;

/// How many times, and for how long, a client sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Time for all attempts and the pauses between them.
    pub deadline: Duration,
    /// Time for one attempt, connecting included.
    pub attempt_timeout: Duration,
    /// The largest number of attempts.
    pub attempts: u32,
    /// The longest first pause. It doubles with every retry.
    pub backoff_base: Duration,
    /// The longest pause.
    pub backoff_cap: Duration,
}

/// The failure of an attempt.
#[derive(Debug)]
pub(crate) struct Failure<E> {
    pub(crate) error: E,
    /// Whether the same request may succeed later.
    pub(crate) is_transient: bool,
    /// The wait that the server asked for in `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

impl<E> Failure<E> {
    /// A failure that may not occur again.
    pub(crate) const fn transient(error: E) -> Self {
        Self { error, is_transient: true, retry_after: None }
    }

    /// A failure that would occur again.
    pub(crate) const fn permanent(error: E) -> Self {
        Self { error, is_transient: false, retry_after: None }
    }
}

/// What a client logs about a failed attempt.
#[derive(Debug)]
pub(crate) struct FailedAttempt<'a, E> {
    pub(crate) error: &'a E,
    /// The number of the attempt, counted from 1.
    pub(crate) number: u32,
    pub(crate) latency: Duration,
    /// The pause before the next attempt. `None` after the last attempt.
    pub(crate) pause: Option<Duration>,
}

impl RetryPolicy {
    /// Calls `attempt` with the number of the attempt, until it succeeds, fails
    /// permanently, or the policy allows no further attempt.
    ///
    /// A pause that would outlast the deadline is not begun: the last error is
    /// returned at once. `timed_out` makes the error of an attempt that took
    /// too long, from the time that it took. `on_failure` is called after every
    /// failed attempt.
    pub(crate) async fn run<T, E, F>(
        &self,
        mut attempt: impl FnMut(u32) -> F,
        timed_out: impl Fn(Duration) -> E,
        mut on_failure: impl FnMut(&FailedAttempt<'_, E>),
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, Failure<E>>>,
    {
        let started = Instant::now();
        let backoff = Backoff { base: self.backoff_base, cap: self.backoff_cap };
        let mut random = fastrand::Rng::new();
        let mut number = 1;
        loop {
            let attempt_started = Instant::now();
            let time_left = self.deadline.saturating_sub(started.elapsed());
            let outcome = timeout(self.attempt_timeout.min(time_left), attempt(number)).await;
            let latency = attempt_started.elapsed();
            let failure = match outcome {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::transient(timed_out(latency)),
            };
            let pause = backoff.pause(number, failure.retry_after, &mut random);
            let is_last = !failure.is_transient
                || number >= self.attempts
                || pause >= self.deadline.saturating_sub(started.elapsed());
            on_failure(&FailedAttempt {
                error: &failure.error,
                number,
                latency,
                pause: (!is_last).then_some(pause),
            });
            if is_last {
                return Err(failure.error);
            }
            sleep(pause).await;
            number += 1;
        }
    }
}

/// Returns a duration in milliseconds, for the log.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, pending, ready};

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        deadline: Duration::from_secs(10),
        attempt_timeout: Duration::from_secs(4),
        attempts: 3,
        backoff_base: Duration::from_millis(200),
        backoff_cap: Duration::from_secs(1),
    };

    #[derive(Debug, PartialEq, Eq)]
    enum Error {
        Answered(u32),
        TimedOut(Duration),
    }

    /// Runs attempts on a paused clock. Returns the outcome, the number of
    /// attempts, and the time that all of it took.
    async fn run<F>(
        policy: RetryPolicy,
        mut attempt: impl FnMut(u32) -> F,
    ) -> (Result<u32, Error>, u32, Duration)
    where
        F: Future<Output = Result<u32, Failure<Error>>>,
    {
        let started = Instant::now();
        let mut attempts = 0;
        let counted = |number| {
            attempts += 1;
            attempt(number)
        };
        let outcome = policy.run(counted, Error::TimedOut, |_| {}).await;
        (outcome, attempts, started.elapsed())
    }

    fn transient(number: u32) -> Result<u32, Failure<Error>> {
        Err(Failure::transient(Error::Answered(number)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_failure_is_retried_until_the_attempts_are_used_up() {
        let (outcome, attempts, _) = run(POLICY, |number| ready(transient(number))).await;
        assert_eq!((outcome, attempts), (Err(Error::Answered(3)), 3));

        let recovers = |number| ready(if number < 3 { transient(number) } else { Ok(number) });
        let (outcome, attempts, _) = run(POLICY, recovers).await;
        assert_eq!((outcome, attempts), (Ok(3), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_failure_is_returned_at_once() {
        let rejected = |number| ready(Err(Failure::permanent(Error::Answered(number))));
        let (outcome, attempts, took) = run(POLICY, rejected).await;
        assert_eq!((outcome, attempts, took), (Err(Error::Answered(1)), 1, Duration::ZERO));
    }

    /// Returns attempts that fail with a `Retry-After`.
    fn limited(retry_after: Duration) -> impl Fn(u32) -> Ready<Result<u32, Failure<Error>>> {
        move |number| {
            let retry_after = Some(retry_after);
            ready(Err(Failure { retry_after, ..Failure::transient(Error::Answered(number)) }))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_at_least_as_long_as_retry_after() {
        let (_, attempts, took) = run(POLICY, limited(Duration::from_secs(3))).await;
        assert_eq!(attempts, 3);
        assert!(took >= Duration::from_secs(6) && took < Duration::from_secs(7), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_beyond_the_deadline_is_not_begun() {
        let (outcome, attempts, took) = run(POLICY, limited(Duration::from_mins(1))).await;
        assert_eq!((outcome, attempts, took), (Err(Error::Answered(1)), 1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn one_deadline_covers_all_attempts_that_hang() {
        let (outcome, attempts, took) = run(POLICY, |_| pending()).await;
        let Err(Error::TimedOut(last)) = outcome else { panic!("nothing answers: {outcome:?}") };
        assert!(last < POLICY.attempt_timeout, "the deadline ends the last attempt: {last:?}");
        assert_eq!(attempts, 3, "two attempts of 4 s leave 2 s for a third");
        let late = took.saturating_sub(POLICY.deadline);
        assert!(took >= POLICY.deadline && late < Duration::from_millis(10), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn every_failed_attempt_is_reported_with_the_pause_that_follows() {
        let mut reports = Vec::new();
        let report =
            |failed: &FailedAttempt<'_, Error>| reports.push((failed.number, failed.pause));
        let fails = |number| ready(transient(number));
        POLICY.run(fails, Error::TimedOut, report).await.unwrap_err();
        let pauses: Vec<_> =
            reports.iter().map(|&(number, pause)| (number, pause.is_some())).collect();
        assert_eq!(pauses, [(1, true), (2, true), (3, false)]);
    }
}
