//! What the towers and losses are written in: tensors of `f32` with gradients, on the CPU or on a GPU.
//!
//! On the CPU they are arrays of our own ([`cpu`]), small and fast where the method spends its time; on a GPU they are
//! burn's. The operations have burn's names and shapes, and are those that the method calls: a reader of a loss need not
//! know which of the two it runs on.

pub mod cpu;
mod operations;
mod read;
#[cfg(test)]
mod tests;
mod update;

pub use cpu::conv::Window;
pub use mtls_kernels::Adam;
pub use read::{Gradients, read};
pub use update::{adam, square_sum};

use std::sync::Arc;

/// Where tensors live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// In memory, computed by this processor.
    Cpu,
    /// On a graphics card, through wgpu.
    #[cfg(feature = "gpu")]
    Gpu(burn::tensor::Device),
}

/// A tensor of `D` axes. Operands of an operation live on one device: mixing them is a defect of the program.
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "gpu",
    expect(clippy::large_enum_variant, reason = "boxes would be allocations for every operation")
)]
pub enum Tensor<const D: usize> {
    /// In memory.
    Cpu(cpu::Array),
    /// On a graphics card.
    #[cfg(feature = "gpu")]
    Gpu(burn::tensor::Tensor<D>),
}

/// Places in a table: a column for each of `rows` times `columns` entries, or a list (`rows` 1).
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "gpu",
    expect(clippy::large_enum_variant, reason = "boxes would be allocations for every operation")
)]
pub enum Indices {
    /// In memory; numbers a row.
    Cpu(Arc<Vec<i32>>, usize),
    /// On a graphics card, `[rows, columns]`.
    #[cfg(feature = "gpu")]
    Gpu(burn::tensor::Tensor<2, burn::tensor::Int>),
}

/// Which entries of a table are meant, `[rows, columns]`.
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "gpu",
    expect(clippy::large_enum_variant, reason = "boxes would be allocations for every operation")
)]
pub enum Mask {
    /// In memory; entries a row.
    Cpu(Arc<Vec<bool>>, usize),
    /// On a graphics card.
    #[cfg(feature = "gpu")]
    Gpu(burn::tensor::Tensor<2, burn::tensor::Bool>),
}

impl<const D: usize> Tensor<D> {
    /// Uploads `values`, row by row. There must be one for each place of `shape`.
    pub fn new(values: Vec<f32>, shape: [usize; D], device: &Device) -> Self {
        match device {
            Device::Cpu => Self::Cpu(cpu::Array::new(values, shape)),
            #[cfg(feature = "gpu")]
            Device::Gpu(device) => {
                Self::Gpu(burn::tensor::Tensor::from_data(burn::tensor::TensorData::new(values, shape), device))
            }
        }
    }

    /// All zeros.
    pub fn zeros(shape: [usize; D], device: &Device) -> Self {
        Self::new(vec![0.0; shape.iter().product()], shape, device)
    }

    /// Sizes of the axes.
    pub fn dims(&self) -> [usize; D] {
        match self {
            Self::Cpu(t) => t.shape().try_into().unwrap_or_else(|_| unreachable!("a tensor has its axes")),
            #[cfg(feature = "gpu")]
            Self::Gpu(t) => t.dims(),
        }
    }

    /// Where it lives.
    pub fn device(&self) -> Device {
        match self {
            Self::Cpu(_) => Device::Cpu,
            #[cfg(feature = "gpu")]
            Self::Gpu(t) => Device::Gpu(t.device()),
        }
    }
}

impl Tensor<2> {
    /// `[size, size]` with ones on the diagonal.
    pub fn eye(size: usize, device: &Device) -> Self {
        let mut values = vec![0.0; size * size];
        values.iter_mut().step_by(size + 1).for_each(|diagonal| *diagonal = 1.0);
        Self::new(values, [size, size], device)
    }
}

impl Indices {
    /// Uploads places, row by row.
    pub fn new(places: Vec<i32>, [rows, columns]: [usize; 2], device: &Device) -> Self {
        assert_eq!(places.len(), rows * columns, "places for {rows} x {columns}");
        match device {
            Device::Cpu => Self::Cpu(Arc::new(places), columns),
            #[cfg(feature = "gpu")]
            Device::Gpu(device) => {
                let data = burn::tensor::TensorData::new(places, [rows, columns]);
                Self::Gpu(burn::tensor::Tensor::from_data(data, device))
            }
        }
    }

    /// A list.
    pub fn list(places: Vec<i32>, device: &Device) -> Self {
        let shape = [1, places.len()];
        Self::new(places, shape, device)
    }

    /// Of each row the places at `ranks`, `[B, N], [B, M] -> [B, M]`.
    pub fn at(self, ranks: &Self) -> Self {
        match (self, ranks) {
            (Self::Cpu(places, of_row), Self::Cpu(ranks, per_row)) => {
                let at = |(n, rank): (usize, &i32)| places[n / per_row * of_row + *rank as usize];
                Self::Cpu(Arc::new(ranks.iter().enumerate().map(at).collect()), *per_row)
            }
            #[cfg(feature = "gpu")]
            (Self::Gpu(places), Self::Gpu(ranks)) => Self::Gpu(places.gather(1, ranks.clone())),
            #[cfg(feature = "gpu")]
            _ => unreachable!("operands live on one device"),
        }
    }

    /// The places of one on the CPU.
    #[cfg(test)]
    pub(crate) fn places(&self) -> &[i32] {
        match self {
            Self::Cpu(places, _) => places,
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => panic!("on the CPU"),
        }
    }
}

impl Mask {
    /// Uploads a mask, row by row.
    pub fn new(entries: Vec<bool>, [rows, columns]: [usize; 2], device: &Device) -> Self {
        assert_eq!(entries.len(), rows * columns, "entries for {rows} x {columns}");
        match device {
            Device::Cpu => Self::Cpu(Arc::new(entries), columns),
            #[cfg(feature = "gpu")]
            Device::Gpu(device) => {
                let data = burn::tensor::TensorData::new(entries, [rows, columns]);
                Self::Gpu(burn::tensor::Tensor::from_data(data, device))
            }
        }
    }

    /// The entries of one on the CPU, row by row.
    pub fn entries(&self) -> Option<&[bool]> {
        match self {
            Self::Cpu(entries, _) => Some(entries),
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => None,
        }
    }
}
