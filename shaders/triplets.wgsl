// Transfer over all triplets (i; j, k) of a batch: the loss, and its derivatives by the student's distances. O(B^3) work,
// O(B^2) memory. The thread of (i, j) meets every k; the pair {j, k} is met from both sides, half of its loss from each.
//
// bindings   0: student's D, read, B x B f32        1: teacher's D, read, B x B f32
//            2: numbers, read, f32: gamma, tau (0: the order is a fact), margin, 1 for the hinge
//            3: derivatives, written, B x B f32     4: loss and pairs, written, 2 x f32 for each workgroup
// workgroup  256 x 1 x 1: 256 items j of one anchor; dispatch (ceil(B / 256), B, 1)
// cost       one exponential and one logarithm a triplet; both rows are read once for each workgroup

const LANES: u32 = 256u;

@group(0) @binding(0) var<storage, read_write> student: array<f32>;
@group(0) @binding(1) var<storage, read_write> teacher: array<f32>;
@group(0) @binding(2) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(3) var<storage, read_write> derivatives: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;

// The row's next 256 items; afterwards the sums of the threads.
var<workgroup> students: array<f32, 256>;
var<workgroup> teachers: array<f32, 256>;

// Large arguments overflow, and what that gives is up to the driver.
fn sigmoid(x: f32) -> f32 {
    return 1.0 / (1.0 + exp(clamp(-x, -80.0, 80.0)));
}

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    // Not from a buffer: browsers refuse barriers in a loop whose length could differ from thread to thread.
    let b = groups.y;
    let gamma = numbers[0];
    let tau = numbers[1];
    let margin = numbers[2];
    let hinge = numbers[3] > 0.5;
    let i = group.y;
    let row = i * b;
    let j = group.x * LANES + lane;
    let asks = j < b && j != i;
    var s_j = 0.0;
    var t_j = 0.0;
    if (j < b) {
        s_j = student[row + j];
        t_j = teacher[row + j];
    }
    var loss = 0.0;
    var pull = 0.0;
    var pairs = 0.0;
    for (var first = 0u; first < b; first += LANES) {
        if (first + lane < b) {
            students[lane] = student[row + first + lane];
            teachers[lane] = teacher[row + first + lane];
        }
        workgroupBarrier();
        if (asks) {
            for (var n = 0u; n < min(LANES, b - first); n++) {
                let t_k = teachers[n];
                // A tie is no order, and the item itself ties with itself.
                if (first + n == i || t_k == t_j) {
                    continue;
                }
                let gap = s_j - students[n];
                var p = select(0.0, 1.0, t_j > t_k);
                if (tau > 0.0) {
                    p = sigmoid((t_j - t_k) / tau);
                }
                if (hinge) {
                    let short = max(margin - gap, 0.0);
                    let reversed = max(margin + gap, 0.0);
                    loss += 0.5 * (p * short + (1.0 - p) * reversed);
                    pull += select(0.0, 1.0 - p, reversed > 0.0) - select(0.0, p, short > 0.0);
                } else {
                    let z = gamma * gap;
                    loss += 0.5 * (max(z, 0.0) + log(1.0 + exp(-abs(z))) - p * z);
                    pull += gamma * (sigmoid(z) - p);
                }
                pairs += 0.5;
            }
        }
        workgroupBarrier();
    }
    if (j < b) {
        derivatives[row + j] = pull;
    }
    students[lane] = loss;
    teachers[lane] = pairs;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            students[lane] += students[lane + half];
            teachers[lane] += teachers[lane + half];
        }
    }
    if (lane == 0u) {
        let at = 2u * (i * groups.x + group.x);
        sums[at] = students[0];
        sums[at + 1u] = teachers[0];
    }
}
