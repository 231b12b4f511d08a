// A GIF with one palette for the whole film, chosen from moments all over it, so that colours do not flicker; of every
// frame only the pixels that changed are written (the others are transparent), which keeps the file small.
import { applyPalette, GIFEncoder, quantize, type Palette } from "gifenc";

const TRANSPARENT = 255;

export class GifFilm {
  #samples: Uint8ClampedArray[] = [];
  #palette: Palette | null = null;
  #encoder = GIFEncoder();
  #before: Uint8Array | null = null;

  constructor(private readonly width: number, private readonly height: number) {}

  sample(rgba: Uint8ClampedArray): void {
    this.#samples.push(rgba);
  }

  add(rgba: Uint8ClampedArray, ms: number): void {
    const palette = (this.#palette ??= this.#choose());
    const index = applyPalette(rgba, palette, "rgb565");
    const before = this.#before;
    const written = before ? index.map((colour, i) => (colour === before[i] ? TRANSPARENT : colour)) : index;
    this.#encoder.writeFrame(written, this.width, this.height, {
      ...(before ? { transparent: true, transparentIndex: TRANSPARENT } : { palette: [...palette, [0, 0, 0]], repeat: 0 }),
      delay: ms,
      dispose: 1,
    });
    this.#before = index;
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.#encoder.finish();
    return this.#encoder.bytes();
  }

  #choose(): Palette {
    const all = new Uint8ClampedArray(this.#samples.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const sample of this.#samples) {
      all.set(sample, at);
      at += sample.length;
    }
    this.#samples = [];
    const palette = quantize(all, TRANSPARENT, { format: "rgb565" });
    // The transparent place is the last of 256, however few colours there are.
    while (palette.length < TRANSPARENT) palette.push([0, 0, 0]);
    return palette;
  }
}
