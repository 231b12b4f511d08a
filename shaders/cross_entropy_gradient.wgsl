// Cross-entropy of a batch, second part: its derivatives by the logits.
//
// bindings   0: logits, 1: log sum exp, as in cross_entropy.wgsl
//            2: B, read, one f32                 3: derivatives, written, B x B f32
// workgroup  256 x 1 x 1: one logit a thread; dispatch (x, y, 1) with 256 x y >= B x B
// cost       two exponentials a logit

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> normalisers: array<f32>;
@group(0) @binding(2) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(3) var<storage, read_write> derivatives: array<f32>;

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b = u32(numbers[0]);
    let at = (group.y * groups.x + group.x) * 256u + lane;
    if (at >= b * b) {
        return;
    }
    let i = at / b;
    let j = at % b;
    let shares = exp(logits[at] - normalisers[i]) + exp(logits[at] - normalisers[b + j]);
    derivatives[at] = (shares - select(0.0, 2.0, i == j)) * 0.5 / f32(b);
}
