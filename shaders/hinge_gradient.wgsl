// The hinge over the hardest negatives, second part: the loss's derivatives by the scores. A negative that counts is pushed
// down, the match of its row or column up as often.
//
// bindings   0: scores, 1: known matches, 3: chosen as in hinge.wgsl
//            2: numbers, read, f32: margin, how many count, 1 where there are known matches, weight of a cost, B
//            4: derivatives, written, B x B f32
// workgroup  256 x 1 x 1: one score a thread; dispatch (x, y, 1) with 256 x y >= B x B
// cost       24 bytes a score, most of them from the cache

@group(0) @binding(0) var<storage, read_write> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> known: array<f32>;
@group(0) @binding(2) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<f32>;
@group(0) @binding(4) var<storage, read_write> derivatives: array<f32>;

// Whether the score at `at`, which is at place `other` of its row or column, is one that was chosen there.
fn counts(at: u32, other: u32, choice: u32) -> bool {
    let s = scores[at];
    if (chosen[choice + 2u] < 0.5) {
        return false;
    }
    let last = chosen[choice];
    return s > last || (s == last && f32(other) <= chosen[choice + 1u]);
}

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b = u32(numbers[4]);
    let at = (group.y * groups.x + group.x) * 256u + lane;
    if (at >= b * b) {
        return;
    }
    let i = at / b;
    let j = at % b;
    let row = 4u * i;
    let column = 4u * (b + j);
    var pushes = 0.0;
    if (i == j) {
        pushes = -(chosen[row + 2u] + chosen[column + 2u]);
    } else if (!(numbers[2] > 0.5 && known[at] > 0.5)) {
        pushes = select(0.0, 1.0, counts(at, j, row)) + select(0.0, 1.0, counts(at, i, column));
    }
    derivatives[at] = pushes * numbers[3];
}
