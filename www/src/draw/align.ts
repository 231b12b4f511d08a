// Two clouds of the same points, one of them turned: the turn that undoes it. A worker that takes a run over begins with
// principal axes of its own, which may be mirrored or rotated against those of the worker before it.

type Row = [number, number, number];
type Square = [Row, Row, Row];

const cross = (a: Row, b: Row): Row => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const dot = (a: Row, b: Row): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** The orthogonal `R` that brings rows `from R` nearest to `onto` (orthogonal Procrustes); null where it is not determined. */
export function turnOnto(from: Float32Array[], onto: Float32Array[], dims: number): Square | null {
  // Two dimensions are three of which the last stays as it is.
  let m: Square = [[0, 0, 0], [0, 0, 0], [0, 0, dims === 2 ? 1 : 0]];
  from.forEach((rows, side) => {
    const target = onto[side]!;
    for (let i = 0; i < Math.min(rows.length, target.length); i += dims) {
      for (let r = 0; r < dims; r++) for (let c = 0; c < dims; c++) m[r]![c]! += rows[i + r]! * target[i + c]!;
    }
  });
  const norm = Math.sqrt(m.slice(0, dims).reduce((sum, row) => sum + dot(row, row), 0) / dims);
  if (!(norm > 0)) return null;
  for (let r = 0; r < dims; r++) m[r] = m[r]!.map((value) => value / norm) as Row;
  // Newton's iteration for the polar factor: X becomes the mean of X and its inverse transposed.
  for (let pass = 0; pass < 40; pass++) {
    const cofactors: Square = [cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])];
    const determinant = dot(m[0], cofactors[0]);
    if (Math.abs(determinant) < 1e-9) return null;
    const next = m.map((row, r) => row.map((value, c) => (value + cofactors[r]![c]! / determinant) / 2)) as Square;
    const moved = next.reduce((sum, row, r) => sum + row.reduce((part, value, c) => part + Math.abs(value - m[r]![c]!), 0), 0);
    m = next;
    if (moved < 1e-12) break;
  }
  return m;
}

/** Rows, turned: a new array. */
export function turned(rows: Float32Array, turn: Square, dims: number): Float32Array {
  const out = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i += dims) {
    for (let r = 0; r < dims; r++) for (let c = 0; c < dims; c++) out[i + c]! += rows[i + r]! * turn[r]![c]!;
  }
  return out;
}
