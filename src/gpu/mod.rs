//! Operations of our own in WGSL, run on burn's device beside burn's own kernels.
//!
//! Each shader under `shaders/` can be read alone and has a plain-tensor oracle in a test.

pub mod adam;
pub mod triplets;

use crate::tensor::Tensor;
use burn::cubecl::prelude::{CubeCount, KernelId};
use burn::cubecl::server::KernelArguments;
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

#[cfg(test)]
fn validates<S: Shader>() {
    let module = naga::front::wgsl::parse_str(S::TEXT).expect("it parses");
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty())
        .validate(&module)
        .expect("it validates");
}
