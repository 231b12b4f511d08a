//! Reverse-mode differentiation: every result holds the way back to what it was made of.

use super::Array;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Rule = Box<dyn Fn(&[f32]) -> Vec<f32> + Send + Sync>;

/// From a result to one of its operands.
pub struct Edge {
    to: Arc<Node>,
    /// The operand's share of the gradient, from the result's.
    rule: Rule,
}

impl Edge {
    pub(super) fn new(to: Arc<Node>, rule: impl Fn(&[f32]) -> Vec<f32> + Send + Sync + 'static) -> Self {
        Self { to, rule: Box::new(rule) }
    }
}

/// A result or a leaf. Later ones have larger numbers, so that their order is one in which gradients are complete.
pub struct Node {
    number: u64,
    edges: Vec<Edge>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} with {} operands", self.number, self.edges.len())
    }
}

impl Node {
    pub(super) fn new(edges: Vec<Edge>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), edges }
    }
}

/// Gradients of the leaves.
#[derive(Debug, Default)]
pub struct Gradients(HashMap<u64, Arc<Vec<f32>>>);

impl Gradients {
    /// The gradient by a leaf; none where the loss does not depend on it.
    pub fn of(&self, leaf: &Array) -> Option<Array> {
        let gradient = self.0.get(&leaf.node.as_ref()?.number)?;
        Some(Array { data: gradient.clone(), shape: leaf.shape.clone(), node: None })
    }
}

impl Array {
    /// Gradients of the sum of this array by all leaves that it depends on.
    pub fn backward(self) -> Gradients {
        let mut leaves = HashMap::new();
        let ones = vec![1.0; self.len()];
        let Some(root) = self.node else { return Gradients::default() };
        let mut open = BTreeMap::from([(root.number, (root, ones))]);
        while let Some((number, (node, gradient))) = open.pop_last() {
            if node.edges.is_empty() {
                leaves.insert(number, Arc::new(gradient));
                continue;
            }
            for Edge { to, rule } in &node.edges {
                let share = rule(&gradient);
                match open.get_mut(&to.number) {
                    Some((_, sum)) => sum.iter_mut().zip(&share).for_each(|(sum, share)| *sum += share),
                    None => drop(open.insert(to.number, (to.clone(), share))),
                }
            }
        }
        Gradients(leaves)
    }
}
