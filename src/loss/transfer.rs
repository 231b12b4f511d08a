//! `L_{a->b}`: one modality (the teacher a) tells the other (the student b) *who is near whom*.
//!
//! A triplet `(i; j, k)` asks one question: is j nearer to i than k is? The teacher answers with
//! `P = sigma([D_a(i,k) - D_a(i,j)] / tau)`, or with 0 or 1 when its order is hard; the student with
//! `Q = sigma(gamma [D_b(i,k) - D_b(i,j)])`; the loss is their cross-entropy. With a hard order that is
//! `softplus(gamma [D_b(i,near) - D_b(i,far)])`, the *infinite-margin* loss: it never saturates.
//!
//! With [`Form::Hinge`](crate::config::Form::Hinge) it is `[m + D_b(i,near) - D_b(i,far)]_+` instead: the finite margin, as a control.
//!
//! Source: Dong, Jian & Lu 2020 (abstract) and MAI, AAAI 2018; what the paper leaves open is an option of
//! [`TransferConfig`].

use super::triplets;
use crate::config::{TransferConfig, Triplets};
use crate::error::{Error, Result};
use crate::tensor::{Device, Indices, Tensor};
use rand::Rng as _;
use std::cell::OnceCell;

/// Squared distances of unit rows, `D = 2 - 2 e e^T`, in `[0, 4]`. `[B, d] -> [B, B]`.
pub fn distances(e: Tensor<2>) -> Tensor<2> {
    e.unit_distances()
}

/// Squared distances of the unit rows of `a` and `b`, `[A, d] x [B, d] -> [A, B]`.
pub fn distances_between(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    a.matmul_transposed(b).mul_scalar(-2.0).add_scalar(2.0)
}

/// A batch in one space. What the student of one direction is asked is what the teacher of the other reads: the distances
/// are computed once, when they are asked for.
#[derive(Debug, Clone)]
pub struct Space {
    e: Tensor<2>,
    distances: OnceCell<Tensor<2>>,
}

impl Space {
    /// Unit rows, `[B, d]`.
    pub fn new(e: Tensor<2>) -> Self {
        Self { e, distances: OnceCell::new() }
    }

    /// The rows, `[B, d]`.
    pub fn rows(&self) -> Tensor<2> {
        self.e.clone()
    }

    /// `[B, B]`
    pub fn distances(&self) -> Tensor<2> {
        self.distances.get_or_init(|| distances(self.rows())).clone()
    }
}

/// The random part of the triplets of a batch: drawn on the CPU, so that every device works on the same numbers.
#[derive(Debug, Clone)]
pub struct Draw {
    /// `[B, M]`: which of the teacher's neighbours is near (a rank below kappa), or the item itself when uniform.
    near: Indices,
    /// `[B, M]`: the far item, uniform over all but the anchor. Where it equals the near one the two distances tie
    /// and the triplet is dropped, which leaves k uniform over all but i and j.
    far: Indices,
}

impl Draw {
    /// Draws `M` triplets for each of `b` anchors. An error below three items: there is no triplet.
    pub fn new(b: usize, config: &TransferConfig, rng: &mut crate::rng::Rng, device: &Device) -> Result<Self> {
        if b < 3 {
            return Err(Error::Data(format!(
                "structure transfer compares three items, a batch has {b}; use a batch of at least 3"
            )));
        }
        let m = config.per_anchor;
        let kappa = neighbourhood(b, config);
        let mut near = Vec::with_capacity(b * m);
        let mut far = Vec::with_capacity(b * m);
        let mut other_than = |i: usize| {
            let j = rng.random_range(0..b - 1) as i32;
            j + i32::from(j >= i as i32)
        };
        for i in 0..b {
            for _ in 0..m {
                far.push(other_than(i));
                near.push(other_than(i));
            }
        }
        if config.triplets == Triplets::Local {
            near.iter_mut().for_each(|rank| *rank = rng.random_range(0..kappa) as i32);
        }
        let table = |values| Indices::new(values, [b, m], device);
        Ok(Self { near: table(near), far: table(far) })
    }
}

fn neighbourhood(b: usize, config: &TransferConfig) -> usize {
    config.kappa.clamp(1, b - 2)
}

/// The teacher's answers, fixed before any step.
#[derive(Debug, Clone)]
pub struct Orders(Question);

#[derive(Debug, Clone)]
#[cfg_attr(feature = "gpu", expect(clippy::large_enum_variant, reason = "two live per step, and none is stored"))]
enum Question {
    /// Some triplets, `[B, M]`, and how much farther the far item is to the teacher.
    Sampled { near: Indices, far: Indices, gap: Tensor<2> },
    /// All of them: the teacher's distances `[B, B]` answer each.
    All(Tensor<2>),
}

/// Reads the orders of a teacher in whose space the batch is (no gradient passes).
pub fn orders(teacher: &Space, draw: &Draw, config: &TransferConfig) -> Orders {
    let [b, _] = teacher.e.dims();
    let near = match config.triplets {
        Triplets::All => return Orders(Question::All(teacher.distances().inner())),
        Triplets::Uniform => draw.near.clone(),
        Triplets::Local => teacher.distances().nearest_others(neighbourhood(b, config)).at(&draw.near),
    };
    let far = draw.far.clone();
    let gap = match (&teacher.e, &near, &far) {
        (Tensor::Cpu(e), Indices::Cpu(near, _), Indices::Cpu(far, _)) => {
            let e = e.clone().inner();
            Tensor::Cpu(e.clone().gaps(&e, [near, far]))
        }
        #[cfg(feature = "gpu")]
        _ => {
            let table = teacher.distances().inner();
            table.clone().gather(&far) - table.gather(&near)
        }
    };
    Orders::given(near, far, gap)
}

impl Orders {
    /// Answers read elsewhere: `near`, `far` `[B, M]` are rows of the items that the student is asked about, `gap` is the
    /// teacher's `D(i,far) - D(i,near)`.
    pub fn given(near: Indices, far: Indices, gap: Tensor<2>) -> Self {
        Self(Question::Sampled { near, far, gap })
    }
}

/// `L_{a->b}` for a student in whose space the batch is; zero when every triplet ties. `items`, `[N, d]`: whom the orders
/// speak of, if not of the batch itself; all triplets are always those of the batch.
pub fn transfer(student: &Space, items: Option<&Tensor<2>>, orders: &Orders, config: &TransferConfig) -> Tensor<1> {
    let (near, far, gap) = match &orders.0 {
        Question::All(teacher) => return student.distances().all_triplets(teacher, config),
        Question::Sampled { near, far, gap } => (near, far, gap),
    };
    match (&student.e, items.unwrap_or(&student.e), near, far, gap) {
        (Tensor::Cpu(e), Tensor::Cpu(items), Indices::Cpu(near, _), Indices::Cpu(far, _), Tensor::Cpu(gap)) => {
            Tensor::Cpu(triplets::sampled(e.clone().gaps(items, [near, far]), gap, config))
        }
        #[cfg(feature = "gpu")]
        _ => {
            let table =
                items.map_or_else(|| student.distances(), |items| distances_between(student.rows(), items.clone()));
            crate::gpu::sampled::sampled(table, [near, far], gap.clone(), config)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradient, noise, tensor, value};
    use super::*;
    use crate::config::{Form, Order};
    use crate::rng::{Purpose, stream};

    fn draw(b: usize, config: &TransferConfig) -> Draw {
        Draw::new(b, config, &mut stream(5, Purpose::Triplets, 0), &Device::Cpu).unwrap()
    }

    fn unit(rows: usize, cols: usize, seed: u64) -> Tensor<2> {
        let m = crate::matrix::Matrix::new(rows, cols, noise(rows * cols, seed)).unwrap().normalised();
        tensor(rows, cols, &m.data)
    }

    fn taught(student: Tensor<2>, orders: &Orders, config: &TransferConfig) -> f32 {
        value(transfer(&Space::new(student), None, orders, config))
    }

    /// Plain loops over the definition.
    fn by_loops(teacher: &[f32], student: &[f32], b: usize, config: &TransferConfig) -> f32 {
        let (mut sum, mut kept) = (0.0f64, 0);
        for i in 0..b {
            for j in 0..b {
                for k in 0..b {
                    let gap = teacher[i * b + k] - teacher[i * b + j];
                    if i == j || i == k || j == k || gap == 0.0 {
                        continue;
                    }
                    let p = match config.order {
                        Order::Hard => f64::from(gap > 0.0),
                        Order::Soft => 1.0 / (1.0 + (-f64::from(gap) / config.tau).exp()),
                    };
                    let z = config.gamma * f64::from(student[i * b + k] - student[i * b + j]);
                    let q = 1.0 / (1.0 + (-z).exp());
                    sum -= p * q.ln() + (1.0 - p) * (1.0 - q).ln();
                    kept += 1;
                }
            }
        }
        (sum / f64::from(kept)) as f32
    }

    #[test]
    fn all_triplets_by_loops() {
        for order in [Order::Hard, Order::Soft] {
            let config = TransferConfig { triplets: Triplets::All, order, ..Default::default() };
            let (a, b) = (Space::new(unit(6, 4, 1)), unit(6, 4, 2));
            let expected = by_loops(&a.distances().array(), &distances(b.clone()).array(), 6, &config);
            let loss = taught(b, &orders(&a, &draw(6, &config), &config), &config);
            assert!((loss - expected).abs() < 1e-4, "{loss} != {expected}");
        }
    }

    #[test]
    fn sampled_triplets_by_loops() {
        let near: Vec<i32> = (0..60).map(|n| n * 7 % 6).collect();
        let far: Vec<i32> = (0..60).map(|n| (n * 5 + 2) % 6).collect();
        // More columns than are worked on side by side, and some left over.
        let rows = unit(6, 19, 2);
        let (teacher, student) = (distances(unit(6, 4, 1)).array(), distances(rows.clone()));
        let at = |table: &[f32], n: usize, places: &[i32]| table[n / 10 * 6 + places[n] as usize];
        // Some tie: where both items are one, and one triplet whose items the teacher sees equally far.
        let mut gaps: Vec<f32> = (0..60).map(|n| at(&teacher, n, &far) - at(&teacher, n, &near)).collect();
        gaps[7] = 0.0;
        for (order, form) in
            [Order::Hard, Order::Soft].into_iter().flat_map(|o| [(o, Form::Softplus), (o, Form::Hinge)])
        {
            let config = TransferConfig { order, form, ..Default::default() };
            let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
            let (mut sum, mut kept) = (0.0, 0);
            for (n, &taught) in gaps.iter().enumerate().filter(|(_, taught)| **taught != 0.0) {
                let taught = f64::from(taught);
                let gap = f64::from(at(&student.clone().array(), n, &far))
                    - f64::from(at(&student.clone().array(), n, &near));
                let p = if order == Order::Hard { f64::from(taught > 0.0) } else { sigma(taught / config.tau) };
                sum += match form {
                    Form::Softplus => -p * sigma(config.gamma * gap).ln() - (1.0 - p) * sigma(-config.gamma * gap).ln(),
                    Form::Hinge => p * (config.margin - gap).max(0.0) + (1.0 - p) * (config.margin + gap).max(0.0),
                };
                kept += 1;
            }
            assert!((30..60).contains(&kept), "{kept}");
            let [near, far] = [&near, &far].map(|places| Indices::new(places.clone(), [6, 10], &Device::Cpu));
            let orders = Orders::given(near, far, tensor(6, 10, &gaps));
            let loss = taught(rows.clone(), &orders, &config);
            let expected = (sum / f64::from(kept)) as f32;
            assert!((loss - expected).abs() < 1e-5, "{order:?} {form:?}: {loss} != {expected}");
        }
    }

    #[test]
    fn infinite_margin_by_hand() {
        // Three points on a line for the teacher: 0 is nearer to 1 than to 2. The student has them the other way round.
        let d = |x: [f32; 3]| {
            let mut t = vec![0.0; 9];
            (0..9).for_each(|n| t[n] = (x[n / 3] - x[n % 3]).powi(2));
            tensor(3, 3, &t)
        };
        let config = TransferConfig { triplets: Triplets::All, gamma: 1.0, ..Default::default() };
        let loss = |config| value(d([0.0, 2.0, 1.0]).all_triplets(&d([0.0, 1.0, 3.0]), config));
        // Anchors 0, 1, 2; teacher's gaps D(far) - D(near): 9-1, 4-1, 9-4. Student [0, 2, 1]: 1-4, 1-4, 1-1.
        let softplus = |z: f32| (1.0 + z.exp()).ln();
        let expected = (softplus(3.0) + softplus(3.0) + softplus(0.0)) / 3.0;
        assert!((loss(&config) - expected).abs() < 1e-5, "{} != {expected}", loss(&config));
        // The finite margin 0.2 on the same gaps: 3.2, 3.2, 0.2.
        let hinge = TransferConfig { form: Form::Hinge, margin: 0.2, ..config };
        assert!((loss(&hinge) - 2.2).abs() < 1e-5, "{}", loss(&hinge));
    }

    #[test]
    fn sampling_agrees_with_all_in_expectation() {
        let (a, b) = (Space::new(unit(12, 5, 1)), unit(12, 5, 2));
        let all = TransferConfig { triplets: Triplets::All, ..Default::default() };
        let many = TransferConfig { triplets: Triplets::Uniform, per_anchor: 4000, ..Default::default() };
        let loss = |config| taught(b.clone(), &orders(&a, &draw(12, config), config), config);
        let (exact, sampled) = (loss(&all), loss(&many));
        assert!((exact - sampled).abs() < 0.02 * exact, "{exact} {sampled}");
    }

    #[test]
    fn local_near_items_are_the_teachers_neighbours() {
        let config = TransferConfig { kappa: 3, per_anchor: 50, ..Default::default() };
        let a = Space::new(unit(20, 4, 1));
        let table = a.distances().array();
        let Question::Sampled { near, far, .. } = orders(&a, &draw(20, &config), &config).0 else { panic!() };
        let mut ranks = [0usize; 3];
        for (n, (&j, &k)) in near.places().iter().zip(far.places()).enumerate() {
            let (i, row) = (n / 50, &table[n / 50 * 20..][..20]);
            assert!(j as usize != i && k as usize != i);
            let closer = (0..20).filter(|&x| x != i && row[x] < row[j as usize]).count();
            assert!(closer < 3, "rank {closer} is no neighbour");
            ranks[closer] += 1;
        }
        assert!(ranks.iter().all(|&r| r > 250), "ranks are drawn evenly: {ranks:?}");
    }

    #[test]
    fn gradients_agree_with_differences() {
        let teacher = Space::new(unit(6, 4, 1));
        for (triplets, order) in
            [(Triplets::All, Order::Hard), (Triplets::Local, Order::Hard), (Triplets::Uniform, Order::Soft)]
        {
            let config = TransferConfig { triplets, order, gamma: 2.0, kappa: 2, ..Default::default() };
            let orders = orders(&teacher, &draw(6, &config), &config);
            let rows: Vec<f32> = noise(6 * 19, 2).iter().map(|x| 0.4 * x).collect();
            gradient(6, 19, &rows, |e| transfer(&Space::new(e), None, &orders, &config));
            let hinge = TransferConfig { form: Form::Hinge, margin: 5.0, ..config };
            gradient(6, 19, &rows, |e| transfer(&Space::new(e), None, &orders, &hinge));
            if triplets != Triplets::All {
                let items = unit(6, 19, 3);
                gradient(6, 19, &rows, |e| transfer(&Space::new(e), Some(&items), &orders, &config));
            }
        }
    }

    #[test]
    fn no_gradient_reaches_the_teacher() {
        let config = TransferConfig::default();
        let teacher = unit(6, 4, 1).tracked();
        let student = unit(6, 4, 2).tracked();
        let orders = orders(&Space::new(teacher.clone()), &draw(6, &config), &config);
        let grads = transfer(&Space::new(student.clone()), None, &orders, &config).backward();
        assert!(student.grad(&grads).is_some());
        assert!(teacher.grad(&grads).is_none());
    }

    #[test]
    fn degenerate_input() {
        let config = TransferConfig::default();
        assert!(Draw::new(2, &config, &mut stream(1, Purpose::Triplets, 0), &Device::Cpu).is_err());
        // All teachers' points equal: every triplet ties, nothing is taught, nothing is NaN.
        let same = Space::new(tensor(5, 3, &[0.6, 0.8, 0.0].repeat(5)));
        assert_eq!(taught(unit(5, 3, 1), &orders(&same, &draw(5, &config), &config), &config), 0.0);
        let every = TransferConfig { triplets: Triplets::All, ..Default::default() };
        assert_eq!(value(distances(unit(5, 3, 1)).all_triplets(&tensor(5, 5, &[0.0; 25]), &every)), 0.0);
        // Distances at their extremes with a sharp student do not overflow.
        let sharp = TransferConfig { gamma: 1e3, ..Default::default() };
        let far = tensor(3, 2, &[1.0, 0.0, -1.0, 0.0, 0.6, 0.8]);
        assert!(taught(far, &orders(&Space::new(unit(3, 2, 4)), &draw(3, &sharp), &sharp), &sharp).is_finite());
    }
}
