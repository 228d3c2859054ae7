//! Medians, percentiles and slopes.

/// The median of some values, with the lowest and the highest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The middle value, or the mean of the two in the middle.
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Spread {
    /// Returns the spread of some values, or `None` for no values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
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

    /// Whether the two ranges have no value in common.
    pub(crate) fn is_apart_from(&self, other: &Self) -> bool {
        self.highest < other.lowest || other.highest < self.lowest
    }
}

/// Returns the median of some values, or 0 for no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    Spread::of(values).map_or(0.0, |spread| spread.median)
}

/// Returns a percentile by the nearest rank, so that it is a measured value.
pub(crate) fn percentile(values: &[f64], per_mille: usize) -> Option<f64> {
    let rank = (values.len() * per_mille).div_ceil(1000).max(1);
    sorted(values).get(rank - 1).copied()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Returns the slope of the least-squares line through points, or 0 without such a line.
#[expect(clippy::cast_precision_loss, reason = "some hundred points")]
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_median_and_both_ends() {
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
            (&thousand, 999, 999.0),
            (&thousand, 1000, 1000.0),
            (&ten, 0, 1.0),
            (&ten, 501, 6.0),
            (&ten, 999, 10.0),
        ] {
            assert_eq!(percentile(values, per_mille), Some(expected), "{per_mille} of 1000");
        }
        assert_eq!(percentile(&[], 500), None);
    }

    #[test]
    fn spreads_are_apart_only_without_a_common_value() {
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

    #[test]
    fn a_slope_is_that_of_the_least_squares() {
        for (points, expected) in [
            (&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)][..], 2.0),
            (&[(0.0, 4.0), (5.0, 4.0)], 0.0),
            (&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (3.0, 1.0)], 0.2),
            (&[(1.0, 9.0)], 0.0),
            (&[(1.0, 9.0), (1.0, 3.0)], 0.0),
            (&[], 0.0),
        ] {
            assert!((slope(points) - expected).abs() < 1e-9, "{points:?}: {}", slope(points));
        }
    }
}
