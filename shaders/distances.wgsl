// D = 2 - 2 S, element by element: squared distances of unit rows from their cosines (METHOD.md's D_v and D_t).
//
// bindings   0: S, read, n x f32      1: D, written, n x f32
// workgroup  256 x 1 x 1; dispatch (x, y, 1) with x * y * 256 >= n
// cost       one multiply-add, 8 bytes of memory traffic an element

@group(0) @binding(0) var<storage, read_write> similarities: array<f32>;
@group(0) @binding(1) var<storage, read_write> distances: array<f32>;

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let i = id.y * groups.x * 256u + id.x;
    if (i < arrayLength(&distances)) {
        distances[i] = fma(-2.0, similarities[i], 2.0);
    }
}
