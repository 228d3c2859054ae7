//! Medians, percentiles and spreads.

use serde::{Deserialize, Serialize};

/// The middle of some values, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// The middle value; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Spread {
    /// Returns the spread of some values; `None` if there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let sorted = sorted(values);
        let (lowest, highest) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Some(Self { median, lowest, highest })
    }

    /// Whether no value of one lies within the values of the other.
    #[must_use]
    pub fn is_apart_from(&self, other: &Self) -> bool {
        self.highest < other.lowest || other.highest < self.lowest
    }
}

/// Returns the smallest of `values` that `per_mille` of them do not exceed: the
/// nearest rank, so it is one that was measured.
#[must_use]
pub(crate) fn percentile(values: &[f64], per_mille: usize) -> Option<f64> {
    let rank = (values.len() * per_mille).div_ceil(1000).max(1);
    sorted(values).get(rank - 1).copied()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_middle_and_both_ends() {
        for (values, expected) in [
            (&[][..], None),
            (&[7.0], Some((7.0, 7.0, 7.0))),
            (&[9.0, 1.0], Some((5.0, 1.0, 9.0))),
            (&[3.0, 9.0, 1.0], Some((3.0, 1.0, 9.0))),
            (&[4.0, 1.0, 2.0, 100.0], Some((3.0, 1.0, 100.0))),
        ] {
            let expected =
                expected.map(|(median, lowest, highest)| Spread { median, lowest, highest });
            assert_eq!(Spread::of(values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let thousand: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        let ten: Vec<f64> = (1..=10).map(f64::from).collect();
        for (values, per_mille, expected) in [
            (&thousand, 500, 500.0),
            (&thousand, 990, 990.0),
            (&thousand, 999, 999.0),
            (&thousand, 1000, 1000.0),
            (&ten, 0, 1.0),
            (&ten, 500, 5.0),
            (&ten, 501, 6.0),
            (&ten, 999, 10.0),
        ] {
            assert_eq!(percentile(values, per_mille), Some(expected), "{per_mille} of 1000");
        }
        assert_eq!(percentile(&[], 500), None);
    }

    #[test]
    fn spreads_are_apart_only_if_they_share_nothing() {
        let spread = |lowest, highest| Spread { median: lowest, lowest, highest };
        for (one, other, expected) in [
            (spread(1.0, 2.0), spread(2.1, 3.0), true),
            (spread(2.1, 3.0), spread(1.0, 2.0), true),
            (spread(1.0, 2.0), spread(2.0, 3.0), false),
            (spread(1.0, 9.0), spread(4.0, 5.0), false),
        ] {
            assert_eq!(one.is_apart_from(&other), expected, "{one:?} {other:?}");
        }
    }
}
