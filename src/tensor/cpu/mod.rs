//! Tensors of the CPU path: row-major `f32`, and exactly the operations that the method calls.
//!
//! burn's CPU back end carries every operation for every number type, which is most of a browser bundle that loads
//! before anything is seen; and a step of it is bound by passes over memory that are made here once. A value that
//! depends on a leaf knows how to hand its gradient back ([`graph`]).

pub mod conv;
pub mod elementwise;
mod gaps;
pub mod graph;
mod index;
pub mod matmul;
mod norm;
mod order;
mod reduce;
pub mod shape;
#[cfg(target_arch = "wasm32")]
pub mod team;
mod update;

pub use update::adam;

use graph::{Edge, Node};
use std::sync::Arc;

/// Sizes of the axes, outermost first.
pub type Shape = Vec<usize>;

/// A row-major array, and the graph that it came from where one is kept.
#[derive(Debug, Clone)]
pub struct Array {
    pub(super) data: Arc<Vec<f32>>,
    shape: Shape,
    node: Option<Arc<Node>>,
}

impl Array {
    /// Wraps `data`, which must have one number for each place of `shape`.
    pub fn new(data: Vec<f32>, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert_eq!(data.len(), shape.iter().product::<usize>(), "numbers for shape {shape:?}");
        Self { data: Arc::new(data), shape, node: None }
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers, row by row.
    pub fn values(&self) -> &[f32] {
        &self.data
    }

    /// The numbers, without a copy where nobody else holds them.
    pub fn into_values(self) -> Vec<f32> {
        let Self { data, node, .. } = self;
        drop(node);
        Arc::try_unwrap(data).unwrap_or_else(|shared| (*shared).clone())
    }

    /// The same numbers, of which no gradient is asked.
    pub fn inner(mut self) -> Self {
        self.node = None;
        self
    }

    /// The same numbers as a leaf, of which the gradient is kept.
    pub fn require_grad(mut self) -> Self {
        self.node = Some(Arc::new(Node::new(Vec::new())));
        self
    }

    /// A result of operations: `edges` lead to what it was made of; those that nothing is asked of are left out.
    fn derived(data: Vec<f32>, shape: impl Into<Shape>, edges: impl IntoIterator<Item = Option<Edge>>) -> Self {
        let edges: Vec<Edge> = edges.into_iter().flatten().collect();
        let mut array = Self::new(data, shape);
        if !edges.is_empty() {
            array.node = Some(Arc::new(Node::new(edges)));
        }
        array
    }

    /// A result of one operand, the one of `node`: `rule` hands the gradient back, if anybody asks for it.
    fn after(
        node: Option<Arc<Node>>,
        data: Arc<Vec<f32>>,
        shape: Shape,
        rule: impl Fn(&[f32]) -> Vec<f32> + Send + Sync + 'static,
    ) -> Self {
        let node = node.map(|node| Arc::new(Node::new(vec![Edge::new(node, rule)])));
        Self { data, shape, node }
    }

    /// How the gradient of a result becomes this operand's; none where nothing is asked of it.
    fn edge(&self, rule: impl Fn(&[f32]) -> Vec<f32> + Send + Sync + 'static) -> Option<Edge> {
        self.node.as_ref().map(|node| Edge::new(node.clone(), rule))
    }

    /// A number `[1]` that was made of this array, with its derivatives already at hand.
    pub fn with_gradient(self, value: f32, gradient: Vec<f32>) -> Self {
        assert_eq!(gradient.len(), self.len(), "a derivative by every number");
        let edge = self.edge(move |g| gradient.iter().map(|by| by * g[0]).collect());
        Self::derived(vec![value], [1], [edge])
    }

    fn len(&self) -> usize {
        self.data.len()
    }

    /// Rows and columns of a table.
    fn table(&self) -> [usize; 2] {
        match self.shape[..] {
            [rows, cols] => [rows, cols],
            _ => panic!("a table has two axes, this has shape {:?}", self.shape),
        }
    }

    /// Splits the shape around an axis: places before it, along it, after it.
    fn around(&self, axis: usize) -> [usize; 3] {
        let of = |range: &[usize]| range.iter().product();
        [of(&self.shape[..axis]), self.shape[axis], of(&self.shape[axis + 1..])]
    }
}
