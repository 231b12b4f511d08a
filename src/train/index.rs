//! Neighbours from the whole training set: the teacher's spaces and the students' positions, looked at every few epochs.
//!
//! A batch holds few of an item's true neighbours. With `transfer.neighbours = corpus` a triplet `(i; j, k)` takes j from
//! the teacher's kappa nearest *training* items and k from all of them; the anchor's embedding is the current one, with a
//! gradient, and those of j and k stand where they stood at the last look.
//!
//! Shapes: `N` training items in the order of [`crate::data::Partition::train_items`]; a teacher's space `[N, d_a]`, a
//! student's bank `[N, d]`, rows of unit length.

use crate::analyze::{blocks, similarities, top_k_by};
use crate::config::TransferConfig;
use crate::loss::transfer::Orders;
use crate::matrix::{Matrix, dot};
use crate::model::Side;
use crate::model::weights::upload;
use crate::rng::Rng;
use crate::tensor::{Device, Indices, Tensor};
use rand::Rng as _;
use std::collections::BTreeMap;

/// Rows whose similarities are held at a time.
const BLOCK: usize = 256;

/// What was seen at the last look.
#[derive(Debug, Clone)]
pub struct Index {
    image: Student,
    text: Student,
}

#[derive(Debug, Clone)]
struct Student {
    /// Who teaches it, `[N, d_a]`.
    teacher: Matrix,
    /// Where its own items stood, `[N, d]`.
    bank: Matrix,
    /// The same on the device of the run.
    uploaded: Tensor<2>,
    /// The teacher's nearest neighbours of each item, nearest first, `kappa` a row.
    near: Vec<u32>,
    kappa: usize,
}

impl Student {
    fn new(teacher: Matrix, bank: Matrix, kappa: usize, device: &Device) -> Self {
        let n = teacher.rows;
        let kappa = kappa.clamp(1, n - 2);
        let mut near = Vec::with_capacity(n * kappa);
        for block in blocks(n, BLOCK) {
            let s = similarities(&teacher.select(block.clone()), &teacher);
            for (row, i) in block.enumerate() {
                // Position p stands for item p or p + 1: the item itself is left out.
                let other = |p: usize| p + usize::from(p >= i);
                near.extend(top_k_by(n - 1, kappa, |p| s.row(row)[other(p)]).iter().map(|hit| other(hit.index) as u32));
            }
        }
        let uploaded = upload(bank.clone(), device);
        Self { teacher, bank, uploaded, near, kappa }
    }
}

impl Index {
    /// From the teachers' spaces and the students' banks, image student first.
    pub fn new(teachers: [Matrix; 2], banks: [Matrix; 2], config: &TransferConfig, device: &Device) -> Self {
        let [image_teacher, text_teacher] = teachers;
        let [image, text] = banks;
        Self {
            image: Student::new(image_teacher, image, config.kappa, device),
            text: Student::new(text_teacher, text, config.kappa, device),
        }
    }

    fn of(&self, side: Side) -> &Student {
        match side {
            Side::Image => &self.image,
            Side::Text => &self.text,
        }
    }

    /// Positions that distances of a student are measured to, `[N, d]`.
    pub fn bank(&self, side: Side) -> Tensor<2> {
        self.of(side).uploaded.clone()
    }

    /// Draws M triplets for each anchor (training positions) of `side` and reads the teacher's answers.
    pub fn orders(
        &self,
        side: Side,
        anchors: &[usize],
        config: &TransferConfig,
        rng: &mut Rng,
        device: &Device,
    ) -> Orders {
        let Student { teacher, near: table, kappa, .. } = self.of(side);
        let (n, shape) = (teacher.rows, [anchors.len(), config.per_anchor]);
        let (mut near, mut far, mut gap) = (Vec::new(), Vec::new(), Vec::new());
        for &i in anchors {
            for _ in 0..config.per_anchor {
                let j = table[i * kappa + rng.random_range(0..*kappa)] as usize;
                let k = (i + rng.random_range(1..n)) % n;
                near.push(j as i32);
                far.push(k as i32);
                // D(i,k) - D(i,j) of unit rows; exactly 0, and so dropped, where k is j.
                gap.push(2.0 * (dot(teacher.row(i), teacher.row(j)) - dot(teacher.row(i), teacher.row(k))));
            }
        }
        let items = |values| Indices::new(values, shape, device);
        let gap = Tensor::new(gap, shape, device);
        Orders::given(items(near), items(far), gap)
    }

    /// The same on another device.
    pub fn on(mut self, device: &Device) -> Self {
        for student in [&mut self.image, &mut self.text] {
            student.uploaded = upload(student.bank.clone(), device);
        }
        self
    }

    /// The matrices by name, for a snapshot.
    pub fn matrices(&self) -> BTreeMap<String, Matrix> {
        let of = |name: &str, s: &Student| {
            [(format!("{name}/teacher"), s.teacher.clone()), (format!("{name}/bank"), s.bank.clone())]
        };
        of("image", &self.image).into_iter().chain(of("text", &self.text)).collect()
    }

    /// The inverse of [`Self::matrices`]; none where one is missing.
    pub fn from_matrices(mut m: BTreeMap<String, Matrix>, config: &TransferConfig, device: &Device) -> Option<Self> {
        let mut take = |name: &str| m.remove(name).filter(|m| m.rows >= 3);
        let teachers = [take("image/teacher")?, take("text/teacher")?];
        Some(Self::new(teachers, [take("image/bank")?, take("text/bank")?], config, device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::check::{noise, value};
    use crate::loss::transfer::{Space, transfer};
    use crate::rng::{Purpose, stream};

    fn unit(rows: usize, cols: usize, seed: u64) -> Matrix {
        Matrix::new(rows, cols, noise(rows * cols, seed)).unwrap().normalised()
    }

    #[test]
    fn a_student_that_agrees_with_its_teacher_loses_less() {
        let config = TransferConfig { kappa: 4, ..Default::default() };
        let device = Device::Cpu;
        let (teacher, other) = (unit(40, 6, 1), unit(40, 6, 2));
        let index = Index::new([teacher.clone(), teacher.clone()], [teacher.clone(), other.clone()], &config, &device);
        let anchors: Vec<usize> = (0..40).step_by(2).collect();
        let loss = |side, own: &Matrix| {
            let mut rng = stream(1, Purpose::Triplets, 0);
            let orders = index.orders(side, &anchors, &config, &mut rng, &device);
            let rows = upload(own.select(anchors.iter().copied()), &device);
            value(transfer(&Space::new(rows), Some(&index.bank(side)), &orders, &config))
        };
        assert!(loss(Side::Image, &teacher) < 0.5 * loss(Side::Text, &other));
    }

    #[test]
    fn neighbours_are_the_nearest_and_survive_a_snapshot() {
        let config = TransferConfig { kappa: 3, ..Default::default() };
        let space = unit(12, 4, 3);
        let index = Index::new([space.clone(), space.clone()], [space.clone(), space.clone()], &config, &Device::Cpu);
        for i in 0..12 {
            let mut by_distance: Vec<usize> = (0..12).filter(|&j| j != i).collect();
            by_distance.sort_by(|&a, &b| dot(space.row(i), space.row(b)).total_cmp(&dot(space.row(i), space.row(a))));
            let found: Vec<usize> = index.image.near[i * 3..][..3].iter().map(|&j| j as usize).collect();
            assert_eq!(found, by_distance[..3]);
        }
        let back = Index::from_matrices(index.matrices(), &config, &Device::Cpu).unwrap();
        assert_eq!(back.text.near, index.text.near);
        let mut short = index.matrices();
        short.remove("text/bank");
        assert!(Index::from_matrices(short, &config, &Device::Cpu).is_none());
    }
}
