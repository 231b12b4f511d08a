// Lays a moment out as one picture: who it is, which moment, how good, and the space itself with generous room. A single
// space on a wide sheet has its words beside it; everywhere else they stand above and below.
import { Detail } from "../draw/detail";
import type { Card, Look, Panel } from "./card";
import type { Pen, Words } from "./pen";

interface Box { x: number; y: number; width: number; height: number }

/** Which points are pictures, panel by panel: over a film each turns smoothly into the other, by the film's own clock. */
export class Details {
  #of: Detail[] = [];

  /** `clock`: null for a still. */
  constructor(private readonly clock: (() => number) | null) {}

  shown(panel: number, count: number, choose: (detail: Detail) => void): Float32Array {
    const detail = (this.#of[panel] ??= new Detail(count));
    const first = !this.#of[panel]!.shown.some((part) => part > 0);
    choose(detail);
    detail.advance(this.clock?.() ?? 0, this.clock === null || first);
    return detail.shown;
  }
}

export function compose(pen: Pen, look: Look, card: Card, details = new Details(null)): void {
  pen.group("ground");
  pen.rect(0, 0, pen.width, pen.height, look.theme.ground);
  if (look.shape === "wide" && card.panels.length === 1) beside(pen, look, card, details);
  else around(pen, look, card, details);
}

function beside(pen: Pen, look: Look, card: Card, details: Details): void {
  const { ink, soft } = look.theme;
  const [margin, width] = [52, 330];
  pen.group("words");
  wordmark(pen, look, margin, 56);
  let y = paragraph(pen, look.title, margin, 118, width, 37, { size: 30, serif: true, colour: ink }, 3);
  paragraph(pen, look.subtitle, margin, y + 1, width, 21, { size: 15, colour: soft }, 2);

  // From the foot upwards, so that what is below is never pushed out.
  y = pen.height - 34 - legend(pen, look, margin, width, null);
  legend(pen, look, margin, width, y);
  const rows = card.panels[0]!.metrics;
  y -= 25 * rows.length + 12;
  rows.forEach(([name, value], i) => {
    pen.words(name, margin, y + 25 * i, { size: 16, colour: soft });
    pen.words(value, margin + width, y + 25 * i, { size: 16, weight: 600, colour: ink, align: "end" });
  });
  y -= 84;
  curve(pen, look, card, { x: margin, y, width, height: 46 });
  y -= 40;
  const [word, at, of] = card.epoch;
  pen.words(at, margin - 3, y, { size: 82, serif: true, colour: ink });
  pen.words(of, margin + width, y, { size: 21, colour: soft, align: "end" });
  pen.words(word.toUpperCase(), margin, y - 76, { size: 12, weight: 600, colour: soft, spacing: 1.2 });

  space(pen, look, card, 0, details, { x: margin + width + 44, y: 30, width: pen.width - margin - width - 76, height: pen.height - 74 });
  credit(pen, look, pen.width - 32);
}

function around(pen: Pen, look: Look, card: Card, details: Details): void {
  const { ink, soft, line } = look.theme;
  const margin = 46;
  const [inner, square] = [pen.width - 2 * margin, look.shape === "square"];
  const [word, at, of] = card.epoch;
  const [number, total]: [Words, Words] = [{ size: 68, serif: true, colour: ink, align: "end" }, { size: 19, colour: soft, align: "end" }];
  pen.group("words");
  wordmark(pen, look, margin, 50);
  let y = paragraph(pen, look.title, margin, 98, inner - 290, 34, { size: 28, serif: true, colour: ink }, 2);
  y = paragraph(pen, look.subtitle, margin, y - 4, inner - 290, 20, { size: 14, colour: soft }, 1);
  pen.words(of, margin + inner, 104, total);
  pen.words(at, margin + inner - pen.measure(of, total) - 12, 104, number);
  pen.words(word.toUpperCase(), margin + inner, 46, { size: 12, weight: 600, colour: soft, spacing: 1.2, align: "end" });

  const foot = legend(pen, look, margin, inner, null);
  const below = pen.height - 52 - foot;
  legend(pen, look, margin, inner, below);
  curve(pen, look, card, { x: margin, y: below - 66, width: inner, height: square ? 40 : 30 });
  const top = Math.max(y + 12, 146);
  const [gap, count] = [40, card.panels.length];
  const width = (inner - gap * (count - 1)) / count;
  card.panels.forEach((panel, i) => {
    const x = margin + i * (width + gap);
    pen.group("words");
    if (i > 0) pen.line([[x - gap / 2, top - 10], [x - gap / 2, below - 96]], { colour: line, width: 1 });
    caption(pen, look, panel, x, top, width);
    space(pen, look, card, i, details, { x, y: top + 14, width, height: below - 92 - top - 14 });
  });
  credit(pen, look, margin + inner);
}

function caption(pen: Pen, look: Look, panel: Panel, x: number, y: number, width: number): void {
  const { ink, soft } = look.theme;
  pen.words(panel.label, x, y, { size: 15, weight: 600, colour: ink });
  const text = panel.metrics.map(([name, value]) => `${name} ${value}`).join(" · ");
  const words: Words = { size: 13.5, colour: soft };
  // Beside the label where there is room, else under it.
  const fits = pen.measure(text, words) + (panel.label ? pen.measure(panel.label, { size: 15, weight: 600, colour: ink }) + 24 : 0) <= width;
  if (!panel.label) pen.words(text, x, y, words);
  else if (fits) pen.words(text, x + width, y, { ...words, align: "end" });
  else pen.words(text, x, y + 20, { ...words, size: Math.min(13.5, (13.5 * width) / pen.measure(text, words)) });
}

/** The points: pair lines, grounds of the pictures, texts, pictures, and the selected pair on top, as the page has them. */
function space(pen: Pen, look: Look, card: Card, number: number, details: Details, box: Box): void {
  const panel = card.panels[number]!;
  const { image, text, dims, colours } = panel;
  const count = Math.min(look.sheet.count, image.length / dims);
  const { x: [left, right], y: [low, high] } = panel.bounds;
  // One scale for all panels: what is denser in one of them is denser.
  const [across, up] = [Math.max(...card.panels.map(({ bounds: { x } }) => x[1] - x[0])), Math.max(...card.panels.map(({ bounds: { y } }) => y[1] - y[0]))];
  const reach = (margin: number): number => Math.min((box.width - 2 * margin) / across, (box.height - 2 * margin) / up);
  const crowded = 0.95 * Math.sqrt((across * up * reach(14) ** 2) / Math.max(1, count));
  const side = look.draw === "zoom" ? 26 : Math.min(46, Math.max(11, crowded));
  const unit = reach(0.6 * side + 4);
  const [ox, oy] = [box.x + box.width / 2 - ((left + right) / 2) * unit, box.y + box.height / 2 + ((low + high) / 2) * unit];
  const at = (points: Float32Array, i: number): [number, number] => [ox + points[dims * i]! * unit, oy - points[dims * i + 1]! * unit];
  const chosen = look.selected !== null && look.selected < count ? look.selected : null;
  const shown = details.shown(number, count, (detail) => {
    if (look.draw !== "zoom") return detail.everything(look.draw === "pictures");
    const places = new Float32Array(2 * count);
    for (let i = 0; i < count; i++) places.set([at(image, i)[0] - box.x, at(image, i)[1] - box.y], 2 * i);
    detail.choose(places, box.width, box.height, side, [chosen], []);
  });
  const [pictures, texts] = [look.points !== "text", look.points !== "image"];
  const colour = (of: Uint8ClampedArray, i: number): string => `#${[0, 1, 2].map((channel) => of[4 * i + channel]!.toString(16).padStart(2, "0")).join("")}`;
  /** Less than 1 for what the lasso left out. */
  const kept = (of: Uint8ClampedArray, i: number): number => of[4 * i + 3]! / 255;
  const each = (draw: (i: number) => void): void => {
    for (let i = 0; i < count; i++) draw(i);
  };
  const suffix = panel.label ? `: ${panel.label}` : "";
  if (look.lines && pictures && texts) {
    pen.group(`pairs${suffix}`);
    each((i) => pen.line([at(image, i), at(text, i)], { colour: colour(colours.image, i), width: 1, opacity: 0.22 * kept(colours.image, i) }));
  }
  if (pictures) {
    pen.group(`grounds${suffix}`);
    each((i) => {
      const part = shown[i]!;
      pen.disc(...at(image, i), 3.8 + (side * 0.6 - 3.8) * part, colour(colours.image, i), (0.95 - 0.65 * part) * kept(colours.image, i), look.titles[i]);
    });
  }
  if (texts) {
    pen.group(`texts${suffix}`);
    each((i) => pen.ring(...at(text, i), 2.7, { colour: colour(colours.text, i), width: 1.4, opacity: 0.9 * kept(colours.text, i) }, look.titles[i]));
  }
  if (pictures) {
    pen.group(`pictures${suffix}`);
    each((i) => shown[i]! > 0 && pen.picture(i, ...at(image, i), side * (0.5 + 0.5 * shown[i]!), shown[i]! * kept(colours.image, i), look.titles[i]));
  }
  if (chosen !== null) selected(pen, look, chosen, pictures ? at(image, chosen) : null, texts ? at(text, chosen) : null, side * 0.6 * shown[chosen]! + 4, box, suffix);
}

/** The selected pair with its title. */
function selected(pen: Pen, look: Look, item: number, image: [number, number] | null, text: [number, number] | null, around: number, box: Box, suffix: string): void {
  const { ink, ground } = look.theme;
  const [x, y] = (image ?? text)!;
  const radius = image ? around + 4 : 8;
  pen.group(`selected${suffix}`);
  if (image && text) pen.line([image, text], { colour: ink, width: 2 });
  if (text) pen.disc(...text, 5, ink);
  pen.ring(x, y, radius, { colour: ink, width: 2.5 });
  const name: Words = { size: 14, weight: 600, colour: ink, align: "middle" };
  const title = look.titles[item] ?? "";
  const half = pen.measure(title, name) / 2;
  const [nx, ny] = [Math.min(box.x + box.width - half, Math.max(box.x + half, x)), y - radius - 8 < box.y + 16 ? y + radius + 18 : y - radius - 8];
  pen.rect(nx - half - 5, ny - 14, 2 * half + 10, 19, ground, 4);
  pen.words(title, nx, ny, name);
}

/** The mean recall over the way, and where on it the moment stands. */
function curve(pen: Pen, look: Look, card: Card, box: Box): void {
  const { line, soft, ink, text } = look.theme;
  const foot = box.y + box.height;
  const place = ([x, y]: [number, number]): [number, number] => [box.x + x * box.width, foot - y * box.height];
  pen.group("curve");
  pen.line([[box.x, foot], [box.x + box.width, foot]], { colour: line, width: 1 });
  const { points } = look.curve;
  const here: [number, number] = [card.at, heightAt(points, card.at)];
  if (points.length > 1) {
    pen.line(points.map(place), { colour: soft, width: 1.5, opacity: 0.45 });
    pen.line([...points.filter(([x]) => x <= card.at), here].map(place), { colour: ink, width: 2 });
    pen.words(look.curve.name, box.x, box.y - 9, { size: 12.5, colour: soft });
  } else {
    pen.line([[box.x, foot], [box.x + card.at * box.width, foot]], { colour: ink, width: 2 });
  }
  pen.disc(...place(here), 5, text);
}

function heightAt(points: [number, number][], at: number): number {
  const after = points.findIndex(([x]) => x > at);
  if (after < 0) return points.at(-1)?.[1] ?? 0;
  const [to, from] = [points[after]!, points[after - 1]];
  return from ? from[1] + ((to[1] - from[1]) * (at - from[0])) / (to[0] - from[0]) : to[1];
}

function wordmark(pen: Pen, look: Look, x: number, y: number): void {
  const { soft, ink, image, text } = look.theme;
  pen.line([[x + 7, y - 3], [x + 19, y - 7]], { colour: soft, width: 1.2 });
  pen.disc(x + 5, y - 3, 4.5, image);
  pen.ring(x + 20, y - 8, 3.6, { colour: text, width: 2 });
  pen.words(look.brand, x + 34, y, { size: 16, weight: 700, colour: ink });
}

function credit(pen: Pen, look: Look, right: number): void {
  pen.group("credit");
  pen.words(look.credit, right, pen.height - 18, { size: 12, colour: look.theme.soft, align: "end" });
}

/** What the marks and colours mean, flowing over lines; with `top` null it only says how high it is. */
function legend(pen: Pen, look: Look, left: number, width: number, top: number | null): number {
  const words: Words = { size: 13.5, colour: look.theme.soft };
  const row = 21;
  let [x, y] = [left, 0];
  const entry = (name: string, mark: (x: number, y: number) => void): void => {
    const needed = 17 + pen.measure(name, words);
    if (x > left && x + needed > left + width) [x, y] = [left, y + row];
    if (top !== null) {
      mark(x + 5, top + y - 4.5);
      pen.words(name, x + 17, top + y, words);
    }
    x += needed + 16;
  };
  if (top !== null) pen.group("legend");
  const { coloured, image, text } = look.keys;
  if (look.points !== "text") entry(image, (mx, my) => pen.disc(mx, my, 5, coloured ? look.theme.image : look.theme.soft));
  if (look.points !== "image") entry(text, (mx, my) => pen.ring(mx, my, 4, { colour: coloured ? look.theme.text : look.theme.soft, width: 2 }));
  for (const { name, colour } of look.legend) entry(name, (mx, my) => pen.rect(mx - 5, my - 5, 10, 10, colour, 2));
  return y;
}

/** Lines of at most this width, the last one cut where there are too many; the baseline after the last. */
function paragraph(pen: Pen, text: string, x: number, y: number, width: number, leading: number, words: Words, most: number): number {
  const spaced = text.includes(" ");
  const lines: string[] = [];
  for (const part of spaced ? text.split(/ +/) : [...text]) {
    const longer = lines.length > 0 ? `${lines.at(-1)}${spaced ? " " : ""}${part}` : part;
    if (lines.length === 0) lines.push(part);
    else if (pen.measure(longer, words) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  const shown = lines.slice(0, most);
  if (lines.length > most) shown[most - 1] += "…";
  shown.forEach((line, i) => pen.words(line, x, y + i * leading, words));
  return y + shown.length * leading;
}
