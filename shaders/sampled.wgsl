// Transfer over sampled triplets (i; j, k): the loss, and its derivatives by the student's distances. A thread owns columns of
// its row, so that triplets that share an item are added without atomics.
//
// bindings   0: student's D, read, B x N f32     1: j, read, B x M i32       2: k, read, B x M i32
//            3: teacher's D(i,k) - D(i,j), read, B x M f32
//            4: numbers, read, f32: gamma, tau (0: the order is a fact), margin, 1 for the hinge, N, M
//            5: derivatives, written, B x N f32  6: loss and how many do not tie, written, 2 x f32 for each row
// workgroup  256 x 1 x 1: one anchor; dispatch (B, 1, 1)
// cost       N M comparisons a row

const LANES: u32 = 256u;

@group(0) @binding(0) var<storage, read_write> student: array<f32>;
@group(0) @binding(1) var<storage, read_write> near: array<i32>;
@group(0) @binding(2) var<storage, read_write> far: array<i32>;
@group(0) @binding(3) var<storage, read_write> taught: array<f32>;
@group(0) @binding(4) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(5) var<storage, read_write> derivatives: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;

var<workgroup> triplets: u32;
// The row's next 256 triplets, and what each asks of its far item (and the opposite of its near one).
var<workgroup> nears: array<u32, 256>;
var<workgroup> fars: array<u32, 256>;
var<workgroup> asked: array<f32, 256>;
// Afterwards the sums of the threads.
var<workgroup> losses: array<f32, 256>;
var<workgroup> counts: array<f32, 256>;

// Large arguments overflow, and what that gives is up to the driver.
fn sigmoid(x: f32) -> f32 {
    return 1.0 / (1.0 + exp(clamp(-x, -80.0, 80.0)));
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if (lane == 0u) {
        triplets = u32(numbers[5]);
    }
    // Browsers want to be sure that all threads go round a loop with barriers as often as each other.
    let m = workgroupUniformLoad(&triplets);
    let n = u32(numbers[4]);
    let gamma = numbers[0];
    let tau = numbers[1];
    let margin = numbers[2];
    let hinge = numbers[3] > 0.5;
    let row = group.x * n;
    var loss = 0.0;
    var kept = 0.0;
    for (var first = 0u; first < m; first += LANES) {
        asked[lane] = 0.0;
        if (first + lane < m) {
            let at = group.x * m + first + lane;
            nears[lane] = u32(near[at]);
            fars[lane] = u32(far[at]);
            let order = taught[at];
            // A tie is no order.
            if (order != 0.0) {
                let gap = student[row + fars[lane]] - student[row + nears[lane]];
                var p = select(0.0, 1.0, order > 0.0);
                if (tau > 0.0) {
                    p = sigmoid(order / tau);
                }
                if (hinge) {
                    let short = max(margin - gap, 0.0);
                    let reversed = max(margin + gap, 0.0);
                    loss += p * short + (1.0 - p) * reversed;
                    asked[lane] = select(0.0, 1.0 - p, reversed > 0.0) - select(0.0, p, short > 0.0);
                } else {
                    let z = gamma * gap;
                    loss += max(z, 0.0) + log(1.0 + exp(-abs(z))) - p * z;
                    asked[lane] = gamma * (sigmoid(z) - p);
                }
                kept += 1.0;
            }
        }
        workgroupBarrier();
        for (var j = lane; j < n; j += LANES) {
            var sum = 0.0;
            for (var t = 0u; t < min(LANES, m - first); t++) {
                sum += select(0.0, asked[t], fars[t] == j) - select(0.0, asked[t], nears[t] == j);
            }
            if (first == 0u) {
                derivatives[row + j] = sum;
            } else {
                derivatives[row + j] += sum;
            }
        }
        workgroupBarrier();
    }
    losses[lane] = loss;
    counts[lane] = kept;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            losses[lane] += losses[lane + half];
            counts[lane] += counts[lane + half];
        }
    }
    if (lane == 0u) {
        sums[2u * group.x] = losses[0];
        sums[2u * group.x + 1u] = counts[0];
    }
}
