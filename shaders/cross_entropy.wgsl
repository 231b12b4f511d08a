// Cross-entropy of a batch, first part: log sum exp of each row and of each column of the logits, and the loss.
//
// bindings   0: logits, read, B x B f32          1: log sum exp, written, 2 x B f32: of the rows, then of the columns
//            2: losses, written, 2 x B f32: log sum exp minus the logit of the match
// workgroup  256 x 1 x 1: a row or a column; dispatch (B, 2, 1)
// cost       two looks at it

const LANES: u32 = 256u;

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> normalisers: array<f32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;

var<workgroup> parts: array<f32, 256>;

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b = groups.x;
    let i = group.x;
    let turned = group.y == 1u;
    var highest = -3.4e38;
    for (var j = lane; j < b; j += LANES) {
        highest = max(highest, logits[select(i * b + j, j * b + i, turned)]);
    }
    parts[lane] = highest;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            parts[lane] = max(parts[lane], parts[lane + half]);
        }
    }
    workgroupBarrier();
    highest = parts[0];
    workgroupBarrier();
    var sum = 0.0;
    for (var j = lane; j < b; j += LANES) {
        sum += exp(logits[select(i * b + j, j * b + i, turned)] - highest);
    }
    parts[lane] = sum;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            parts[lane] += parts[lane + half];
        }
    }
    if (lane == 0u) {
        let normaliser = highest + log(parts[0]);
        normalisers[group.y * b + i] = normaliser;
        losses[group.y * b + i] = normaliser - logits[i * b + i];
    }
}
