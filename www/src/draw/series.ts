// What charts draw: lines, marks and columns, without the library that draws them.
import type { AlignedData } from "uplot";

/** `colour`: a custom property of app.css, or a colour. */
export interface Line { label: string; colour: string; dash?: number[]; width?: number; /** Half transparent. */ faint?: boolean }
/** A moment of the run that is marked on every chart. */
export interface Mark { at: number; what: string }
/** At most `most` points: every k-th, and the last. */
export function thinned<T>(values: T[], most: number): T[] {
  if (values.length <= most) return values;
  const stride = Math.ceil(values.length / most);
  return values.filter((_, i) => i % stride === 0 || i === values.length - 1);
}

/** x, or the values of a line. */
export type Column = (number | null)[];
/** Tables of x and lines, each with an x of its own, as one; `undefined` where a table has nothing at an x. */
export function joined(tables: Column[][]): AlignedData {
  const some = tables.filter((table) => table[0] && table.length > 1);
  if (some.length <= 1) return (some[0] ?? [[]]) as AlignedData;
  const all = [...new Set(some.flatMap(([x]) => x!))].sort((a, b) => Number(a) - Number(b));
  const at = new Map(all.map((x, i) => [x, i]));
  const lines = some.flatMap(([x, ...columns]) =>
    columns.map((column) => {
      const line: (number | null | undefined)[] = Array.from({ length: all.length });
      x!.forEach((value, i) => (line[at.get(value)!] = column[i]));
      return line;
    }),
  );
  return [all, ...lines] as AlignedData;
}

/** Of events in the order of their epochs the nearest to one. */
export function nearest<T extends { epoch: number }>(events: T[], epoch: number): T | null {
  let [from, to] = [0, events.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (events[middle]!.epoch < epoch) from = middle + 1;
    else to = middle;
  }
  const [before, after] = [events[from - 1], events[from]];
  return before && after ? (epoch - before.epoch < after.epoch - epoch ? before : after) : (before ?? after ?? null);
}
