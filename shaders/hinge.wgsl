// The hinge over the hardest negatives, first part: which negatives of each row and of each column of the scores count. Those
// with the largest cost are those with the largest score, and scores are compared as they lie in memory: the second part
// (hinge_gradient.wgsl) finds the same ones.
//
// bindings   0: scores S, read, B x B f32        1: known matches, read, B x B f32: 1 is never a negative
//            2: numbers, read, f32: margin, how many count, 1 where there are known matches
//            3: chosen, written, 2 x B x 4 f32: of a row, then of a column: the smallest score that counts, its place, how many
//               count, and the sum of their costs m + S_ij - S_ii
// workgroup  256 x 1 x 1: a row or a column; dispatch (B, 2, 1)
// cost       one look at the row for each that counts; where all count, one

const LANES: u32 = 256u;
const MOST: f32 = 3.4e38;

@group(0) @binding(0) var<storage, read_write> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> known: array<f32>;
@group(0) @binding(2) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<f32>;

var<workgroup> asked: u32;
var<workgroup> best: array<f32, 256>;
var<workgroup> places: array<i32, 256>;
var<workgroup> lowest: array<f32, 256>;

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b = groups.x;
    let i = group.x;
    if (lane == 0u) {
        asked = u32(numbers[1]);
    }
    // Browsers want to be sure that all threads go round a loop with barriers as often as each other.
    let k = workgroupUniformLoad(&asked);
    let offset = numbers[0] - scores[i * b + i];
    let any_known = numbers[2] > 0.5;
    let every = k >= b - 1u;
    var last = MOST;
    var last_place = -1;
    var count = 0u;
    var total = 0.0;
    var smallest = MOST;
    for (var round = 0u; round < select(k, 1u, every); round++) {
        var score = -MOST;
        var place = -1;
        for (var j = lane; j < b; j += LANES) {
            let at = select(i * b + j, j * b + i, group.y == 1u);
            let s = scores[at];
            if (j == i || s + offset < 0.0 || (any_known && known[at] > 0.5)) {
                continue;
            }
            if (every) {
                total += s + offset;
                count += 1u;
                smallest = min(smallest, s);
            } else if ((s < last || (s == last && i32(j) > last_place)) && s > score) {
                score = s;
                place = i32(j);
            }
        }
        if (every) {
            break;
        }
        best[lane] = score;
        places[lane] = place;
        for (var half = LANES / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (lane < half) {
                let other = lane + half;
                if (best[other] > best[lane]
                    || (best[other] == best[lane] && places[other] >= 0 && places[other] < places[lane])) {
                    best[lane] = best[other];
                    places[lane] = places[other];
                }
            }
        }
        let found = workgroupUniformLoad(&places[0]);
        if (found < 0) {
            break;
        }
        last = best[0];
        last_place = found;
        count += 1u;
        total += last + offset;
        workgroupBarrier();
    }
    if (every) {
        best[lane] = total;
        places[lane] = i32(count);
        lowest[lane] = smallest;
        for (var half = LANES / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (lane < half) {
                best[lane] += best[lane + half];
                places[lane] += places[lane + half];
                lowest[lane] = min(lowest[lane], lowest[lane + half]);
            }
        }
        total = best[0];
        count = u32(places[0]);
        last = lowest[0];
        last_place = i32(b);
    }
    if (lane == 0u) {
        let at = 4u * (group.y * b + i);
        chosen[at] = last;
        chosen[at + 1u] = f32(last_place);
        chosen[at + 2u] = f32(count);
        chosen[at + 3u] = total;
    }
}
