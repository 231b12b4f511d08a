//! Transfer over all triplets by `shaders/triplets.wgsl`, inside burn's graph; the oracle is the plain B^3 tensor.

use crate::config::{Form, Order, TransferConfig};
use crate::tensor::Tensor;
use burn::cubecl::prelude::{CubeCount, KernelId};
use burn::cubecl::server::KernelArguments;
use burn::tensor::Tensor as OnGpu;
use burn_wgpu::{CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate, Wgpu, into_contiguous};

const SHADER: &str = include_str!("../../shaders/triplets.wgsl");
/// As written in the shader.
const WORKGROUP: usize = 256;

struct Triplets;

impl KernelSource for Triplets {
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

/// [`Tensor::all_triplets`] of tables on the GPU.
pub fn all(student: Tensor<2>, teacher: &Tensor<2>, config: &TransferConfig) -> Tensor<1> {
    let [b, _] = student.dims();
    let table = |tensor: &Tensor<2>| match tensor.clone().inner() {
        Tensor::Gpu(t) => {
            into_contiguous(t.try_into_primitive::<Wgpu>().unwrap_or_else(|_| unreachable!("one back end")))
        }
        Tensor::Cpu(_) => unreachable!("both tables live on one device"),
    };
    let (s, t) = (table(&student), table(teacher));
    let tau = if config.order == Order::Soft { config.tau as f32 } else { 0.0 };
    let hinge = f32::from(config.form == Form::Hinge);
    let numbers = vec![config.gamma as f32, tau, config.margin as f32, hinge];
    let Tensor::Gpu(numbers) = Tensor::new(numbers, [4], &student.device()) else { unreachable!("as the student") };
    let numbers = numbers.inner().try_into_primitive::<Wgpu>().unwrap_or_else(|_| unreachable!("one back end"));

    let tiles = b.div_ceil(WORKGROUP);
    let empty = |shape: [usize; 2]| {
        let handle = s.client.empty(shape[0] * shape[1] * size_of::<f32>());
        CubeTensor::new_contiguous(s.client.clone(), s.device.clone(), shape.into(), handle, s.dtype)
    };
    let (derivatives, sums) = (empty([b, b]), empty([b * tiles, 2]));
    let buffers = [&s, &t, &numbers, &derivatives, &sums].map(|tensor| tensor.handle.clone().binding());
    let arguments = buffers.into_iter().fold(KernelArguments::new(), KernelArguments::with_buffer);
    let kernel = SourceKernel::new(Triplets, CubeDim::new_1d(WORKGROUP as u32));
    s.client.launch(Box::new(kernel), CubeCount::Static(tiles as u32, b as u32, 1), arguments);

    let [derivatives, sums] = [derivatives, sums].map(|t| Tensor::Gpu(OnGpu::<2>::from_primitive::<Wgpu>(t)));
    let mut sums = sums.sum_dim(0).split(1, 1).into_iter();
    let (Some(loss), Some(pairs)) = (sums.next(), sums.next()) else { unreachable!("two columns") };
    let each = pairs.clamp_min(1.0).recip();
    student.with_gradient((loss * each.clone()).reshape([1]), derivatives * each)
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
