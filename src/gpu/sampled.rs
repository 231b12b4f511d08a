//! Transfer over sampled triplets by `shaders/sampled.wgsl`. The oracle is the same loss on the CPU.

use super::{Shader, buffer, empty, launch, numbers, taught_by, with_sums};
use crate::config::{Form, TransferConfig};
use crate::tensor::{Indices, Tensor};
use burn_wgpu::{Wgpu, into_contiguous};

struct Sampled;

impl Shader for Sampled {
    const TEXT: &'static str = include_str!("../../shaders/sampled.wgsl");
}

/// `student` is `[B, N]`; `near` and `far`, `[B, M]`, are columns of it; `gap`, `[B, M]`, is the teacher's
/// `D(i,far) - D(i,near)`.
pub fn sampled(student: Tensor<2>, [near, far]: [&Indices; 2], gap: Tensor<2>, config: &TransferConfig) -> Tensor<1> {
    let ([b, n], [_, m]) = (student.dims(), gap.dims());
    let hinge = f32::from(config.form == Form::Hinge);
    let values = [config.gamma as f32, taught_by(config), config.margin as f32, hinge, n as f32, m as f32];
    let values = numbers(values, &student);
    let places = |places: &Indices| match places {
        Indices::Gpu(t) => {
            into_contiguous(t.clone().try_into_primitive::<Wgpu>().unwrap_or_else(|_| unreachable!("one back end")))
        }
        Indices::Cpu(..) => unreachable!("operands live on one device"),
    };
    let (near, far, gap) = (places(near), places(far), into_contiguous(buffer(gap)));
    let s = into_contiguous(buffer(student.clone()));
    let (derivatives, sums) = (empty([b, n], &s), empty([b, 2], &s));
    launch::<Sampled>([b, 1], &[&s, &near, &far, &gap, &values, &derivatives, &sums]);
    with_sums(student, derivatives, sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shader_is_valid() {
        crate::gpu::validates::<Sampled>();
    }
}
