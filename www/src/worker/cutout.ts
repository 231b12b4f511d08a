// The engine's thumbnails stand on white, as it was trained on them. For drawing, the white that touches a tile's
// border becomes transparent, so that pictures (not squares) lie on the page in light and in dark.
import type { Atlas } from "../protocol";

/** Darkest channel from which a pixel still counts as ground. */
const GROUND = 244;

/** Cuts every tile in place. A pixel at the rim keeps its colour and gets partial alpha, which smooths the edge. */
export function cutWhiteGround({ rgba, width, height }: Atlas, size: number): void {
  const stack = new Int32Array(size * size);
  const seen = new Uint8Array(size * size);
  for (let top = 0; top + size <= height; top += size) {
    for (let left = 0; left + size <= width; left += size) cutTile(rgba, width, left, top, size, stack, seen);
  }
}

function cutTile(rgba: Uint8ClampedArray, width: number, left: number, top: number, size: number, stack: Int32Array, seen: Uint8Array): void {
  seen.fill(0);
  let depth = 0;
  const visit = (x: number, y: number): void => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    const i = y * size + x;
    if (seen[i]) return;
    seen[i] = 1;
    const at = ((top + y) * width + left + x) * 4;
    const dark = Math.min(rgba[at]!, rgba[at + 1]!, rgba[at + 2]!);
    if (dark >= GROUND) {
      rgba[at + 3] = 0;
      stack[depth++] = i;
    } else {
      // A rim pixel: mixed with white by the rasteriser. Alpha from how white it is; it stops the flood.
      rgba[at + 3] = Math.min(255, Math.round((255 - dark) * 2.5) + 40);
    }
  };
  for (let k = 0; k < size; k++) {
    visit(k, 0);
    visit(k, size - 1);
    visit(0, k);
    visit(size - 1, k);
  }
  while (depth > 0) {
    const i = stack[--depth]!;
    const x = i % size;
    const y = (i - x) / size;
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
}
