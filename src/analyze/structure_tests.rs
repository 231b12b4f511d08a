use super::*;
use crate::analyze::random;

fn unit(rows: &[[f32; 2]]) -> Matrix {
    Matrix::new(rows.len(), 2, rows.concat()).unwrap().normalised()
}

/// Points on the circle at these angles, in degrees.
fn circle(degrees: &[f32]) -> Matrix {
    unit(&degrees.iter().map(|a| [a.to_radians().cos(), a.to_radians().sin()]).collect::<Vec<_>>())
}

#[test]
fn triplets_are_distinct_in_range_fixed_and_even() {
    let set = triplets(5, 30_000, 3);
    assert_eq!(set, triplets(5, 30_000, 3));
    assert_ne!(set, triplets(5, 30_000, 4));
    let mut counts = std::collections::HashMap::new();
    for t in &set {
        assert!(t.iter().all(|&i| i < 5) && t[0] != t[1] && t[0] != t[2] && t[1] != t[2]);
        *counts.entry(*t).or_insert(0) += 1;
    }
    // 60 possible triplets, 500 expected each, standard deviation 22.
    assert_eq!(counts.len(), 60);
    assert!(counts.values().all(|c| (390..610).contains(c)), "{counts:?}");
    assert!(triplets(2, 10, 0).is_empty());
}

#[test]
fn order_agreement_by_hand() {
    // Anchor 0: images order 1, 2, 3; texts 1, 3, 2; row 4 is tied with row 1 among the images.
    let v = circle(&[0.0, 10.0, 20.0, 30.0, 10.0]);
    let t = circle(&[0.0, 10.0, 30.0, 20.0, 50.0]);
    let set = [[0, 1, 2], [0, 2, 3], [0, 3, 1], [0, 1, 4]];
    assert_eq!(order_agreement(&v, &t, &set).unwrap(), Some(2.0 / 3.0));
    assert_eq!(order_agreement(&v, &t, &set[3..]).unwrap(), None);
    assert_eq!(order_agreement(&v, &v, &set).unwrap(), Some(1.0));
    let nan = Matrix::new(5, 2, vec![f32::NAN; 10]).unwrap();
    assert_eq!(order_agreement(&nan, &t, &set).unwrap(), Some(0.0));
    assert!(order_agreement(&v, &circle(&[0.0]), &set).is_err());
}

#[test]
fn order_agreement_of_unrelated_spaces_is_a_half() {
    let mut rng = random::rng(1);
    let (v, t) = (random::matrix(&mut rng, 300, 8).normalised(), random::matrix(&mut rng, 300, 5).normalised());
    let agreement = order_agreement(&v, &t, &triplets(300, 20_000, 0)).unwrap().unwrap();
    assert!((agreement - 0.5).abs() < 0.02, "{agreement}");
}

#[test]
fn overlap_by_hand_and_against_sets() {
    let v = circle(&[0.0, 10.0, 25.0, 80.0]);
    let t = circle(&[0.0, 70.0, 25.0, 60.0]);
    // Nearest: images 0→1, 1→0, 2→1, 3→2; texts 0→2, 1→3, 2→0, 3→1.
    assert_eq!(overlap_at_k(&v, &t, 1).unwrap(), Some(0.0));
    // Two nearest: images 12, 02, 10, 21; texts 23, 32, 03, 12: shared 1, 1, 1, 2 of 2.
    assert_eq!(overlap_at_k(&v, &t, 2).unwrap(), Some(5.0 / 8.0));
    assert_eq!(overlap_at_k(&v, &t, 99).unwrap(), Some(1.0), "k is cut to n - 1");

    for seed in 0..20 {
        let mut rng = random::rng(seed);
        let (v, t) = (random::matrix(&mut rng, 40, 6).normalised(), random::matrix(&mut rng, 40, 9).normalised());
        let near = |x: &Matrix, i: usize| -> Vec<usize> {
            let mut others: Vec<usize> = (0..40).filter(|j| *j != i).collect();
            others.sort_by(|a, b| dot(x.row(i), x.row(*b)).total_cmp(&dot(x.row(i), x.row(*a))));
            others[..7].to_vec()
        };
        let shared: usize = (0..40).map(|i| near(&v, i).iter().filter(|j| near(&t, i).contains(j)).count()).sum();
        assert_eq!(overlap_at_k(&v, &t, 7).unwrap(), Some(shared as f64 / 280.0));
        assert_eq!(overlap_at_k(&v, &v, 7).unwrap(), Some(1.0));
    }
}

#[test]
fn a_collapsed_space_does_not_look_like_agreement() {
    let same = Matrix::new(20, 2, [1.0, 0.0].repeat(20)).unwrap();
    assert_eq!(order_agreement(&same, &same, &triplets(20, 100, 0)).unwrap(), None);
    let overlap = overlap_at_k(&same, &same, 5).unwrap().unwrap();
    assert!(overlap < 0.1, "{overlap}");
    assert_eq!((uniformity(&same), spread(&same)), (Some(0.0), Spread { min: 0.0, mean: 0.0 }));
}

#[test]
fn gap_alignment_uniformity_spread_by_hand() {
    let v = unit(&[[1.0, 0.0], [-1.0, 0.0]]);
    let t = unit(&[[0.0, 1.0], [0.0, 5.0]]);
    assert_eq!(modality_gap(&v, &t).unwrap(), Some(1.0));
    assert_eq!(alignment(&v, &t).unwrap(), Some(2.0));
    assert!((uniformity(&v).unwrap() + 8.0).abs() < 1e-6);
    assert_eq!(uniformity(&t), Some(0.0));
    assert_eq!(spread(&v), Spread { min: 0.0, mean: 0.5 });
    // Three points at 120 degrees: every squared distance is 3.
    let u = uniformity(&circle(&[0.0, 120.0, 240.0])).unwrap();
    assert!((u + 6.0).abs() < 1e-5);
}

#[test]
fn too_few_rows_are_undefined_and_nan_is_shown() {
    for n in 0..2 {
        let x = Matrix::new(n, 2, [1.0, 0.0].repeat(n)).unwrap();
        assert_eq!(order_agreement(&x, &x, &triplets(n, 10, 0)).unwrap(), None);
        assert_eq!((overlap_at_k(&x, &x, 3).unwrap(), uniformity(&x)), (None, None));
        assert_eq!(alignment(&x, &x).unwrap(), (n > 0).then_some(0.0));
    }
    let nan = Matrix::new(3, 1, vec![1.0, f32::NAN, 1.0]).unwrap();
    assert!(spread(&nan).min.is_nan() && uniformity(&nan).unwrap().is_nan());
}
