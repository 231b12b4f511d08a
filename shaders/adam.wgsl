// One update of AdamW (Loshchilov & Hutter 2019): weights and both moments move in one pass, each in its place.
//
// bindings   0: weights, 1: first moments, 2: second moments, read and written, n x f32
//            3: gradient, read, n x f32         4: factor of the gradient, read, one f32
//            5: numbers, read, f32: n / 65536 and n % 65536 (n itself may be more than f32 tells apart), learning rate, what is
//               left of a weight, beta_1, 1 - beta_1, beta_2, 1 - beta_2, bias corrections of both moments, epsilon
// workgroup  256 x 1 x 1: one number a thread; dispatch (x, y, 1) with 256 x y >= n
// cost       28 bytes and some fifteen operations a number: memory decides

@group(0) @binding(0) var<storage, read_write> weights: array<f32>;
@group(0) @binding(1) var<storage, read_write> first: array<f32>;
@group(0) @binding(2) var<storage, read_write> second: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> factor: array<f32>;
@group(0) @binding(5) var<storage, read_write> numbers: array<f32>;

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * groups.x + group.x) * 256u + lane;
    if (at >= (u32(numbers[0]) << 16u) + u32(numbers[1])) {
        return;
    }
    let g = gradient[at] * factor[0];
    let m = first[at] * numbers[4] + g * numbers[5];
    let v = second[at] * numbers[6] + g * g * numbers[7];
    let direction = (m / numbers[8]) / (sqrt(v / numbers[9]) + numbers[10]);
    first[at] = m;
    second[at] = v;
    weights[at] = weights[at] * numbers[3] - direction * numbers[2];
}
