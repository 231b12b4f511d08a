// What a plot of the shared space shows, whatever draws it.
import type { Rgb } from "./palette";

export interface Scene {
  /** Interleaved x y of N pictures and N texts, roughly within [-1, 1]. */
  image: Float32Array;
  text: Float32Array;
  /** N x RGBA. */
  colours: Uint8Array;
  selected: number | null;
  hovered: number | null;
  /** Items found by the search. */
  found: number[];
  thumbnails: boolean;
  lines: boolean;
  /** Colours of marks and of lines on this theme. */
  ink: Rgb;
  accent: Rgb;
}
export interface Sheet { bitmap: ImageBitmap; size: number; columns: number; count: number }
export interface Pointed { item: number; kind: "image" | "text"; x: number; y: number }

export interface Plot {
  show(scene: Scene): void;
  /** -1, +1 or 0 (everything). */
  zoom(direction: number): void;
  destroy(): void;
}
export interface PlotEvents { hover(at: Pointed | null): void; click(at: Pointed | null): void }

/** The nearest picture in the direction of an arrow key, within 45 degrees of it. */
export function neighbourInDirection(positions: Float32Array, from: number, dx: number, dy: number): number {
  const x = positions[2 * from] ?? 0;
  const y = positions[2 * from + 1] ?? 0;
  let best = from;
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < positions.length / 2; i++) {
    const ax = positions[2 * i]! - x;
    const ay = positions[2 * i + 1]! - y;
    const along = ax * dx + ay * dy;
    const across = Math.abs(ax * dy) + Math.abs(ay * dx);
    const distance = Math.hypot(ax, ay);
    if (i !== from && along > 0 && along >= across && distance < nearest) {
      nearest = distance;
      best = i;
    }
  }
  return best;
}
