//! Wall-clock times that occur twice or not at all.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// How to read a wall-clock time on a day when the clocks change.
///
/// In spring the clock skips times (a gap), in autumn it repeats some (a fold).
/// All other times occur once, and every policy reads them alike.
///
/// docs/decisions/0002 says which part of the system uses which policy, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DstPolicy {
    /// A gap has no instant; a fold has both.
    ///
    /// For opening hours and for the times shown as free: see [`Day`](crate::day::Day).
    EveryOccurrence,
    /// A gap has no instant; a fold is its first occurrence.
    ///
    /// For a time that a client asked for: nobody is booked at a time that they
    /// did not name.
    FirstOrNone,
    /// A gap is read with the offset from before it, so it shifts forward; a
    /// fold is its first occurrence. This is the rule of RFC 5545, 3.3.5.
    ///
    /// For times that we compute and that must have an instant, such as the
    /// start of a day or of a reminder.
    FirstOrShifted,
}

impl DstPolicy {
    /// Returns the instants at which `zone`'s clock shows `time`, in order.
    pub fn instants(self, time: DateTime, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        let offsets = match (self, zone.to_ambiguous_timestamp(time).offset()) {
            (_, AmbiguousOffset::Unambiguous { offset }) => [Some(offset), None],
            (Self::EveryOccurrence | Self::FirstOrNone, AmbiguousOffset::Gap { .. }) => {
                [None, None]
            }
            (Self::FirstOrShifted, AmbiguousOffset::Gap { before, .. })
            | (Self::FirstOrNone | Self::FirstOrShifted, AmbiguousOffset::Fold { before, .. }) => {
                [Some(before), None]
            }
            (Self::EveryOccurrence, AmbiguousOffset::Fold { before, after }) => {
                [Some(before), Some(after)]
            }
        };
        offsets.into_iter().flatten().filter_map(move |offset| offset.to_timestamp(time).ok())
    }

    /// Returns the first of [`instants`](Self::instants).
    #[must_use]
    pub fn first_instant(self, time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
        self.instants(time, zone).next()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn each_policy_reads_gaps_and_folds_as_it_says() {
        let zone = TimeZone::get("America/Los_Angeles").expect("a bundled time zone");
        let once = date(2026, 11, 24).at(10, 0, 0, 0);
        let gap = date(2026, 3, 8).at(2, 30, 0, 0);
        let fold = date(2026, 11, 1).at(1, 30, 0, 0);
        let table: [(DateTime, DstPolicy, &[&str]); 9] = [
            (once, DstPolicy::EveryOccurrence, &["2026-11-24T18:00:00Z"]),
            (once, DstPolicy::FirstOrNone, &["2026-11-24T18:00:00Z"]),
            (once, DstPolicy::FirstOrShifted, &["2026-11-24T18:00:00Z"]),
            (gap, DstPolicy::EveryOccurrence, &[]),
            (gap, DstPolicy::FirstOrNone, &[]),
            (gap, DstPolicy::FirstOrShifted, &["2026-03-08T10:30:00Z"]),
            (fold, DstPolicy::EveryOccurrence, &["2026-11-01T08:30:00Z", "2026-11-01T09:30:00Z"]),
            (fold, DstPolicy::FirstOrNone, &["2026-11-01T08:30:00Z"]),
            (fold, DstPolicy::FirstOrShifted, &["2026-11-01T08:30:00Z"]),
        ];
        for (time, policy, expected) in table {
            let instants: Vec<String> =
                policy.instants(time, &zone).map(|at| at.to_string()).collect();
            assert_eq!(instants, expected, "{time} by {policy:?}");
        }
    }
}
