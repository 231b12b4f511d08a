//! Weights: tensors by name, so that the optimiser, a snapshot and a reader of the code see the same list.

use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::tensor::{Device, Tensor, read};
use std::collections::BTreeMap;

/// Named `[rows, cols]` tensors (a bias is `[1, cols]`), in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Weights(pub BTreeMap<String, Tensor<2>>);

impl Weights {
    /// Uploads matrices.
    pub fn upload(matrices: BTreeMap<String, Matrix>, device: &Device) -> Self {
        Self(matrices.into_iter().map(|(name, m)| (name, upload(m, device))).collect())
    }

    /// The tensor called `name`; an error when the architecture wants one that is not there.
    pub fn get(&self, name: &str) -> Result<Tensor<2>> {
        self.0
            .get(name)
            .cloned()
            .ok_or_else(|| Error::format("weights", format!("no tensor {name}; it was saved by another architecture")))
    }

    /// The same, which leaves the collection.
    pub fn take(&mut self, name: &str) -> Result<Tensor<2>> {
        let tensor = self.get(name)?;
        self.0.remove(name);
        Ok(tensor)
    }

    /// The same weights as leaves of a new autodiff graph.
    pub fn tracked(&self) -> Self {
        self.map(|t| t.tracked())
    }

    /// Every tensor through `f`.
    pub fn map(&self, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        Self(self.0.iter().map(|(name, t)| (name.clone(), f(t.clone()))).collect())
    }

    /// Reads everything in one transaction.
    pub async fn download(&self) -> Result<BTreeMap<String, Matrix>> {
        let tensors = self.0.values().cloned().collect();
        Ok(self.0.keys().cloned().zip(download(tensors).await?).collect())
    }

    /// The same values on another device.
    pub async fn on(&self, device: &Device) -> Result<Self> {
        Ok(Self::upload(self.download().await?, device))
    }

    /// Number of trained values.
    pub fn parameters(&self) -> usize {
        self.0.iter().filter(|(name, _)| trained(name)).map(|(_, t)| t.dims().iter().product::<usize>()).sum()
    }
}

/// Whether the optimiser moves the tensor; running statistics are kept beside the weights but not trained.
pub fn trained(name: &str) -> bool {
    !name.contains("/running/")
}

/// Whether weight decay applies: to matrices, not to biases, norms or the temperature.
pub fn decayed(name: &str) -> bool {
    name.ends_with("/weight")
}

/// Host to device.
pub fn upload(m: Matrix, device: &Device) -> Tensor<2> {
    Tensor::new(m.data, [m.rows, m.cols], device)
}

/// Device to host, all tensors in one transaction: on a GPU each separate read waits for a round trip.
pub async fn download(tensors: Vec<Tensor<2>>) -> Result<Vec<Matrix>> {
    let dims: Vec<[usize; 2]> = tensors.iter().map(Tensor::dims).collect();
    let values = read(tensors).await?;
    values.into_iter().zip(dims).map(|(values, [rows, cols])| Matrix::new(rows, cols, values)).collect()
}
