use super::*;
use crate::analyze::random;

/// `n` rows whose variances fall off along random orthogonal axes.
fn ellipsoid(seed: u64, n: usize, d: usize) -> Matrix {
    let mut rng = random::rng(seed);
    let axes = view(&random::matrix(&mut rng, d, d)).clone_owned().qr().q();
    let mut x = random::matrix(&mut rng, n, d);
    for i in 0..n {
        x.row_mut(i).iter_mut().enumerate().for_each(|(c, v)| *v *= 0.7f32.powi(c as i32));
    }
    let mut x = product(&x, &axes);
    x.data.iter_mut().for_each(|v| *v += 3.0);
    x
}

/// Mean distance between rows of two frames, relative to the size of the first.
fn movement(a: &Matrix, b: &Matrix) -> f64 {
    let norm = |m: &mut dyn Iterator<Item = f64>| m.map(|x| x * x).sum::<f64>().sqrt();
    let moved = norm(&mut a.data.iter().zip(&b.data).map(|(x, y)| f64::from(x - y)));
    moved / norm(&mut a.data.iter().map(|x| f64::from(*x)))
}

#[test]
fn equals_the_eigenvectors_of_the_covariance() {
    for (seed, n, d) in [(1, 200, 12), (2, 30, 40), (3, 500, 3), (4, 150, 70)] {
        let rows = ellipsoid(seed, n, d);
        let found = Projector::new(3, 0).unwrap().project(&rows).unwrap();
        let x = view(&centred(&rows, &mean_row(&rows))).clone_owned().cast::<f64>();
        let eigen = (x.transpose() * &x).symmetric_eigen();
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        for (c, from) in order.into_iter().take(3).enumerate() {
            let expected = &x * eigen.eigenvectors.column(from);
            let found: Vec<f64> = (0..n).map(|i| f64::from(found.row(i)[c])).collect();
            let inner: f64 = expected.iter().zip(&found).map(|(a, b)| a * b).sum();
            let off: f64 = expected.iter().zip(&found).map(|(a, b)| (a - b * inner.signum()).powi(2)).sum();
            assert!(off.sqrt() < 5e-3 * expected.norm(), "n {n}, d {d}, axis {c}: {off}");
        }
    }
}

#[test]
fn a_rotated_space_gives_the_same_picture() {
    let rows = ellipsoid(4, 100, 10);
    let turn = view(&random::matrix(&mut random::rng(9), 10, 10)).clone_owned().qr().q();
    let mut projector = Projector::new(2, 0).unwrap();
    let first = projector.project(&rows).unwrap();
    let second = projector.project(&product(&rows, &turn)).unwrap();
    assert!(movement(&first, &second) < 5e-3, "{}", movement(&first, &second));
}

#[test]
fn stays_put_where_two_axes_swap() {
    // Variances 1.02 and 0.98, then 0.98 and 1.02: the principal axes swap, the points hardly move.
    let base = random::matrix(&mut random::rng(5), 400, 6);
    let stretched = |a: f32, b: f32| {
        let mut x = base.clone();
        (0..400).for_each(|i| x.row_mut(i).iter_mut().zip([a, b, 0.2, 0.1, 0.1, 0.1]).for_each(|(v, s)| *v *= s));
        x
    };
    let mut projector = Projector::new(2, 0).unwrap();
    let first = projector.project(&stretched(1.02, 0.98)).unwrap();
    let second = projector.project(&stretched(0.98, 1.02)).unwrap();
    assert!(movement(&first, &second) < 0.06, "{}", movement(&first, &second));
    let alone = Projector::new(2, 0).unwrap().project(&stretched(0.90, 1.10)).unwrap();
    assert!(movement(&first, &alone) > 0.5, "without alignment it would jump: {}", movement(&first, &alone));
}

#[test]
fn alignment_does_not_scale() {
    let rows = ellipsoid(6, 80, 5);
    let mut projector = Projector::new(2, 0).unwrap();
    let first = projector.project(&rows).unwrap();
    let mut twice = rows.clone();
    twice.data.iter_mut().for_each(|v| *v *= 2.0);
    let second = projector.project(&twice).unwrap();
    for (a, b) in first.data.iter().zip(&second.data) {
        assert!((2.0 * a - b).abs() < 2e-2, "{a} {b}");
    }
}

#[test]
fn procrustes_recovers_a_reflection() {
    let y = random::matrix(&mut random::rng(7), 20, 2);
    let (sin, cos) = 0.7f32.sin_cos();
    let reflect = DMatrix::from_row_slice(2, 2, &[cos, sin, sin, -cos]);
    assert!((procrustes(&y, &product(&y, &reflect)) - reflect).norm() < 1e-5);
}

#[test]
fn degenerate_rows_give_zeros() {
    let mut projector = Projector::new(2, 0).unwrap();
    for n in [0, 1, 7] {
        let equal = Matrix::new(n, 3, [0.1, 0.2, 0.7].repeat(n)).unwrap();
        assert_eq!(projector.project(&equal).unwrap(), Matrix::zeros(n, 2), "{n} equal rows");
    }
    // Out of the degenerate state the picture recovers; two rows are a line.
    let two = Matrix::new(2, 3, vec![0.0, 0.0, 0.0, 0.0, 3.0, 4.0]).unwrap();
    let found = Projector::new(2, 0).unwrap().project(&two).unwrap();
    for (got, want) in found.data.iter().zip([-2.5f32, 0.0, 2.5, 0.0]) {
        assert!((got - want).abs() < 1e-5, "{found:?}");
    }
    let rows = ellipsoid(8, 7, 3);
    assert!(projector.project(&rows).unwrap().data.iter().all(|v| v.is_finite()));
    assert!(movement(projector.previous().unwrap(), &Matrix::zeros(7, 2)) > 0.9);
    // More dimensions than the data has.
    let narrow = Projector::new(3, 0).unwrap().project(&ellipsoid(8, 7, 1)).unwrap();
    assert!((0..7).all(|i| narrow.row(i)[0] != 0.0 && narrow.row(i)[1..] == [0.0, 0.0]));
}

#[test]
fn places_a_query_where_the_row_itself_lies() {
    let rows = ellipsoid(10, 50, 6);
    let mut projector = Projector::new(2, 0).unwrap();
    assert!(projector.place(&rows).is_err());
    projector.project(&rows).unwrap();
    let frame = projector.project(&ellipsoid(11, 50, 6)).unwrap();
    let placed = projector.place(&ellipsoid(11, 50, 6).select([17])).unwrap();
    assert!(placed.data.iter().zip(frame.row(17)).all(|(a, b)| (a - b).abs() < 1e-5));
    assert!(projector.place(&Matrix::zeros(1, 5)).is_err());
}

#[test]
fn unusable_input_is_an_error_and_keeps_the_frame() {
    assert!(Projector::new(0, 0).is_err());
    let mut projector = Projector::new(2, 0).unwrap();
    let first = projector.project(&ellipsoid(12, 9, 4)).unwrap();
    let mut broken = ellipsoid(12, 9, 4);
    broken.data[7] = f32::NAN;
    assert!(projector.project(&broken).is_err());
    assert_eq!(projector.previous(), Some(&first));
}
