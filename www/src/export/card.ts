// What an exported picture says and shows; plain data, so that it can cross to a worker.
import type { Sheet } from "../draw/scene";
import type { Draw, Points } from "../state/space-keys";

/** One space: the run's or its twin's. Positions are interleaved, `dims` to a point, of which the first two are drawn. */
export interface Panel {
  label: string;
  image: Float32Array;
  text: Float32Array;
  dims: number;
  metrics: [name: string, value: string][];
  colours: Colours;
  /** What of the plane is shown, fixed over a film so that it does not breathe. */
  bounds: Bounds;
}
/** N x RGBA of pictures and of texts. */
export interface Colours { image: Uint8ClampedArray; text: Uint8ClampedArray }
export interface Bounds { x: [number, number]; y: [number, number] }

/** One moment. */
export interface Card {
  panels: Panel[];
  /** "Epoch", "12", "of 60". */
  epoch: [word: string, at: string, of: string];
  /** Share of the recorded way, 0 to 1: where the dot on the curve stands. */
  at: number;
}

/** What stays the same over a film. */
export interface Look {
  shape: Shape;
  title: string;
  subtitle: string;
  brand: string;
  /** Names of the two kinds of points; coloured only where colours tell them apart. */
  keys: { image: string; text: string; coloured: boolean };
  legend: { name: string; colour: string }[];
  credit: string;
  /** mR over the recorded way: x and y from 0 to 1. */
  curve: { name: string; points: [number, number][] };
  titles: string[];
  points: Points;
  draw: Draw;
  lines: boolean;
  selected: number | null;
  sheet: Sheet;
  theme: Theme;
}
export interface Theme { ground: string; ink: string; soft: string; line: string; image: string; text: string; serif: string; sans: string; language: string }

export type Shape = "wide" | "square";
/** Sizes at scale 1. A square at scale 4 is as large as the smallest of today's canvas limits (2^24 pixels). */
export const SIZES: Record<Shape, [width: number, height: number]> = { wide: [1280, 720], square: [1024, 1024] };

/** The part of the plane that positions take up; never smaller than this, so that a cloud that is a point is not blown up. */
const LEAST = 0.2;

export function boundsOf(spaces: Pick<Panel, "image" | "text" | "dims">[]): Bounds {
  const bounds: Bounds = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
  for (const { image, text, dims } of spaces) {
    for (const points of [image, text]) {
      for (let i = 0; i < points.length; i += dims) {
        for (const [axis, value] of [[bounds.x, points[i]!], [bounds.y, points[i + 1]!]] as const) {
          axis[0] = Math.min(axis[0], value);
          axis[1] = Math.max(axis[1], value);
        }
      }
    }
  }
  for (const axis of [bounds.x, bounds.y]) {
    const more = Math.max(0, LEAST - (axis[1] - axis[0])) / 2;
    if (!Number.isFinite(axis[0])) axis.splice(0, 2, -LEAST, LEAST);
    else axis.splice(0, 2, axis[0] - more, axis[1] + more);
  }
  return bounds;
}
