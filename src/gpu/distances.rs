//! `D = 2 - 2 S` by `shaders/distances.wgsl`; the oracle is [`crate::loss::transfer::distances`].

use crate::error::{Error, Result};
use burn::cubecl::prelude::{CubeCount, KernelId};
use burn::cubecl::server::KernelArguments;
use burn::tensor::Tensor;
use burn_wgpu::{CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate, Wgpu, into_contiguous};

const SHADER: &str = include_str!("../../shaders/distances.wgsl");
/// As written in the shader.
const WORKGROUP: u32 = 256;
/// WebGPU's limit for one dimension of a dispatch.
const GROUPS_MAX: u32 = 65_535;

struct Distances;

impl KernelSource for Distances {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(SHADER)
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>()
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Squared distances from cosines, `[A, B] -> [A, B]`. An error when the tensor does not live on the GPU.
pub fn distances(similarities: Tensor<2>) -> Result<Tensor<2>> {
    let input = similarities
        .try_into_primitive::<Wgpu>()
        .map_err(|e| Error::Device(format!("the WGSL distances need a tensor on the GPU: {e:?}")))?;
    let input = into_contiguous(input);
    let shape = input.meta.shape().clone();
    let n = shape.num_elements();
    let handle = input.client.empty(n * size_of::<f32>());
    let output = CubeTensor::new_contiguous(input.client.clone(), input.device.clone(), shape, handle, input.dtype);
    let groups = (n as u32).div_ceil(WORKGROUP);
    let count = CubeCount::Static(groups.clamp(1, GROUPS_MAX), groups.div_ceil(GROUPS_MAX).max(1), 1);
    let arguments =
        KernelArguments::new().with_buffer(input.handle.clone().binding()).with_buffer(output.handle.clone().binding());
    let kernel = SourceKernel::new(Distances, CubeDim::new_1d(WORKGROUP));
    input.client.launch(Box::new(kernel), count, arguments);
    Ok(Tensor::from_primitive::<Wgpu>(output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shader_is_valid() {
        let module = naga::front::wgsl::parse_str(SHADER).expect("it parses");
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty())
            .validate(&module)
            .expect("it validates");
    }
}
