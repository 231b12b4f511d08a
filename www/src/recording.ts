// What a space looked like on the way: positions at a thinned set of steps, in bounded memory. Nothing reactive here, so
// that the rule can be tested by itself.
import { turned, turnOnto } from "./draw/align";

/** Positions of pictures and texts at a step, interleaved; the arrays are the pushed ones and are never written to. */
export interface Frame { step: number; dims: 2 | 3; image: Float32Array; text: Float32Array }

/** Frames at most, and bytes at most where there are very many points. */
export const FRAMES = 120;
const BYTES = 24e6;
const FEWEST = 16;

/** Of rising steps those that stay at least `gap` apart, by index; the first and the last always stay. */
export function spaced(steps: number[], gap: number): number[] {
  const kept: number[] = [];
  steps.forEach((step, i) => {
    if (i === 0 || step - steps[kept.at(-1)!]! >= gap) kept.push(i);
  });
  const last = steps.length - 1;
  if (last > 0 && kept.at(-1) !== last) kept.splice(kept.length > 1 ? kept.length - 1 : 1, 1, last);
  return kept;
}

/** How many frames of so many points are kept. */
export const frameLimit = ({ image, text }: Frame): number => Math.min(FRAMES, Math.max(FEWEST, Math.floor(BYTES / (4 * (image.length + text.length + 1)))));

export class Recording {
  frames: Frame[] = [];
  /** Steps that lie between two frames at least, the newest frame apart. */
  #gap = 1;
  #handedOver = false;

  clear(): void {
    this.frames = [];
    this.#gap = 1;
    this.#handedOver = false;
  }

  /** The newest frame always stands; the one before it stays where it is far enough from its own predecessor. */
  add(frame: Frame): void {
    const known = this.frames.at(-1);
    if (known && (known.dims !== frame.dims || known.image.length !== frame.image.length)) this.clear();
    if (this.#handedOver) this.#turn(frame);
    // After a fall-back some steps are computed twice.
    while (this.frames.length > 0 && this.frames.at(-1)!.step >= frame.step) this.frames.pop();
    const [before, newest] = this.frames.slice(-2);
    if (before && newest && newest.step - before.step < this.#gap) this.frames.pop();
    this.frames.push(frame);
    while (this.frames.length > frameLimit(frame)) {
      this.#gap *= 2;
      this.frames = spaced(this.frames.map(({ step }) => step), this.#gap).map((i) => this.frames[i]!);
    }
  }

  /** Another worker goes on with the run from this step: what it shows may be turned. */
  handOver(step: number): void {
    while (this.frames.length > 0 && this.frames.at(-1)!.step > step) this.frames.pop();
    this.#handedOver = this.frames.length > 0;
  }

  /** Puts what was recorded before a reload in front of what has been since the run came back at this step. */
  restore(old: Frame[], step: number): void {
    const since = this.frames;
    this.frames = old.slice();
    const gaps = old.slice(1, -1).map((frame, i) => frame.step - old[i]!.step);
    this.#gap = gaps.length > FRAMES / 4 ? Math.max(1, gaps.reduce((least, gap) => Math.min(least, gap))) : 1;
    this.handOver(step);
    for (const frame of since) this.add(frame);
  }

  /** Turns what is recorded to the axes of this frame, which the screen already shows. */
  #turn(frame: Frame): void {
    this.#handedOver = false;
    const { dims } = frame;
    const known = this.frames[this.nearest(frame.step)]!;
    const turn = turnOnto([known.image, known.text], [frame.image, frame.text], dims);
    if (turn) this.frames = this.frames.map((old) => ({ ...old, image: turned(old.image, turn, dims), text: turned(old.text, turn, dims) }));
  }

  /** As it is now, whatever is added later. */
  copy(): Recording {
    const copy = new Recording();
    copy.frames = [...this.frames];
    return copy;
  }

  /** Index of the frame nearest to a step. */
  nearest(step: number): number {
    const after = this.#after(step);
    if (after === 0) return 0;
    if (after === this.frames.length) return after - 1;
    return step - this.frames[after - 1]!.step <= this.frames[after]!.step - step ? after - 1 : after;
  }

  /** Positions at a step between two frames, for gliding from one to the other. */
  between(step: number): Frame {
    const after = this.#after(step);
    const [from, to] = [this.frames[after - 1], this.frames[after]];
    if (!from || !to) return (from ?? to)!;
    const part = (step - from.step) / (to.step - from.step);
    const mix = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + (b[i]! - value) * part);
    return { step, dims: from.dims, image: mix(from.image, to.image), text: mix(from.text, to.text) };
  }

  /** Index of the first frame after a step. */
  #after(step: number): number {
    const found = this.frames.findIndex((frame) => frame.step > step);
    return found < 0 ? this.frames.length : found;
  }
}
