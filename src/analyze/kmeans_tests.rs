use super::*;
use crate::analyze::clustering::scores;
use crate::analyze::random;

/// `per` rows around each of `k` far-apart centres, interleaved; with the true labels.
fn blobs(seed: u64, k: usize, per: usize, d: usize, offset: f32) -> (Matrix, Vec<usize>) {
    let mut rng = random::rng(seed);
    let centres = random::matrix(&mut rng, k, d);
    let truth: Vec<usize> = (0..k * per).map(|i| i % k).collect();
    let mut rows = random::matrix(&mut rng, k * per, d);
    for (i, &c) in truth.iter().enumerate() {
        rows.row_mut(i).iter_mut().zip(centres.row(c)).for_each(|(x, m)| *x = 0.05 * *x + 3.0 * m + offset);
    }
    (rows, truth)
}

#[test]
fn finds_separate_blobs_also_far_from_the_origin() {
    for offset in [0.0, 1000.0] {
        let (rows, truth) = blobs(1, 8, 30, 12, offset);
        let found = kmeans(&rows, 8, RESTARTS, 7).unwrap();
        assert_eq!(scores(&truth, &found.labels).unwrap().ari, 1.0, "offset {offset}");
        // Within-cluster variance 0.05² per dimension, less the degrees of freedom of the means.
        let expected = 0.0025 * 12.0 * f64::from(8 * 29);
        assert!((found.inertia / expected - 1.0).abs() < 0.15, "{} {expected}", found.inertia);
    }
}

#[test]
fn equals_the_best_of_all_partitions_of_a_small_set() {
    for seed in 0..10 {
        let x = random::matrix(&mut random::rng(seed), 8, 2);
        let inertia = |labels: &[usize]| -> f64 {
            (0..3)
                .map(|c| {
                    let rows = x.select((0..8).filter(|i| labels[*i] == c));
                    let mean = mean_row(&rows);
                    (0..rows.rows)
                        .map(|i| rows.row(i).iter().zip(&mean).map(|(v, m)| (f64::from(*v) - m).powi(2)).sum::<f64>())
                        .sum::<f64>()
                })
                .sum()
        };
        let best = (0..3usize.pow(8))
            .map(|code| inertia(&(0..8).map(|i| code / 3usize.pow(i) % 3).collect::<Vec<_>>()))
            .fold(f64::INFINITY, f64::min);
        let found = kmeans(&x, 3, 50, seed).unwrap();
        assert!((found.inertia - best).abs() < 1e-5 * best, "seed {seed}: {} {best}", found.inertia);
        assert!((inertia(&found.labels) - found.inertia).abs() < 1e-5 * best);
    }
}

#[test]
fn the_result_is_a_fixed_point_and_repeats() {
    let x = random::matrix(&mut random::rng(5), 200, 7);
    let found = kmeans(&x, 6, 3, 11).unwrap();
    assert_eq!(found, kmeans(&x, 6, 3, 11).unwrap());
    assert_ne!(found.centroids, kmeans(&x, 6, 3, 12).unwrap().centroids);
    for i in 0..200 {
        let d = |c: usize| squared_distance(x.row(i), found.centroids.row(c));
        assert!((0..6).all(|c| d(found.labels[i]) <= d(c) + 1e-5), "row {i} is nearer to another centroid");
    }
    // More restarts include the first ones, so they cannot do worse.
    assert!(kmeans(&x, 6, 10, 11).unwrap().inertia <= found.inertia);
}

#[test]
fn more_clusters_than_rows_or_than_distinct_rows() {
    let x = random::matrix(&mut random::rng(6), 5, 3);
    let found = kmeans(&x, 9, 2, 0).unwrap();
    let mut labels = found.labels.clone();
    labels.sort_unstable();
    assert_eq!((labels, found.centroids.rows), (vec![0, 1, 2, 3, 4], 5));
    assert!(found.inertia < 1e-9);

    let twice = x.select([0, 1, 0, 1, 1]);
    let found = kmeans(&twice, 3, 2, 0).unwrap();
    assert_eq!(found.centroids.rows, 2);
    assert_eq!(scores(&[0, 1, 0, 1, 1], &found.labels).unwrap().ari, 1.0);

    let equal = kmeans(&Matrix::new(4, 2, vec![0.5; 8]).unwrap(), 3, 2, 0).unwrap();
    assert_eq!((equal.labels, equal.centroids.data, equal.inertia), (vec![0; 4], vec![0.5, 0.5], 0.0));
    assert_eq!(kmeans(&Matrix::zeros(1, 2), 1, 1, 0).unwrap().labels, [0]);
}

#[test]
fn an_empty_cluster_takes_the_farthest_row() {
    // All rows are nearest to centroid 0; the farthest from it is row 3.
    let x = Matrix::new(4, 1, vec![0.0, 1.0, 2.0, 9.0]).unwrap();
    let mut centroids = Matrix::new(2, 1, vec![1.0, -50.0]).unwrap();
    let mut labels = assign(&x, &centroids);
    assert_eq!(labels, [0; 4]);
    let moved = update(&x, &mut labels, &mut centroids);
    assert_eq!((labels, centroids.data), (vec![0, 0, 0, 1], vec![1.0, 9.0]));
    assert_eq!(moved, 59.0 * 59.0);
}

#[test]
fn assignment_equals_brute_force() {
    for (seed, k) in [(0, 1), (1, 4), (2, 6), (3, 13)] {
        let mut rng = random::rng(seed);
        let (x, c) = (random::matrix(&mut rng, 90, 10), random::matrix(&mut rng, k, 10));
        for (i, label) in assign(&x, &c).into_iter().enumerate() {
            let best = (0..k).map(|j| squared_distance(x.row(i), c.row(j))).fold(f64::INFINITY, f64::min);
            assert!(squared_distance(x.row(i), c.row(label)) <= best + 1e-5);
        }
    }
}

#[test]
fn unusable_input_is_an_error() {
    let x = Matrix::zeros(3, 2);
    assert!(kmeans(&x, 0, 1, 0).is_err());
    assert!(kmeans(&x, 1, 0, 0).is_err());
    assert!(kmeans(&Matrix::zeros(0, 2), 1, 1, 0).is_err());
    for bad in [f32::NAN, f32::INFINITY] {
        let mut x = x.clone();
        x.data[4] = bad;
        let error = kmeans(&x, 2, 1, 0).unwrap_err().to_string();
        assert!(error.contains("row 2"), "{error}");
    }
}

#[derive(serde::Deserialize)]
struct Golden {
    k: usize,
    cols: usize,
    rows: Vec<f32>,
    truth: Vec<usize>,
    labels: Vec<usize>,
    inertia: f64,
    ami: f64,
}

#[test]
fn agrees_with_scikit_learn_on_handwritten_digits() {
    let cases: Vec<Golden> = serde_json::from_str(include_str!("../../tests/golden/kmeans.json")).unwrap();
    for case in cases {
        let x = Matrix::new(case.rows.len() / case.cols, case.cols, case.rows).unwrap();
        let found = kmeans(&x, case.k, 500, 1).unwrap();
        assert!((found.inertia / case.inertia - 1.0).abs() < 1e-4, "{} {}", found.inertia, case.inertia);
        assert!(scores(&case.labels, &found.labels).unwrap().ari > 0.999);
        assert!((scores(&case.truth, &found.labels).unwrap().ami - case.ami).abs() < 1e-3);
    }
}
