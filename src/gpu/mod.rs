//! Operations of our own in WGSL, run on burn's device beside burn's own kernels.
//!
//! Each shader under `shaders/` has an oracle in a test (those of a gradient are read with those of their loss).

pub mod adam;
pub mod cross_entropy;
pub mod hinge;
pub mod norm;
pub mod sampled;
pub mod triplets;

use crate::config::{Order, TransferConfig};
use crate::tensor::Tensor;
use burn::cubecl::prelude::{CubeCount, KernelId};
use burn::cubecl::server::KernelArguments;
use burn::tensor::{DType, Tensor as OnGpu};
use burn_wgpu::{CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate, Wgpu};
use std::marker::PhantomData;

/// A tensor in burn's own terms.
type Buffer = CubeTensor;

/// Threads of a workgroup, as written in every shader.
const WORKGROUP: usize = 256;

/// A shader.
trait Shader: Send + Sync + 'static {
    /// Its text.
    const TEXT: &'static str;
}

struct Kernel<S>(PhantomData<S>);

impl<S: Shader> KernelSource for Kernel<S> {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(S::TEXT)
    }

    fn id(&self) -> KernelId {
        KernelId::new::<S>()
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Workgroups that have a thread for each of `n` numbers. In rows: more than 65,535 in one are refused.
fn covering(n: usize) -> [usize; 2] {
    const ACROSS: usize = 1 << 15;
    let groups = n.div_ceil(WORKGROUP);
    [groups.min(ACROSS), groups.div_ceil(ACROSS)]
}

/// Runs a shader in `[x, y]` workgroups on `buffers`, in the order of its bindings.
fn launch<S: Shader>([x, y]: [usize; 2], buffers: &[&Buffer]) {
    let bindings = buffers.iter().map(|tensor| tensor.handle.clone().binding());
    let arguments = bindings.fold(KernelArguments::new(), KernelArguments::with_buffer);
    let kernel = SourceKernel::new(Kernel::<S>(PhantomData), CubeDim::new_1d(WORKGROUP as u32));
    buffers[0].client.launch(Box::new(kernel), CubeCount::Static(x as u32, y as u32, 1), arguments);
}

/// The numbers of a tensor, of which no gradient is asked.
fn buffer<const D: usize>(tensor: Tensor<D>) -> Buffer {
    match tensor.inner() {
        Tensor::Gpu(t) => t.try_into_primitive::<Wgpu>().unwrap_or_else(|_| unreachable!("one back end")),
        Tensor::Cpu(_) => unreachable!("operands live on one device"),
    }
}

/// A few numbers beside `tensor`.
fn numbers<const N: usize>(values: [f32; N], tensor: &Tensor<2>) -> Buffer {
    buffer(Tensor::new(values.to_vec(), [N], &tensor.device()))
}

/// A new table beside `like`; what is in it is not said.
fn empty(shape: [usize; 2], like: &Buffer) -> Buffer {
    let handle = like.client.empty(shape[0] * shape[1] * size_of::<f32>());
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape.into(), handle, DType::F32)
}

/// What a shader is told of the teacher: `tau`, or 0 where the order is a fact.
fn taught_by(config: &TransferConfig) -> f32 {
    if config.order == Order::Soft { config.tau as f32 } else { 0.0 }
}

/// The mean loss over triplets: `sums` are parts of the losses and of how many they are, `[n, 2]`; `derivatives` those of
/// the sum.
fn with_sums(student: Tensor<2>, derivatives: Buffer, sums: Buffer) -> Tensor<1> {
    let [derivatives, sums] = [derivatives, sums].map(|t| Tensor::Gpu(OnGpu::<2>::from_primitive::<Wgpu>(t)));
    let mut sums = sums.sum_dim(0).split(1, 1).into_iter();
    let (Some(loss), Some(count)) = (sums.next(), sums.next()) else { unreachable!("two columns") };
    let each = count.clamp_min(1.0).recip();
    student.with_gradient((loss * each.clone()).reshape([1]), derivatives * each)
}

#[cfg(test)]
fn validates<S: Shader>() {
    let module = naga::front::wgsl::parse_str(S::TEXT).expect("it parses");
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty())
        .validate(&module)
        .expect("it validates");
}
