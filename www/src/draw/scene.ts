// What a plot of the shared space shows, whatever draws it.
import type { SheetLayout } from "../protocol";
import type { Draw, Points } from "../state/space-keys";
import type { Rgb } from "./palette";

export interface Scene {
  /** Interleaved x y z of N pictures and N texts, roughly within [-1, 1]; flat, z is 0. */
  image: Float32Array;
  text: Float32Array;
  dims: 2 | 3;
  points: Points;
  draw: Draw;
  /** N x RGBA of each. */
  colours: { image: Uint8ClampedArray; text: Uint8ClampedArray };
  selected: number | null;
  hovered: number | null;
  /** Items found by the search. */
  found: number[];
  /** Nearest neighbours of the selected picture. */
  near: { images: number[]; texts: number[] } | null;
  lines: boolean;
  /** Colours of marks and of lines on this theme: neutral, and those of the two modalities. */
  ink: Rgb;
  blue: Rgb;
  orange: Rgb;
}
/** Thumbnails of `count` items; `layout` says where each lies on the pages. */
export interface Sheet { pages: ImageBitmap[]; layout: SheetLayout; count: number }
/** Page of an item's thumbnail, its number there, and its corner in pixels. */
export function tileOf({ size, columns, per_page }: SheetLayout, item: number): { page: number; cell: number; x: number; y: number } {
  const cell = item % per_page;
  return { page: Math.floor(item / per_page), cell, x: (cell % columns) * size, y: Math.floor(cell / columns) * size };
}
/** Draws an item's thumbnail around a point. */
export function drawTile(context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D, { pages, layout }: Sheet, item: number, x: number, y: number, side: number): void {
  const { size } = layout;
  const tile = tileOf(layout, item);
  const page = pages[tile.page];
  if (page) context.drawImage(page, tile.x, tile.y, size, size, x - side / 2, y - side / 2, side, side);
}
export interface Pointed { item: number; kind: "image" | "text"; x: number; y: number }

export interface Plot {
  show(scene: Scene): void;
  /** -1, +1 or 0 (everything); what is at these pixels stays there. */
  zoom(direction: number, at?: [number, number]): void;
  /** Moves the view this share of its size; in three dimensions turns it. */
  turn(dx: number, dy: number): void;
  /** Pixel positions, interleaved x y, of the N pictures and then of the N texts. */
  screen(): Float32Array | null;
  /** How much of each picture is drawn: 0 a dot, 1 the picture. */
  detail(): Float32Array | null;
  destroy(): void;
}
export interface PlotEvents { hover(at: Pointed | null): void; click(at: Pointed | null): void }

/** Middle and half sides of the box around all points, and how far the farthest is from its middle. */
export function extent({ image, text }: Scene): { middle: [number, number, number]; size: [number, number, number]; radius: number } {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  const each = (look: (value: number, d: number, i: number) => void): void => {
    for (const points of [image, text]) for (let i = 0; i < points.length; i++) look(points[i]!, i % 3, i);
  };
  each((value, d) => {
    if (value < low[d]!) low[d] = value;
    if (value > high[d]!) high[d] = value;
  });
  const middle = low.map((from, d) => (from + high[d]!) / 2) as [number, number, number];
  let [square, radius] = [0, 0];
  each((value, d) => {
    square = (d === 0 ? 0 : square) + (value - middle[d]!) ** 2;
    if (d === 2 && square > radius) radius = square;
  });
  // Not smaller than this: a cloud that has become a point is not blown up.
  return { middle, size: low.map((from, d) => Math.max(0.15, (high[d]! - from) / 2)) as [number, number, number], radius: Math.max(0.15, Math.sqrt(radius)) };
}

/** Room around the outermost points: above and below stand tools and legend. In pixels where a rem is 16 of them, as is all that follows. */
export const MARGIN = { x: 34, y: 54 };
/** Side of a picture at this zoom: it grows more slowly than the distances, so that zooming in separates pictures. */
export function pictureSide(draw: Draw, count: number, zoomed: number, unit: number): number {
  if (draw === "zoom") return Math.min(72, Math.max(18, 25 * 2 ** (0.45 * zoomed)));
  return Math.min(72, Math.max(11, 2 ** (0.72 * zoomed) * (unit / 315) * 19 * Math.sqrt(1000 / Math.max(100, count))));
}

/** How far from a dot or a text it is still pointed at. */
export const REACH = 8;

/** What is drawn at a pixel: the nearest of the pictures within their squares and of the dots and texts within reach. */
export function pointAt(scene: Scene, at: Float32Array, shown: Float32Array, side: number, within: number, x: number, y: number): Pointed | null {
  const n = at.length / 4;
  let best: Pointed | null = null;
  let nearest = 1;
  for (let i = scene.points === "text" ? n : 0; i < (scene.points === "image" ? n : 2 * n); i++) {
    const reach = i < shown.length && i < n && shown[i]! > 0.5 ? Math.max(within, side / 2) : within;
    const away = Math.hypot(at[2 * i]! - x, at[2 * i + 1]! - y) / reach;
    if (away < nearest) {
      nearest = away;
      best = { item: i % n, kind: i < n ? "image" : "text", x: at[2 * i]!, y: at[2 * i + 1]! };
    }
  }
  return best;
}

/** The nearest point in the direction of an arrow key, within 45 degrees of it; `at` are pixels, y downwards. */
export function neighbourInDirection(at: Float32Array, from: number, dx: number, dy: number): number {
  const x = at[2 * from] ?? 0;
  const y = at[2 * from + 1] ?? 0;
  let best = from;
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < at.length / 2; i++) {
    const ax = at[2 * i]! - x;
    const ay = at[2 * i + 1]! - y;
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

/** Where to zoom in if nothing is pointed at: the middle of the points in view, by count. */
export function crowd(at: Float32Array, width: number, height: number): [number, number] {
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let i = 0; i < at.length; i += 2) {
    const [x, y] = [at[i]!, at[i + 1]!];
    if (x >= 0 && y >= 0 && x <= width && y <= height) {
      xs.push(x);
      ys.push(y);
    }
  }
  const median = (values: number[]): number | undefined => values.sort((a, b) => a - b)[values.length >> 1];
  return [median(xs) ?? width / 2, median(ys) ?? height / 2];
}

/** Which of the points (interleaved x y) lie inside a polygon of the same form: even-odd rule. */
export function enclosed(at: Float32Array, polygon: number[]): number[] {
  const found: number[] = [];
  for (let i = 0; i < at.length / 2; i++) {
    const x = at[2 * i]!;
    const y = at[2 * i + 1]!;
    let inside = false;
    for (let a = 0, b = polygon.length - 2; a < polygon.length; b = a, a += 2) {
      const [ax, ay, bx, by] = [polygon[a]!, polygon[a + 1]!, polygon[b]!, polygon[b + 1]!];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
    if (inside) found.push(i);
  }
  return found;
}
