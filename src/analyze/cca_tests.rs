use super::*;
use crate::analyze::random;
use crate::matrix::dot;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    name: String,
    x: Vec<Vec<f32>>,
    y: Vec<Vec<f32>>,
    dim: usize,
    ridge: f64,
    power: f64,
    correlations: Vec<f32>,
    x_mean: Vec<f32>,
    x_map: Vec<Vec<f32>>,
    y_map: Vec<Vec<f32>>,
}

fn matrix(rows: &[Vec<f32>]) -> Matrix {
    Matrix::new(rows.len(), rows[0].len(), rows.concat()).unwrap()
}

fn close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-3f32, |a, b| a.max(b.abs()));
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() <= tolerance * scale, "{what}: {g} instead of {w}");
    }
}

/// Two noisy linear images of one hidden table.
fn pairs(seed: u64, n: usize, dx: usize, dy: usize, hidden: usize) -> (Matrix, Matrix) {
    let mut rng = random::rng(seed);
    let z = random::matrix(&mut rng, n, hidden);
    let mut side = |d: usize| {
        let map = random::matrix(&mut rng, hidden, d);
        let mut x = product(&z, &DMatrix::from_row_slice(hidden, d, &map.data));
        let noise = random::matrix(&mut rng, n, d);
        x.data.iter_mut().zip(noise.data).for_each(|(x, e)| *x += 0.3 * e + 2.0);
        x
    };
    (side(dx), side(dy))
}

#[test]
fn equal_to_an_independent_implementation() {
    let cases: Vec<Golden> = serde_json::from_str(include_str!("../../tests/golden/cca.json")).unwrap();
    assert!(cases.len() >= 4);
    for c in cases {
        let options = CcaOptions { dim: c.dim, ridge: c.ridge, power: c.power };
        let found = Cca::fit(&matrix(&c.x), &matrix(&c.y), &options).unwrap();
        close(&format!("{}: correlations", c.name), &found.correlations, &c.correlations, 1e-5);
        close(&format!("{}: mean", c.name), &found.x_mean, &c.x_mean, 1e-6);
        close(&format!("{}: x map", c.name), &found.x_map.data, &c.x_map.concat(), 1e-4);
        close(&format!("{}: y map", c.name), &found.y_map.data, &c.y_map.concat(), 1e-4);
    }
}

#[test]
fn variates_are_uncorrelated_and_correlate_as_stated() {
    let (x, y) = pairs(1, 400, 9, 7, 4);
    let fit = Cca::fit(&x, &y, &CcaOptions { dim: 7, ridge: 0.0, power: 0.0 }).unwrap();
    let (u, v) = (fit.project_x(&x).unwrap(), fit.project_y(&y).unwrap());
    let covariance = |a: &Matrix, i: usize, b: &Matrix, j: usize| {
        (0..400).map(|r| f64::from(a.row(r)[i]) * f64::from(b.row(r)[j])).sum::<f64>() / 400.0
    };
    for i in 0..7 {
        for j in 0..7 {
            let same = f64::from(u8::from(i == j));
            assert!((covariance(&u, i, &u, j) - same).abs() < 1e-4);
            assert!((covariance(&v, i, &v, j) - same).abs() < 1e-4);
            assert!((covariance(&u, i, &v, j) - same * f64::from(fit.correlations[i])).abs() < 1e-4);
        }
    }
    assert!(fit.correlations[3] > 0.9 && fit.correlations[4] < 0.4, "{:?}", fit.correlations);
}

#[test]
fn pairs_find_each_other_by_cosine() {
    let (x, y) = pairs(2, 200, 30, 20, 8);
    let fit = Cca::fit(&x, &y, &CcaOptions { dim: 16, ..CcaOptions::default() }).unwrap();
    let (u, v) = (fit.project_x(&x).unwrap().normalised(), fit.project_y(&y).unwrap().normalised());
    let first = |i: usize| (0..200).filter(|j| dot(u.row(i), v.row(*j)) > dot(u.row(i), v.row(i))).count() == 0;
    assert!((0..200).filter(|i| first(*i)).count() > 190);
}

#[test]
fn scaling_a_side_changes_nothing_but_its_map() {
    let (x, y) = pairs(3, 60, 5, 4, 3);
    let mut big = x.clone();
    big.data.iter_mut().for_each(|v| *v *= 8.0);
    let options = CcaOptions { dim: 4, ..CcaOptions::default() };
    let (a, b) = (Cca::fit(&x, &y, &options).unwrap(), Cca::fit(&big, &y, &options).unwrap());
    close("correlations", &b.correlations, &a.correlations, 1e-5);
    close("variates", &b.project_x(&big).unwrap().data, &a.project_x(&x).unwrap().data, 1e-4);
}

#[test]
fn more_dimensions_than_directions_are_zero_columns() {
    let (x, y) = pairs(4, 50, 6, 3, 2);
    let fit = Cca::fit(&x, &y, &CcaOptions { dim: 10, ridge: 0.01, power: 1.0 }).unwrap();
    assert_eq!((fit.x_map.cols, fit.y_map.cols, fit.correlations.len()), (10, 10, 10));
    assert!(fit.correlations[2] > 0.0 && fit.correlations[3..].iter().all(|r| *r == 0.0));
    assert!((0..6).all(|r| fit.x_map.row(r)[3..].iter().all(|w| *w == 0.0)));

    // Fewer pairs than features, a constant and a repeated feature, no ridge: still finite.
    let (mut x, y) = pairs(5, 8, 20, 15, 4);
    (0..8).for_each(|i| {
        x.row_mut(i)[0] = 1.0;
        x.row_mut(i)[1] = x.row(i)[2];
    });
    let fit = Cca::fit(&x, &y, &CcaOptions { dim: 12, ridge: 0.0, power: 1.0 }).unwrap();
    assert!(fit.x_map.data.iter().chain(&fit.y_map.data).all(|w| w.is_finite()));
    assert!(fit.correlations[..7].iter().all(|r| *r > 0.99), "eight pairs fit perfectly: {:?}", fit.correlations);
    assert!(fit.correlations[7..].iter().all(|r| *r < 1e-2), "{:?}", fit.correlations);

    let flat = Cca::fit(&Matrix::zeros(8, 3), &y, &CcaOptions::default()).unwrap();
    assert!(flat.x_map.data.iter().chain(&flat.correlations).all(|w| *w == 0.0));
}

#[test]
fn unusable_input_is_an_error() {
    let (x, y) = pairs(6, 10, 3, 3, 2);
    let options = CcaOptions::default();
    assert!(Cca::fit(&x, &y.select(0..9), &options).is_err());
    assert!(Cca::fit(&x.select([0]), &y.select([0]), &options).is_err());
    assert!(Cca::fit(&x, &y, &CcaOptions { ridge: -0.1, ..options }).is_err());
    assert!(Cca::fit(&x, &y, &CcaOptions { ridge: f64::NAN, ..options }).is_err());
    let mut broken = y.clone();
    broken.data[4] = f32::NAN;
    assert!(Cca::fit(&x, &broken, &options).unwrap_err().to_string().contains("row 1"));
    let fit = Cca::fit(&x, &y, &options).unwrap();
    assert!(fit.project_x(&Matrix::zeros(1, 4)).is_err());
}
