use super::*;
use crate::analyze::random;
use rand::Rng as _;

/// A score table as `ranks` wants it, from `s[image][text]`.
fn table(s: &[Vec<f32>]) -> impl Fn(Range<usize>) -> Matrix {
    |block| {
        let data = block.clone().flat_map(|j| s.iter().map(move |row| row[j])).collect();
        Matrix::new(block.len(), s.len(), data).unwrap()
    }
}

/// The definition, written the slow way: sort-free counting per query over a full score table.
fn oracle(pairing: &Pairing, s: &[Vec<f32>]) -> (Vec<usize>, Vec<usize>) {
    let rank = |right: Vec<f32>, wrong: Vec<f32>| {
        right.iter().map(|r| 1 + wrong.iter().filter(|w| w.is_nan() || r.is_nan() || **w >= *r).count()).min()
    };
    let split = |pairs: Vec<(bool, f32)>| {
        let (right, wrong): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|p| p.0);
        rank(right.into_iter().map(|p| p.1).collect(), wrong.into_iter().map(|p| p.1).collect())
    };
    let (g, m) = (pairing.images.len(), pairing.texts.len());
    let i2t = (0..g).filter_map(|i| split((0..m).map(|j| (pairing.images[i] == pairing.texts[j], s[i][j])).collect()));
    let t2i = (0..m).filter_map(|j| split((0..g).map(|i| (pairing.images[i] == pairing.texts[j], s[i][j])).collect()));
    (i2t.collect(), t2i.collect())
}

#[test]
fn ranks_equal_the_definition_on_random_tables_with_ties_and_nan() {
    for seed in 0..60 {
        let mut rng = random::rng(seed);
        let g = rng.random_range(1..30);
        let m = rng.random_range(1..150);
        let groups = rng.random_range(1..=g);
        let pairing = Pairing {
            images: (0..g).map(|i| i % groups).collect(),
            texts: (0..m).map(|_| rng.random_range(0..groups)).collect(),
        };
        let s: Vec<Vec<f32>> = (0..g)
            .map(|_| {
                (0..m)
                    .map(|_| if rng.random_bool(0.05) { f32::NAN } else { rng.random_range(0..12) as f32 / 4.0 })
                    .collect()
            })
            .collect();
        assert_eq!(ranks(&pairing, table(&s)).unwrap(), oracle(&pairing, &s), "seed {seed}");
    }
}

#[test]
fn hand_computed_case_with_two_texts_per_image() {
    // Image 0 has texts 0 and 1, image 1 text 2, image 2 text 3.
    let s = [[0.9, 0.1, 0.5, 0.95], [0.2, 0.3, 0.4, 0.6], [0.1, 0.2, 0.7, 0.8]];
    let r = retrieval_by(&Pairing::of(&[0, 0, 1, 2], 3), |i, j| s[i][j]).unwrap();
    // image→text: 0.9 is beaten by 0.95 → 2; 0.4 by 0.6 → 2; 0.8 → 1.
    assert!((r.i2t_r1 - 100.0 / 3.0).abs() < 1e-12);
    assert_eq!((r.i2t_r5, r.i2t_median_rank), (100.0, 2.0));
    assert!((r.i2t_mean_rank - 5.0 / 3.0).abs() < 1e-12);
    // text→image: text 0 → 1; text 1 (0.1 against 0.3, 0.2) → 3; text 2 (0.4 against 0.5, 0.7) → 3; text 3 (0.8, 0.95) → 2.
    assert_eq!((r.t2i_r1, r.t2i_r5, r.t2i_median_rank, r.t2i_mean_rank), (25.0, 100.0, 2.5, 2.25));
    assert!((r.mr - (100.0 / 3.0 + 25.0 + 400.0) / 6.0).abs() < 1e-12);
    assert_eq!(r.gallery, 3);
}

#[test]
fn a_perfect_model_and_a_collapsed_one() {
    let v = random::matrix(&mut random::rng(3), 40, 16);
    let order: Vec<usize> = (0..40).rev().collect();
    let r = retrieval(&v, &v.select(order.iter().copied()), &order).unwrap();
    assert_eq!((r.mr, r.i2t_mean_rank, r.t2i_mean_rank), (100.0, 1.0, 1.0));

    for value in [0.3, 0.0, f32::NAN] {
        let same = Matrix::new(40, 16, vec![value; 640]).unwrap();
        let r = retrieval(&same, &same, &order).unwrap();
        assert_eq!((r.mr, r.i2t_mean_rank, r.t2i_mean_rank), (0.0, 40.0, 40.0), "all {value}");
    }
}

#[test]
fn equal_rows_tie_wherever_they_stand_in_a_block_product() {
    // A collapsed model at sizes around the edges of the product kernels and of the blocks.
    for (n, d) in [(1, 3), (5, 7), (6, 128), (7, 6), (17, 300), (67, 33), (2100, 9)] {
        let row = random::matrix(&mut random::rng(n as u64), 1, d);
        let same = row.select(std::iter::repeat_n(0, n));
        let order: Vec<usize> = (0..n).collect();
        let r = retrieval(&same, &same, &order).unwrap();
        assert_eq!((r.i2t_mean_rank, r.t2i_mean_rank), (n as f64, n as f64), "{n} rows of {d}");
    }
}

#[test]
fn blocks_give_what_pairs_give() {
    // 2,100 x 2,100 scores need two blocks. Each image stands twice: the second copy is a tie, so no rank is 1.
    let mut rng = random::rng(8);
    let v = random::matrix(&mut rng, 1050, 6).normalised();
    let v = v.select((0..2100).map(|i| i / 2));
    let t = random::matrix(&mut rng, 2100, 6).normalised();
    let pairing = Pairing::of(&(0..2100).collect::<Vec<_>>(), 2100);
    let blocked = retrieval_paired(&v, &t, &pairing).unwrap();
    let by_pairs = retrieval_by(&pairing, |i, j| crate::matrix::dot(v.row(i), t.row(j))).unwrap();
    assert_eq!(blocked.t2i_r1, 0.0);
    assert!((blocked.t2i_mean_rank - by_pairs.t2i_mean_rank).abs() < 0.1, "{blocked:?} {by_pairs:?}");
    assert!((blocked.i2t_mean_rank - by_pairs.i2t_mean_rank).abs() < 0.1);
}

#[test]
fn scale_of_the_rows_does_not_matter() {
    let mut rng = random::rng(4);
    let (v, t) = (random::matrix(&mut rng, 30, 8), random::matrix(&mut rng, 30, 8));
    let order: Vec<usize> = (0..30).collect();
    let mut scaled = v.clone();
    (0..30).for_each(|i| scaled.row_mut(i).iter_mut().for_each(|x| *x *= 4.0_f32.powi(i as i32 % 5)));
    assert_eq!(retrieval(&v, &t, &order).unwrap(), retrieval(&scaled, &t, &order).unwrap());
}

#[test]
fn equal_captions_make_their_images_right_for_each_other() {
    // Images 0 and 2 share "cat", 2 and 3 share "pet": one group. Image 1 stands alone.
    let pairing = Pairing::merging_equal_captions(&[0, 1, 2, 2, 3], 4, &["cat", "dog", "cat", "pet", "pet"]);
    assert_eq!(pairing, Pairing { images: vec![0, 1, 0, 0], texts: vec![0, 1, 0, 0, 0] });
    // Two images that nobody can tell apart by text: wrong half of the time without merging, never with it.
    let s = [[1.0, 1.0], [1.0, 1.0]];
    let plain = retrieval_by(&Pairing::of(&[0, 1], 2), |i, j| s[i][j]).unwrap();
    let merged = Pairing::merging_equal_captions(&[0, 1], 2, &["cat", "cat"]);
    let merged = retrieval_by(&merged, |i, j| s[i][j]).unwrap();
    assert_eq!((plain.i2t_r1, merged.i2t_r1, plain.t2i_r1, merged.t2i_r1), (0.0, 100.0, 0.0, 100.0));
}

#[test]
fn distractors_are_candidates_but_no_queries() {
    let s = [[0.5, 0.9], [0.6, 0.1], [0.1, 0.95]];
    let r = retrieval_by(&Pairing::of(&[0, 1], 3), |i, j| s[i][j]).unwrap();
    assert_eq!((r.gallery, r.i2t_mean_rank, r.t2i_mean_rank), (3, 2.0, 2.5));
}

#[test]
fn unusable_input_is_an_error() {
    let (v, t) = (Matrix::zeros(2, 3), Matrix::zeros(1, 3));
    assert!(retrieval(&v, &t, &[0, 1]).is_err(), "wrong number of texts");
    assert!(retrieval(&v, &t, &[2]).is_err(), "an image that is not there");
    assert!(retrieval(&v, &Matrix::zeros(1, 4), &[0]).is_err(), "another dimension");
    assert!(retrieval(&v, &Matrix::zeros(0, 3), &[]).is_err(), "no text");
    assert!(retrieval(&Matrix::zeros(0, 3), &Matrix::zeros(0, 3), &[]).is_err(), "nothing");
}
