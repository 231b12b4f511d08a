//! Medians, percentiles and exponents.

/// Median and 95th percentile: the smallest value that at least half, or 95 in 100, of the values do not exceed. None of nothing.
pub fn quantiles(values: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |hundredths: usize| sorted.get((sorted.len() * hundredths).div_ceil(100).max(1) - 1).copied();
    Some((at(50)?, at(95)?))
}

/// The exponent `e` of `y = c x^e` by least squares on the logarithms. None for fewer than two sizes, or a value that is not
/// positive.
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.iter().any(|(x, y)| !(*x > 0.0 && *y > 0.0)) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of points")]
    let n = points.len() as f64;
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let (mean_x, mean_y) = (logs.iter().map(|p| p.0).sum::<f64>() / n, logs.iter().map(|p| p.1).sum::<f64>() / n);
    let spread: f64 = logs.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    (spread > 0.0).then(|| logs.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum::<f64>() / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantiles(&hundred), Some((50.0, 95.0)));
        assert_eq!(quantiles(&[3.0, 1.0, 2.0]), Some((2.0, 3.0)));
        assert_eq!(quantiles(&[]), None);
    }

    #[test]
    fn exponents_of_powers_are_found_and_noise_moves_them_little() {
        let power = |e: f64| [1.0, 2.0, 8.0, 64.0].map(|x: f64| (x, 3.0 * x.powf(e)));
        for e in [0.0, 1.0, 2.0, 3.0, -1.5] {
            assert!((exponent(&power(e)).unwrap() - e).abs() < 1e-9, "{e}");
        }
        let noisy = [(1e3, 1.1), (1e4, 9.5), (1e5, 103.0), (1e6, 980.0)];
        assert!((exponent(&noisy).unwrap() - 1.0).abs() < 0.02);
        assert_eq!(exponent(&[(2.0, 5.0)]), None);
        assert_eq!(exponent(&[(2.0, 5.0), (2.0, 6.0)]), None);
        assert_eq!(exponent(&[(1.0, 0.0), (2.0, 1.0)]), None);
    }
}
