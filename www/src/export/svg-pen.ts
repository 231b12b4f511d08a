// The same picture as SVG: real circles and texts, each picture of its own, titles on points.
import type { Theme } from "./card";
import { measured, type Pen, type Stroke, type Words } from "./pen";

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
/** Texts of users stand in here: nothing of them becomes markup, and characters that XML forbids are left out. */
const escaped = (text: string): string => text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "").replace(/[&<>"']/g, (character) => ENTITIES[character]!);
const short = (value: number): string => String(Math.round(value * 100) / 100);
const titled = (title: string | undefined): string => (title ? `<title>${escaped(title)}</title>` : "");

export class SvgPen implements Pen {
  #parts: string[] = [];
  #grouped = false;

  /** `pictures`: the picture of an item as a data address. */
  constructor(readonly width: number, readonly height: number, readonly theme: Theme, private readonly pictures: (item: number) => string) {}

  group(name: string): void {
    this.#parts.push(`${this.#grouped ? "</g>\n" : ""}<g data-part="${escaped(name)}">`);
    this.#grouped = true;
  }

  rect(x: number, y: number, width: number, height: number, fill: string, radius = 0): void {
    this.#add("rect", { x, y, width, height, rx: radius, fill });
  }

  line(points: [number, number][], stroke: Stroke): void {
    this.#add("polyline", { points: points.map((point) => point.map(short).join(",")).join(" "), fill: "none", ...stroked(stroke), "stroke-linejoin": "round", "stroke-linecap": "round" });
  }

  disc(x: number, y: number, radius: number, fill: string, opacity = 1, title?: string): void {
    this.#add("circle", { cx: x, cy: y, r: radius, fill, ...(opacity < 1 ? { "fill-opacity": opacity } : {}) }, titled(title));
  }

  ring(x: number, y: number, radius: number, stroke: Stroke, title?: string): void {
    this.#add("circle", { cx: x, cy: y, r: radius, fill: "none", ...stroked(stroke) }, titled(title));
  }

  picture(item: number, x: number, y: number, side: number, opacity: number, title?: string): void {
    this.#add("image", { x: x - side / 2, y: y - side / 2, width: side, height: side, ...(opacity < 1 ? { opacity } : {}), href: this.pictures(item) }, titled(title));
  }

  words(text: string, x: number, y: number, { size, weight = 400, serif = false, colour, align = "start", spacing }: Words): void {
    const family = serif ? this.theme.serif : this.theme.sans;
    this.#add("text", { x, y, "font-family": family, "font-size": size, "font-weight": weight, fill: colour, "text-anchor": align, ...(spacing ? { "letter-spacing": spacing } : {}) }, escaped(text));
  }

  measure(text: string, words: Words): number {
    return measured(text, words, this.theme);
  }

  /** The whole document. */
  document(title: string, description: string): string {
    const size = `width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}"`;
    const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} xml:lang="${this.theme.language}" role="img">`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n<title>${escaped(title)}</title>\n<desc>${escaped(description)}</desc>\n${this.#parts.join("\n")}${this.#grouped ? "\n</g>" : ""}\n</svg>\n`;
  }

  #add(name: string, attributes: Record<string, string | number>, inner = ""): void {
    const written = Object.entries(attributes).map(([key, value]) => `${key}="${typeof value === "number" ? short(value) : escaped(value)}"`);
    this.#parts.push(`<${name} ${written.join(" ")}${inner ? `>${inner}</${name}>` : "/>"}`);
  }
}

const stroked = ({ colour, width, opacity = 1 }: Stroke): Record<string, string | number> => ({ stroke: colour, "stroke-width": width, ...(opacity < 1 ? { "stroke-opacity": opacity } : {}) });
