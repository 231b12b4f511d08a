// What a picture is drawn with: on a canvas here, as SVG in svg-pen.ts. Both get the same calls, so both look the same.
import { drawTile, type Sheet } from "../draw/scene";
import type { Theme } from "./card";

export interface Words { size: number; weight?: number; serif?: boolean; colour: string; align?: "start" | "middle" | "end"; spacing?: number }
export interface Stroke { colour: string; width: number; opacity?: number }

export interface Pen {
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  /** What follows belongs together under this name (SVG). */
  group(name: string): void;
  rect(x: number, y: number, width: number, height: number, fill: string, radius?: number): void;
  line(points: [number, number][], stroke: Stroke): void;
  disc(x: number, y: number, radius: number, fill: string, opacity?: number, title?: string): void;
  ring(x: number, y: number, radius: number, stroke: Stroke, title?: string): void;
  picture(item: number, x: number, y: number, side: number, opacity: number, title?: string): void;
  words(text: string, x: number, y: number, words: Words): void;
  measure(text: string, words: Words): number;
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

const font = ({ size, weight = 400, serif = false }: Words, theme: Theme): string => `${weight} ${size}px ${serif ? theme.serif : theme.sans}`;

let ruler: OffscreenCanvasRenderingContext2D | null = null;
/** Width of a text in any pen. */
export function measured(text: string, words: Words, theme: Theme): number {
  ruler ??= new OffscreenCanvas(1, 1).getContext("2d");
  if (!ruler) return text.length * words.size * 0.55;
  ruler.font = font(words, theme);
  return ruler.measureText(text).width + (words.spacing ?? 0) * text.length;
}

export class CanvasPen implements Pen {
  constructor(private readonly context: Context, readonly width: number, readonly height: number, scale: number, readonly theme: Theme, private readonly sheet: Sheet) {
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.lineJoin = context.lineCap = "round";
    context.imageSmoothingQuality = "high";
  }

  group(): void {
    // A canvas has no names.
  }

  rect(x: number, y: number, width: number, height: number, fill: string, radius = 0): void {
    this.context.fillStyle = fill;
    this.context.beginPath();
    this.context.roundRect(x, y, width, height, radius);
    this.context.fill();
  }

  line(points: [number, number][], stroke: Stroke): void {
    this.context.beginPath();
    points.forEach(([x, y], i) => (i === 0 ? this.context.moveTo(x, y) : this.context.lineTo(x, y)));
    this.#stroke(stroke);
  }

  disc(x: number, y: number, radius: number, fill: string, opacity = 1): void {
    this.context.globalAlpha = opacity;
    this.context.fillStyle = fill;
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
    this.context.fill();
    this.context.globalAlpha = 1;
  }

  ring(x: number, y: number, radius: number, stroke: Stroke): void {
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
    this.#stroke(stroke);
  }

  picture(item: number, x: number, y: number, side: number, opacity: number): void {
    this.context.globalAlpha = opacity;
    drawTile(this.context, this.sheet, item, x, y, side);
    this.context.globalAlpha = 1;
  }

  words(text: string, x: number, y: number, words: Words): void {
    this.context.font = font(words, this.theme);
    this.context.fillStyle = words.colour;
    this.context.textAlign = words.align === "middle" ? "center" : (words.align ?? "start");
    this.context.letterSpacing = `${words.spacing ?? 0}px`;
    this.context.fillText(text, x, y);
  }

  measure(text: string, words: Words): number {
    return measured(text, words, this.theme);
  }

  #stroke({ colour, width, opacity = 1 }: Stroke): void {
    this.context.globalAlpha = opacity;
    this.context.strokeStyle = colour;
    this.context.lineWidth = width;
    this.context.stroke();
    this.context.globalAlpha = 1;
  }
}
