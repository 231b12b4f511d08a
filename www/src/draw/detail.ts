// Level of detail: a picture is drawn where there is room for it, the others are dots, and each turns smoothly into the
// other. Who comes first is a fixed shuffled order, so that the same pictures stand for their neighbourhood at every
// look; what is already there needs a little less room than what wants to come, so that nothing flickers while it moves.

const FADE_MS = 180;
/** Share of its side that a picture on show keeps free around its centre. */
const STAY = 0.8;

export class Detail {
  /** 0: a dot, 1: a picture; in between while one becomes the other. */
  readonly shown: Float32Array;
  #wanted: Uint8Array;
  #order: Uint32Array;
  #cells = new Int32Array(0);
  #at = 0;

  constructor(count: number) {
    this.shown = new Float32Array(count);
    this.#wanted = new Uint8Array(count);
    this.#order = Uint32Array.from({ length: count }, (_, i) => i);
    let seed = 1;
    for (let i = count - 1; i > 0; i--) {
      seed = (seed * 1664525 + 1013904223) >>> 0;
      const j = seed % (i + 1);
      [this.#order[i], this.#order[j]] = [this.#order[j]!, this.#order[i]!];
    }
  }

  /** All pictures, or none. */
  everything(wanted: boolean): void {
    this.#wanted.fill(wanted ? 1 : 0);
  }

  /** Gives room on a screen of this size: to `always` in any case, then to `first`, then to the others; `at` are pixels. */
  choose(at: Float32Array, width: number, height: number, side: number, always: (number | null)[], first: number[]): void {
    // One picture a cell at most, so that only the 5 x 5 cells around a point need a look.
    const cell = side * STAY;
    const columns = Math.ceil(width / cell) + 6;
    const rows = Math.ceil(height / cell) + 6;
    if (this.#cells.length < columns * rows) this.#cells = new Int32Array(columns * rows);
    const cells = this.#cells.fill(-1, 0, columns * rows);
    const before = this.#wanted.slice();
    this.#wanted.fill(0);
    const claim = (i: number, room: number): void => {
      const x = at[2 * i]!;
      const y = at[2 * i + 1]!;
      const column = Math.floor(x / cell) + 3;
      const row = Math.floor(y / cell) + 3;
      // Written so that NaN (behind the eye) is refused too.
      if (!(column >= 2 && row >= 2 && column < columns - 2 && row < rows - 2)) return;
      if (room > 0) {
        for (let r = row - 2; r <= row + 2; r++) {
          for (let c = column - 2; c <= column + 2; c++) {
            const other = cells[r * columns + c]!;
            if (other >= 0 && Math.abs(at[2 * other]! - x) < room && Math.abs(at[2 * other + 1]! - y) < room) return;
          }
        }
      }
      cells[row * columns + column] = i;
      this.#wanted[i] = 1;
    };
    const known = (i: number | null): i is number => i !== null && i < this.shown.length;
    for (const i of always) if (known(i)) claim(i, 0);
    for (const i of first) if (known(i)) claim(i, cell);
    for (const i of this.#order) if (before[i] && !this.#wanted[i]) claim(i, cell);
    for (const i of this.#order) if (!before[i] && !this.#wanted[i]) claim(i, side);
  }

  /** Goes on with every change; true while there is more to come. */
  advance(now: number, still: boolean): boolean {
    // A pause between two changes is no time in which anything faded.
    const step = still ? 1 : Math.min(1, Math.min(50, Math.max(8, now - this.#at)) / FADE_MS);
    this.#at = now;
    let moving = false;
    for (let i = 0; i < this.shown.length; i++) {
      const wanted = this.#wanted[i]!;
      const shown = this.shown[i]!;
      if (shown === wanted) continue;
      this.shown[i] = shown < wanted ? Math.min(wanted, shown + step) : Math.max(wanted, shown - step);
      moving ||= this.shown[i] !== wanted;
    }
    return moving;
  }
}
