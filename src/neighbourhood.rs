//! The method at one item: who is near it in each modality, and what one modality teaches the other about it.
//!
//! Shapes: `N` items, pictures `[N, d]` and texts `[N, d]` of unit rows (see [`crate::lab::Embedded`]); a teacher's space may
//! have another number of columns than the student's.

use crate::analyze::{Hit, top_k_by};
use crate::config::{TransferConfig, Triplets};
use crate::error::{Error, Result};
use crate::loss::triplets::triplet;
use crate::matrix::{Matrix, dot};
use crate::rng::{Purpose, stream};
use rand::Rng as _;
use serde::Serialize;

/// Draws of the display: no training step reaches this position of the stream.
const DISPLAY: u64 = u64::MAX - 2;

/// The nearest other items of one item.
#[derive(Debug, Clone, Serialize)]
pub struct Neighbourhood {
    /// Among pictures, nearest first.
    pub image: Vec<Hit>,
    /// Among texts, nearest first.
    pub text: Vec<Hit>,
    /// Share of neighbours that both modalities name.
    pub overlap: f64,
}

/// A triplet about an anchor: the teacher says that `near` is nearer to it than `far`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lesson {
    /// Nearer to the anchor, as the teacher sees it.
    pub near: usize,
    /// Farther.
    pub far: usize,
    /// The teacher's `D(i,far) - D(i,near)`, not negative.
    pub teacher_gap: f32,
    /// The student's: negative where it has the two the other way round.
    pub student_gap: f32,
    /// The student's `D(i,near)`, in `[0, 4]`.
    pub near_distance: f32,
    /// How hard the loss pushes the student's gap open: the size of its derivative by the gap.
    pub force: f32,
}

/// The `k` nearest other items of `item` in both modalities.
///
/// # Errors
/// There is no such item.
pub fn neighbourhood(image: &Matrix, text: &Matrix, item: usize, k: usize) -> Result<Neighbourhood> {
    known(image, item)?;
    let (image, text) = (nearest(image, item, k), nearest(text, item, k));
    let shared = image.iter().filter(|a| text.iter().any(|b| a.index == b.index)).count();
    let overlap = shared as f64 / image.len().max(1) as f64;
    Ok(Neighbourhood { image, text, overlap })
}

/// `count` triplets about row `anchor`, drawn as a step draws them (near ones from the teacher's `kappa` nearest rows where
/// they are local), the strongest first. Ties teach nothing and are left out.
///
/// # Errors
/// There is no such row, or there are fewer than three.
pub fn lessons(
    teacher: &Matrix,
    student: &Matrix,
    anchor: usize,
    count: usize,
    config: &TransferConfig,
    seed: u64,
) -> Result<Vec<Lesson>> {
    known(teacher, anchor)?;
    let n = teacher.rows;
    if n < 3 {
        return Err(Error::Data(format!("a triplet needs three items, there are {n}")));
    }
    let mut rng = stream(seed ^ anchor as u64, Purpose::Triplets, DISPLAY);
    let near = nearest(teacher, anchor, config.kappa.clamp(1, n - 2));
    let gap = |space: &Matrix, j: usize, k: usize| {
        2.0 * (dot(space.row(anchor), space.row(j)) - dot(space.row(anchor), space.row(k)))
    };
    let mut lessons: Vec<Lesson> = Vec::with_capacity(count);
    for _ in 0..count {
        let mut other = || (anchor + rng.random_range(1..n)) % n;
        let (mut j, mut k) = (other(), other());
        if config.triplets == Triplets::Local {
            j = near[rng.random_range(0..near.len())].index;
        }
        let mut taught = gap(teacher, j, k);
        if taught < 0.0 {
            (j, k, taught) = (k, j, -taught);
        }
        if taught == 0.0 || lessons.iter().any(|l| (l.near, l.far) == (j, k)) {
            continue;
        }
        let student_gap = gap(student, j, k);
        let near_distance = 2.0 - 2.0 * dot(student.row(anchor), student.row(j));
        let (_, by_gap) = triplet(student_gap, taught, config);
        lessons.push(Lesson { near: j, far: k, teacher_gap: taught, student_gap, near_distance, force: -by_gap });
    }
    lessons.sort_by(|a, b| b.force.total_cmp(&a.force));
    Ok(lessons)
}

fn nearest(space: &Matrix, item: usize, k: usize) -> Vec<Hit> {
    let score = |other: usize| if other == item { f32::NEG_INFINITY } else { dot(space.row(item), space.row(other)) };
    top_k_by(space.rows, k.min(space.rows.saturating_sub(1)), score)
}

fn known(space: &Matrix, item: usize) -> Result<()> {
    if item < space.rows {
        return Ok(());
    }
    Err(Error::Data(format!("there is no item {item}; there are {}", space.rows)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Form, Order};
    use crate::loss::check::noise;

    fn unit(rows: usize, cols: usize, seed: u64) -> Matrix {
        Matrix::new(rows, cols, noise(rows * cols, seed)).unwrap().normalised()
    }

    #[test]
    fn neighbours_leave_the_item_out_and_overlap_counts_the_shared() {
        let image = unit(12, 4, 1);
        let own = neighbourhood(&image, &image, 3, 5).unwrap();
        assert_eq!((own.overlap, own.image.len()), (1.0, 5));
        assert!(own.image.iter().all(|hit| hit.index != 3));
        assert!(own.image.windows(2).all(|pair| pair[0].score >= pair[1].score));
        let other = neighbourhood(&image, &unit(12, 4, 2), 3, 5).unwrap();
        assert!(other.overlap < 1.0);
        assert!(neighbourhood(&image, &image, 12, 5).unwrap_err().to_string().contains("12"));
        assert_eq!(neighbourhood(&image, &image, 0, 99).unwrap().text.len(), 11);
    }

    #[test]
    fn a_lesson_says_what_the_teacher_sees_and_pushes_as_the_loss_does() {
        let (teacher, student) = (unit(20, 6, 1), unit(20, 4, 2));
        for config in [
            TransferConfig { kappa: 5, ..Default::default() },
            TransferConfig { order: Order::Soft, ..Default::default() },
            TransferConfig { form: Form::Hinge, margin: 0.3, ..Default::default() },
        ] {
            let lessons = lessons(&teacher, &student, 7, 40, &config, 1).unwrap();
            assert!(lessons.len() > 10);
            for lesson in &lessons {
                assert!(lesson.teacher_gap > 0.0 && lesson.near != 7 && lesson.far != 7 && lesson.near != lesson.far);
                // The derivative of the loss of this one triplet, by a small change of the student's gap.
                let loss = |gap| triplet(gap, lesson.teacher_gap, &config).0;
                let numeric = -(loss(lesson.student_gap + 1e-2) - loss(lesson.student_gap - 1e-2)) / 2e-2;
                let kink = config.form == Form::Hinge && (lesson.student_gap.abs() - 0.3).abs() < 2e-2;
                assert!(kink || (numeric - lesson.force).abs() < 2e-2, "{numeric} {lesson:?}");
            }
            assert!(lessons.windows(2).all(|pair| pair[0].force >= pair[1].force));
        }
    }

    #[test]
    fn local_near_items_are_among_the_teachers_nearest_or_farther_than_the_far_one() {
        let teacher = unit(30, 6, 5);
        let config = TransferConfig { kappa: 4, ..Default::default() };
        let nearest: Vec<usize> = nearest(&teacher, 2, 4).iter().map(|hit| hit.index).collect();
        for lesson in lessons(&teacher, &unit(30, 6, 6), 2, 60, &config, 3).unwrap() {
            assert!(nearest.contains(&lesson.near), "{lesson:?}");
        }
        assert!(lessons(&unit(2, 3, 1), &unit(2, 3, 1), 0, 5, &config, 1).is_err());
    }
}
