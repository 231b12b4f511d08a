//! From the device, and gradients.

use super::{Tensor, cpu};
use crate::error::Result;

/// Gradients of a loss by its leaves.
pub enum Gradients {
    /// In memory.
    Cpu(cpu::graph::Gradients),
    /// On a graphics card.
    #[cfg(feature = "gpu")]
    Gpu(burn::tensor::Gradients),
}

/// The values of several tensors, row by row, in one transaction: on a GPU each separate read waits for a round trip.
///
/// # Errors
/// [`crate::error::Error::Device`] when the device was lost.
pub async fn read<const D: usize>(tensors: Vec<Tensor<D>>) -> Result<Vec<Vec<f32>>> {
    let mut values = Vec::with_capacity(tensors.len());
    #[cfg(feature = "gpu")]
    let mut transaction = burn::tensor::Transaction::default();
    for tensor in tensors {
        match tensor.inner() {
            Tensor::Cpu(array) => values.push(array.into_values()),
            #[cfg(feature = "gpu")]
            Tensor::Gpu(t) => transaction = transaction.register(t),
        }
    }
    #[cfg(feature = "gpu")]
    if values.is_empty() {
        let unreadable = |e| crate::error::Error::Device(format!("a tensor could not be read: {e:?}"));
        for data in transaction.execute_async().await? {
            values.push(data.convert::<f32>().try_into_vec::<f32>().map_err(unreadable)?);
        }
    }
    Ok(values)
}

impl<const D: usize> Tensor<D> {
    /// The values, row by row; see [`read`].
    pub async fn values(self) -> Result<Vec<f32>> {
        Ok(read(vec![self]).await?.swap_remove(0))
    }

    /// The values of one on the CPU.
    #[cfg(test)]
    pub(crate) fn array(self) -> Vec<f32> {
        match self.inner() {
            Self::Cpu(array) => array.into_values(),
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => panic!("on the CPU"),
        }
    }

    /// The same values, of which no gradient is asked.
    pub fn inner(self) -> Self {
        match self {
            Self::Cpu(array) => Self::Cpu(array.inner()),
            #[cfg(feature = "gpu")]
            Self::Gpu(t) => Self::Gpu(t.inner()),
        }
    }

    /// The same values as a leaf of a new graph, of which the gradient is kept.
    pub fn tracked(self) -> Self {
        match self {
            Self::Cpu(array) => Self::Cpu(array.require_grad()),
            #[cfg(feature = "gpu")]
            Self::Gpu(t) => Self::Gpu(t.autodiff().require_grad()),
        }
    }

    /// Gradients of the sum of this tensor by the leaves that it depends on.
    pub fn backward(self) -> Gradients {
        match self {
            Self::Cpu(array) => Gradients::Cpu(array.backward()),
            #[cfg(feature = "gpu")]
            Self::Gpu(t) => Gradients::Gpu(t.backward()),
        }
    }

    /// The gradient by this leaf; none where the loss does not depend on it.
    pub fn grad(&self, gradients: &Gradients) -> Option<Self> {
        match (self, gradients) {
            (Self::Cpu(leaf), Gradients::Cpu(gradients)) => gradients.of(leaf).map(Self::Cpu),
            #[cfg(feature = "gpu")]
            (Self::Gpu(leaf), Gradients::Gpu(gradients)) => leaf.grad(gradients).map(Self::Gpu),
            #[cfg(feature = "gpu")]
            _ => unreachable!("gradients live where their leaves do"),
        }
    }
}
