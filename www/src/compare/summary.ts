// Cells into a table: per objective the mean over the seeds, the standard deviation, and the ratio to the twin.
import type { Objective } from "../protocol";
import type { Cell } from "./cells";
import { measured, COLUMNS, type Column } from "./columns";
import type { Table } from "./tables";

/** R@1 both ways, AMI, order agreement. */
export const COMPARED: Column[] = COLUMNS.filter(({ key }) => ["i2t_r1", "t2i_r1", "ami_image", "order_agreement"].includes(key));

export interface Value { mean: number; /** With n - 1; null for one seed. */ deviation: number | null; ratio: number | null; best: boolean }
export interface Row { id: string; objective: Objective | null; seeds: number[]; values: (Value | null)[] }
/** What the CCA start comes to without a step: the metrics before training of an objective that starts there. */
export const START = "cca";

function meanOf(values: number[]): { mean: number; deviation: number | null } | null {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null };
}

/** Rows in the order of `objectives`; those without a finished cell are left out. */
export function summary(cells: Cell[], objectives: Objective[]): Row[] {
  const row = (id: string, objective: Objective | null, own: Cell[], of: (cell: Cell) => Cell["start"]): Row => ({
    id, objective, seeds: own.map(({ seed }) => seed).sort((a, b) => a - b),
    values: COMPARED.map((column) => {
      const found = meanOf(own.flatMap((cell) => measured(of(cell), column) ?? []));
      return found && { ...found, ratio: null, best: false };
    }),
  });
  const rows = objectives.map((objective) => row(objective.id, objective, cells.filter((cell) => cell.objective === objective.id), (cell) => cell.metrics));
  const start = cells.filter((cell) => ["mtls", "twin"].includes(cell.objective) && cell.start);
  rows.unshift(row(START, null, start.filter((cell, n) => start.findIndex(({ seed }) => seed === cell.seed) === n), (cell) => cell.start));
  const full = rows.filter(({ seeds }) => seeds.length > 0);
  const twin = full.find(({ id }) => id === "twin");
  COMPARED.forEach((_, n) => {
    const present = full.flatMap(({ values }) => values[n] ?? []);
    const best = Math.max(...present.map(({ mean }) => mean));
    const base = twin?.values[n]?.mean;
    for (const value of present) {
      value.best = present.length > 1 && value.mean === best;
      if (base) value.ratio = value.mean / base;
    }
  });
  return full;
}

const plusMinus = (value: Value, { digits }: Column): string => value.mean.toFixed(digits) + (value.deviation === null ? "" : ` ± ${value.deviation.toFixed(digits)}`);

/** For programs: mean, deviation and ratio in columns of their own. */
export const numbersOf = (rows: Row[]): Table => ({
  head: ["objective", "role", "seeds", ...COMPARED.flatMap(({ key }) => [`${key}_mean`, `${key}_sd`, `${key}_to_twin`])],
  rows: rows.map(({ id, objective, seeds, values }) => [id, objective?.role ?? "closed", seeds.join(" "), ...values.flatMap((value) => [value?.mean ?? null, value?.deviation ?? null, value?.ratio ?? null])]),
});

/** For texts: as on the screen. */
export const textOf = (rows: Row[], heads: string[]): Table => ({
  head: heads,
  rows: rows.map(({ id, seeds, values }) => [id, seeds.length, ...values.map((value, n) => value && plusMinus(value, COMPARED[n]!))]),
});

/** Where `textOf` has the best of a column. */
export const latexBold = (rows: Row[]) => (row: number, column: number): boolean => rows[row]?.values[column - 2]?.best ?? false;
