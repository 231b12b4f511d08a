// The sum of a table's squares, in 64 parts, into one of the rows of a table of such sums.
//
// bindings   0: table, read, n x f32             2: sums, written, one row: 64 x f32
//            1: numbers, read, f32: n / 65536 and n % 65536 (n itself may be more than f32 tells apart), the row
// workgroup  256 x 1 x 1; dispatch (64, 1, 1)
// cost       one look at the table

const LANES: u32 = 256u;

@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

var<workgroup> squares: array<f32, 256>;

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = (u32(numbers[0]) << 16u) + u32(numbers[1]);
    var sum = 0.0;
    for (var at = group.x * LANES + lane; at < n; at += groups.x * LANES) {
        sum += values[at] * values[at];
    }
    squares[lane] = sum;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            squares[lane] += squares[lane + half];
        }
    }
    if (lane == 0u) {
        sums[u32(numbers[2]) * groups.x + group.x] = squares[0];
    }
}
