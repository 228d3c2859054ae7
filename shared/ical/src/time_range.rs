//! A stretch of time, and lists of them.

use jiff::Timestamp;

/// A stretch of time that is not empty: from `start` up to, and without, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// Returns the range, or `None` where `end` is not after `start`.
    #[must_use]
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Returns the first instant.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// Returns the first instant that is no longer part of it.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// Returns the part that both ranges have in common.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

/// Sorts ranges and joins those that overlap or touch.
pub(crate) fn merged(mut ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let joins = next.start <= kept.end;
        if joins {
            kept.end = kept.end.max(next.end);
        }
        joins
    });
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_overlap_or_touch_become_one() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let ranges = |pairs: &[(i64, i64)]| -> Vec<_> {
            pairs.iter().map(|(from, to)| TimeRange::new(at(*from), at(*to)).unwrap()).collect()
        };
        let merged = merged(ranges(&[(50, 60), (10, 20), (0, 100), (100, 110), (120, 130)]));
        assert_eq!(merged, ranges(&[(0, 110), (120, 130)]));
        assert_eq!(TimeRange::new(at(5), at(5)), None);
    }
}
