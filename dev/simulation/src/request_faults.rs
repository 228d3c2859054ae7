//! Requests that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::decisions::Decisions;

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
    pub(super) fn next<F: Copy>(&self, kinds: &[F]) -> Option<F> {
        let percent = self.percent.load(Ordering::Relaxed);
        let fails = percent > 0 && self.decisions.happens(|random| random.u8(0..100) < percent);
        fails.then(|| kinds[self.decisions.index(kinds.len())])
    }

    /// Does the same for the table.
    ///
    /// It draws other kinds of numbers, so that each seed still has the schedule in
    /// which it once found something.
    pub(super) fn next_of_table<F: Copy>(&self, kinds: &[F; 3]) -> Option<F> {
        let percent = self.percent.load(Ordering::Relaxed);
        let fails =
            percent > 0 && self.decisions.happens(|random| random.u64(0..100) < percent.into());
        fails.then(|| kinds[usize::from(self.decisions.byte(3))])
    }
}
