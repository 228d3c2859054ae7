//! Half-open intervals and sets of them.

/// A non-empty half-open interval `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval<T> {
    start: T,
    end: T,
}

impl<T: Ord + Copy> Interval<T> {
    /// Makes `[start, end)`. Returns `None` if it is empty.
    pub fn new(start: T, end: T) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    pub const fn start(&self) -> T {
        self.start
    }

    /// Returns the first point after the interval.
    pub const fn end(&self) -> T {
        self.end
    }

    /// Returns whether all of `other` lies in this interval.
    pub fn contains(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Returns whether the two share a point. Adjacent intervals do not.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Returns the part that both share.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

/// A set of points, stored as sorted intervals that neither overlap nor touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalSet<T>(Vec<Interval<T>>);

impl<T> Default for IntervalSet<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T> IntervalSet<T> {
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord + Copy> IntervalSet<T> {
    /// Iterates over the intervals in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Interval<T>> {
        self.0.iter()
    }

    /// Returns the intervals in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Interval<T>] {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether all of `interval` lies in the set.
    pub fn contains(&self, interval: &Interval<T>) -> bool {
        let candidate = self.0.partition_point(|known| known.end <= interval.start);
        self.0.get(candidate).is_some_and(|known| known.contains(interval))
    }

    /// Returns whether any point of `interval` lies in the set.
    pub fn overlaps(&self, interval: &Interval<T>) -> bool {
        self.overlapping(interval).next().is_some()
    }

    /// Iterates in order over the intervals of the set that overlap `interval`.
    pub fn overlapping(&self, interval: &Interval<T>) -> impl Iterator<Item = &Interval<T>> {
        let first = self.0.partition_point(|known| known.end <= interval.start);
        let end = interval.end;
        self.0[first..].iter().take_while(move |known| known.start < end)
    }

    /// Returns the points in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).copied().collect()
    }

    /// Returns the points in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let shared = |a: &Interval<T>| {
            let a = *a;
            other.overlapping(&a).filter_map(move |b| a.intersection(b)).collect::<Vec<_>>()
        };
        Self(self.iter().flat_map(shared).collect())
    }

    /// Returns the points of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len() + other.0.len());
        for whole in self {
            let mut from = whole.start;
            for removed in other.overlapping(whole) {
                left.extend(Interval::new(from, removed.start));
                from = removed.end;
            }
            left.extend(Interval::new(from, whole.end));
        }
        Self(left)
    }
}

impl<T: Ord + Copy> FromIterator<Interval<T>> for IntervalSet<T> {
    /// Sorts the intervals and joins those that overlap or touch.
    fn from_iter<I: IntoIterator<Item = Interval<T>>>(intervals: I) -> Self {
        let mut sorted: Vec<_> = intervals.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup_by(|next, kept| {
            let joins = next.start <= kept.end;
            if joins {
                kept.end = kept.end.max(next.end);
            }
            joins
        });
        Self(sorted)
    }
}

impl<'a, T: Ord + Copy> IntoIterator for &'a IntervalSet<T> {
    type Item = &'a Interval<T>;
    type IntoIter = std::slice::Iter<'a, Interval<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for IntervalSet<T> {
    type Item = Interval<T>;
    type IntoIter = std::vec::IntoIter<Interval<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(pairs: &[(u8, u8)]) -> IntervalSet<u8> {
        pairs.iter().filter_map(|&(start, end)| Interval::new(start, end)).collect()
    }

    fn any_set() -> impl Strategy<Value = IntervalSet<u8>> {
        prop::collection::vec((0_u8..60, 1_u8..20), 0..8).prop_map(|spans| {
            spans
                .iter()
                .filter_map(|&(start, length)| Interval::new(start, start + length))
                .collect()
        })
    }

    fn has(set: &IntervalSet<u8>, point: u8) -> bool {
        set.iter().any(|interval| (interval.start..interval.end).contains(&point))
    }

    fn is_normal(set: &IntervalSet<u8>) -> bool {
        set.0.windows(2).all(|pair| pair[0].end < pair[1].start)
    }

    #[test]
    fn touching_intervals_are_joined() {
        assert_eq!(set(&[(3, 5), (1, 3)]), set(&[(1, 5)]));
        assert_eq!(set(&[(1, 9), (2, 3)]), set(&[(1, 9)]));
    }

    #[test]
    fn an_interval_is_never_empty() {
        assert_eq!(Interval::new(3, 3), None);
        assert_eq!(Interval::new(4, 3), None);
    }

    #[test]
    fn intervals_contain_and_overlap_up_to_their_ends() {
        let whole = Interval { start: 10, end: 20 };
        // start, end, lies inside, overlaps, and the part that both share
        let cases = [
            (10, 20, true, Some((10, 20))),
            (11, 19, true, Some((11, 19))),
            (9, 20, false, Some((10, 20))),
            (10, 21, false, Some((10, 20))),
            (19, 25, false, Some((19, 20))),
            (20, 25, false, None),
            (5, 11, false, Some((10, 11))),
            (5, 10, false, None),
        ];
        for (start, end, is_inside, shared) in cases {
            let other = Interval { start, end };
            assert_eq!(whole.contains(&other), is_inside, "{other:?}");
            assert_eq!(whole.overlaps(&other), shared.is_some(), "{other:?}");
            let shared = shared.map(|(start, end)| Interval { start, end });
            assert_eq!(whole.intersection(&other), shared, "{other:?}");
        }
    }

    #[test]
    fn a_set_shows_its_intervals_in_order() {
        let intervals = [Interval { start: 1, end: 3 }, Interval { start: 5, end: 9 }];
        let open = set(&[(5, 9), (1, 3)]);
        assert_eq!(open.as_slice(), intervals);
        assert_eq!(open.iter().copied().collect::<Vec<_>>(), intervals);
        assert_eq!((&open).into_iter().count(), 2);
        assert_eq!(open.clone().into_iter().collect::<Vec<_>>(), intervals);
        assert!(!open.is_empty());
        assert!(set(&[]).is_empty() && IntervalSet::<u8>::default().is_empty());
    }

    #[test]
    fn a_set_does_not_contain_an_interval_across_a_gap() {
        let open = set(&[(10, 12), (13, 19)]);
        assert!(open.contains(&Interval { start: 13, end: 19 }));
        assert!(!open.contains(&Interval { start: 11, end: 14 }));
        assert!(!open.contains(&Interval { start: 12, end: 13 }));
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_point_membership(a in any_set(), b in any_set()) {
            let results = [a.union(&b), a.intersection(&b), a.difference(&b)];
            for point in 0..=90 {
                let (in_a, in_b) = (has(&a, point), has(&b, point));
                let expected = [in_a || in_b, in_a && in_b, in_a && !in_b];
                for (result, expected) in results.iter().zip(expected) {
                    prop_assert_eq!(has(result, point), expected, "at {}", point);
                }
            }
            for result in &results {
                prop_assert!(is_normal(result), "{:?} overlaps or touches", result);
            }
        }

        #[test]
        fn contains_and_overlaps_agree_with_membership(a in any_set(), start in 0_u8..80, length in 1_u8..10) {
            let probe = Interval { start, end: start + length };
            prop_assert_eq!(a.contains(&probe), (probe.start..probe.end).all(|point| has(&a, point)));
            prop_assert_eq!(a.overlaps(&probe), (probe.start..probe.end).any(|point| has(&a, point)));
        }
    }
}
