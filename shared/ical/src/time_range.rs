//! Ranges of time.

use jiff::Timestamp;

/// A non-empty, half-open range of time: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// Makes a range. Returns `None` if `end` is not after `start`.
    #[must_use]
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Returns the first instant.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// Returns the first instant after the range.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// Returns the part that both ranges share.
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
    fn ranges_that_overlap_or_touch_are_joined() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let ranges = |pairs: &[(i64, i64)]| -> Vec<_> {
            pairs.iter().map(|(from, to)| TimeRange::new(at(*from), at(*to)).unwrap()).collect()
        };
        let merged = merged(ranges(&[(50, 60), (10, 20), (0, 100), (100, 110), (120, 130)]));
        assert_eq!(merged, ranges(&[(0, 110), (120, 130)]));
        assert_eq!(TimeRange::new(at(5), at(5)), None);
    }
}
