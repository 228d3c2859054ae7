//! Changes that are due later.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::sandbox_refund::RefundStatus;

/// A change that is due later.
#[derive(Clone, Debug)]
pub(super) enum Timer {
    /// A session that is still open expires.
    Expiry { session: String },
    /// A bank settles or refuses a debit.
    Debit { session: String, arrived: bool },
    /// A refund succeeds or fails.
    Refund { refund: String, status: RefundStatus },
}

/// All timers, in order of time and then of insertion.
#[derive(Debug, Default)]
pub(super) struct Timers {
    entries: BTreeMap<(Timestamp, u64), Timer>,
    count: u64,
}

impl Timers {
    pub(super) fn put(&mut self, at: Timestamp, due: Timer) {
        self.count += 1;
        self.entries.insert((at, self.count), due);
    }

    /// Takes the first timer that is due at `now`, with its time.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        let entry = self.entries.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), due) = entry.remove_entry();
        Some((at, due))
    }
}
