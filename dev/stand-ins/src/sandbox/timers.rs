//! What happens by itself, and when.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::sandbox_refund::RefundStatus;

/// Something that nobody has to ask for.
#[derive(Clone, Debug)]
pub(super) enum Timer {
    /// A session that is still open expires.
    Expiry { session: String },
    /// A bank decides on a debit.
    Debit { session: String, arrived: bool },
    /// A refund goes through, or comes back.
    Refund { refund: String, status: RefundStatus },
}

/// All that is to come, in order; what comes at one instant, as it was put.
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

    /// Takes the first entry that is due at `now`, and its time.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        let entry = self.entries.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), due) = entry.remove_entry();
        Some((at, due))
    }
}
