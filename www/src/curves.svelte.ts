// What the curves show: which measures, which of their lines, on which scale, and which stretch of the run. The choice of
// measures and the scale are kept for the next visit.
import { MEASURES, type MeasureId } from "./measures";

const KEPT = "mtls-lab/curves";
const STANDARD: MeasureId[] = ["r1", "ami", "order"];

export class CurveChoice {
  measures = $state.raw<ReadonlySet<MeasureId>>(new Set(STANDARD));
  /** Lines that are switched off, by their key. */
  hidden = $state.raw<ReadonlySet<string>>(new Set());
  log = $state(false);
  /** Also among as many items that were trained on: not from the start, because they leave the held-out ones little of the axis. */
  learned = $state(false);
  /** Epochs on show; null: all of them. */
  stretch = $state.raw<[number, number] | null>(null);
  /** Epoch under the pointer. */
  at = $state<number | null>(null);

  constructor() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as { measures?: string[]; log?: boolean; learned?: boolean };
      const known = MEASURES.filter(({ id }) => kept.measures?.includes(id)).map(({ id }) => id);
      if (kept.measures) this.measures = new Set(known);
      this.log = kept.log === true;
      this.learned = kept.learned === true;
    } catch {
      // No storage, or not ours: the standard choice.
    }
  }

  toggle(measure: MeasureId): void {
    this.measures = toggled(this.measures, measure);
    this.#keep();
  }

  toggleLine(key: string): void {
    this.hidden = toggled(this.hidden, key);
  }

  toggleLog(): void {
    this.log = !this.log;
    this.#keep();
  }

  toggleLearned(): void {
    this.learned = !this.learned;
    this.#keep();
  }

  #keep(): void {
    try {
      localStorage.setItem(KEPT, JSON.stringify({ measures: [...this.measures], log: this.log, learned: this.learned }));
    } catch {
      // Private windows may have no storage: then it holds until the page is left.
    }
  }
}

function toggled<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}
