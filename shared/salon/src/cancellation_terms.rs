//! The rule for refunds after a cancellation.

use jiff::{SignedDuration, Timestamp};

use crate::money::Money;

/// How much of the deposit is refunded after a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancellationTerms {
    /// A cancellation at least this many hours before the appointment is refunded in full.
    pub full_refund_hours: u32,
    /// The percentage of the deposit that a later cancellation refunds.
    pub late_refund_percent: u8,
}

impl CancellationTerms {
    /// Returns the last time of a full refund.
    #[must_use]
    pub fn full_refund_until(self, start: Timestamp) -> Timestamp {
        let notice = SignedDuration::from_hours(self.full_refund_hours.into());
        start.saturating_sub(notice).unwrap_or(Timestamp::MIN)
    }

    /// Returns the refund for a later cancellation.
    #[must_use]
    pub fn late_refund(self, deposit: Money) -> Money {
        deposit.percent(self.late_refund_percent)
    }

    /// Returns the refund for a cancellation at `now`.
    #[must_use]
    pub fn refund(self, deposit: Money, start: Timestamp, now: Timestamp) -> Money {
        if now <= self.full_refund_until(start) { deposit } else { self.late_refund(deposit) }
    }
}
