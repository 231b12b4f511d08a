// The table of runs as files.
import type { RunRecord } from "../state/records";
import { COLUMNS, measured } from "./columns";
import type { Table } from "./tables";

/** Every number that the last evaluation reports, in the engine's own units. */
export function everything(records: RunRecord[], nameOf: (record: RunRecord) => string): Table {
  const last = (record: RunRecord): Record<string, unknown> => record.evaluations.at(-1)?.metrics ?? {};
  const metrics = [...new Set(records.flatMap((record) => Object.entries(last(record)).flatMap(([key, value]) => (typeof value === "number" ? [key] : []))))];
  return {
    head: ["name", "data", "seed", "device", "began", "step", "steps", "epoch", ...metrics, "version", "address"],
    rows: records.map((record) => [
      nameOf(record), record.data, record.config.seed, record.device, new Date(record.date).toISOString(), record.step, record.total, record.step / record.perEpoch,
      ...metrics.map((key) => (typeof last(record)[key] === "number" ? (last(record)[key] as number) : null)), record.version, record.run,
    ]),
  };
}

/** What is on the screen, for a text. */
export function readable(records: RunRecord[], nameOf: (record: RunRecord) => string, heads: { name: string; epoch: string; measures: string[] }): Table {
  return {
    head: [heads.name, heads.epoch, ...heads.measures],
    rows: records.map((record) => [
      nameOf(record), Math.round(record.step / record.perEpoch),
      ...COLUMNS.map((column) => measured(record.evaluations.at(-1)?.metrics, column)?.toFixed(column.digits) ?? null),
    ]),
  };
}
