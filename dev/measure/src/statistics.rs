//! Medians, percentiles and slopes. Without values, they are not a number.

/// Returns the middle value, or the mean of the two in the middle. Ignores what is not a
/// number.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let sorted = sorted(values.into_iter().filter(|value| value.is_finite()));
    let count = sorted.len();
    if count == 0 { f64::NAN } else { f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]) }
}

/// Returns a percentile by the nearest rank, so that it is a measured value.
pub(crate) fn percentile(values: &[f64], per_mille: usize) -> f64 {
    let rank = (values.len() * per_mille).div_ceil(1000).max(1);
    sorted(values.iter().copied()).get(rank - 1).copied().unwrap_or(f64::NAN)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Returns the slope of the least-squares line through points, or 0 if all have one `x`.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let count = float(points.len());
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes are far below 2^52")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_value_or_between_the_two_in_the_middle() {
        for (values, expected) in [
            (&[7.0][..], 7.0),
            (&[9.0, 1.0], 5.0),
            (&[3.0, 9.0, f64::NAN, 1.0], 3.0),
            (&[4.0, 1.0, 2.0, 100.0], 3.0),
        ] {
            assert!((median(values.iter().copied()) - expected).abs() < 1e-9, "{values:?}");
        }
        assert!(median([]).is_nan());
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
            let found = percentile(values, per_mille);
            assert!((found - expected).abs() < 1e-9, "{per_mille} of 1000: {found}");
        }
        assert!(percentile(&[], 500).is_nan());
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
