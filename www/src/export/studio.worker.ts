// Paints and encodes pictures away from the page: PNG, SVG, and GIF frame by frame. One worker per export; it ends with it.
import { drawTile } from "../draw/scene";
import type { Look, Card } from "./card";
import { SIZES } from "./card";
import { compose, Details } from "./compose";
import { GifFilm } from "./gif";
import { CanvasPen } from "./pen";
import { SvgPen } from "./svg-pen";

export interface Jobs {
  png: { args: { look: Look; card: Card; scale: number }; result: Blob };
  svg: { args: { look: Look; card: Card; description: string }; result: Blob };
  /** `sample`: moments from all over the film, from which its colours are chosen. */
  gif: { args: { look: Look; sample: Card[]; width: number }; result: null };
  frame: { args: { card: Card; ms: number }; result: null };
  end: { args: null; result: Blob };
}
export type JobName = keyof Jobs;
export type ToStudio = { [N in JobName]: { job: N; args: Jobs[N]["args"] } }[JobName];
export type FromStudio = { result: unknown } | { problem: string };

const scope = self as unknown as DedicatedWorkerGlobalScope;
let film: { look: Look; gif: GifFilm; details: Details; clock: { ms: number }; context: OffscreenCanvasRenderingContext2D; scale: number } | null = null;

function canvas(look: Look, scale: number): OffscreenCanvasRenderingContext2D {
  const [width, height] = SIZES[look.shape];
  const context = new OffscreenCanvas(Math.round(width * scale), Math.round(height * scale)).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas of this size");
  return context;
}

function paint(context: OffscreenCanvasRenderingContext2D, look: Look, card: Card, scale: number, details?: Details): void {
  compose(new CanvasPen(context, ...SIZES[look.shape], scale, look.theme, look.sheet), look, card, details);
}

const pixels = ({ look, context, scale }: NonNullable<typeof film>, card: Card, details?: Details): Uint8ClampedArray => {
  paint(context, look, card, scale, details);
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height).data;
};

/** Every picture of the sheet as a data address. */
async function addresses({ sheet }: Look): Promise<string[]> {
  const { size } = sheet.layout;
  const tile = new OffscreenCanvas(size, size);
  const context = tile.getContext("2d")!;
  const found: string[] = [];
  for (let i = 0; i < sheet.count; i++) {
    context.clearRect(0, 0, size, size);
    drawTile(context, sheet, i, size / 2, size / 2, size);
    const bytes = new Uint8Array(await (await tile.convertToBlob({ type: "image/png" })).arrayBuffer());
    found.push(`data:image/png;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`);
  }
  return found;
}

type Handlers = { [N in JobName]: (args: Jobs[N]["args"]) => Promise<Jobs[N]["result"]> };
const handlers: Handlers = {
  async png({ look, card, scale }) {
    const context = canvas(look, scale);
    paint(context, look, card, scale);
    return context.canvas.convertToBlob({ type: "image/png" });
  },
  async svg({ look, card, description }) {
    const pictures = look.draw !== "dots" && look.points !== "text" ? await addresses(look) : [];
    const pen = new SvgPen(...SIZES[look.shape], look.theme, (item) => pictures[item] ?? "");
    compose(pen, look, card);
    return new Blob([pen.document(look.title, description)], { type: "image/svg+xml" });
  },
  async gif({ look, sample, width }) {
    const scale = width / SIZES[look.shape][0];
    const context = canvas(look, scale);
    const clock = { ms: 0 };
    film = { look, context, scale, clock, details: new Details(() => clock.ms), gif: new GifFilm(context.canvas.width, context.canvas.height) };
    const { gif } = film;
    for (const card of sample) gif.sample(pixels(film, card));
    return null;
  },
  async frame({ card, ms }) {
    film!.gif.add(pixels(film!, card, film!.details), ms);
    film!.clock.ms += ms;
    return null;
  },
  async end() {
    return new Blob([film!.gif.finish()], { type: "image/gif" });
  },
};

scope.onmessage = ({ data }: MessageEvent<ToStudio>) => {
  const post = (message: FromStudio): void => scope.postMessage(message);
  const handle = handlers[data.job] as (args: unknown) => Promise<unknown>;
  handle(data.args).then((result) => post({ result }), (error: unknown) => post({ problem: error instanceof Error ? error.message : String(error) }));
};
