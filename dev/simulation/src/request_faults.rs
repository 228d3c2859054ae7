use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::decisions::Decisions;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not arrive.
    RequestLost,
    /// It has its effect, but the answer does not arrive.
    AnswerLost,
    RateLimited,
    Unavailable,
    /// The service fails before the effect.
    FailedBefore,
    /// The service fails after the effect.
    FailedAfter,
    /// Another transaction is changing the same items of the table.
    Conflict,
}

/// Decides which requests to one service fail. Its clones share the rate.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    decisions: Decisions,
    /// How many of a hundred requests fail.
    percent: Arc<AtomicU8>,
}

impl Faults {
    pub(super) fn new(decisions: Decisions, percent: u8) -> Self {
        Self { decisions, percent: Arc::new(AtomicU8::new(percent)) }
    }

    /// Lets all later requests succeed.
    pub(super) fn stop(&self) {
        self.percent.store(0, Ordering::Relaxed);
    }

    /// Decides whether the next request fails, and in which of the ways of `kinds`.
    pub(super) fn next(&self, kinds: &[Fault]) -> Option<Fault> {
        let percent = self.percent.load(Ordering::Relaxed);
        let fails = percent > 0 && self.decisions.happens(|random| random.u8(0..100) < percent);
        fails.then(|| kinds[self.decisions.index(kinds.len())])
    }

    /// Decides whether the next call of the table fails, and how.
    ///
    /// It draws other kinds of numbers, so that each seed still has the schedule in
    /// which it once found something.
    pub(super) fn next_of_table(&self) -> Option<Fault> {
        const KINDS: [Fault; 3] = [Fault::RequestLost, Fault::AnswerLost, Fault::Conflict];
        let percent = u64::from(self.percent.load(Ordering::Relaxed));
        let fails = percent > 0 && self.decisions.happens(|random| random.u64(0..100) < percent);
        fails.then(|| KINDS[self.decisions.byte(3)])
    }
}
