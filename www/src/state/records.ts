// The record of runs in IndexedDB: how each went, without its weights. It survives a reload; other tabs see it too.
import { createStore, delMany, set, values } from "idb-keyval";
import type { Config, EvaluationEvent, RetunedEvent, StepEvent } from "../protocol";
import type { DataSet } from "./data-names";

export interface RunRecord {
  id: string;
  /** Its address: opens the same run again. */
  run: string;
  data: DataSet;
  /** What it began with, and what was changed on its way: both together decide a run. */
  began: Config;
  retuned: RetunedEvent[];
  /** As it is now. */
  config: Config;
  /** As somebody named it; empty: it is described by its settings. */
  name: string;
  step: number;
  total: number;
  perEpoch: number;
  evaluations: EvaluationEvent[];
  steps: StepEvent[];
  /** When it began. */
  date: number;
  device: "cpu" | "gpu";
  version: string;
  pinned: boolean;
}

const store = createStore("mtls-lab-records", "runs");

/** Newest first; null where storage is forbidden (private windows). */
export async function readRecords(): Promise<RunRecord[] | null> {
  try {
    // Records of a form that is no more are passed over.
    return (await values<RunRecord>(store)).filter(({ began, retuned }) => began && retuned).sort((a, b) => b.date - a.date);
  } catch {
    return null;
  }
}

/** False: storage is full or forbidden, and the record lasts as long as the page. */
export async function writeRecord(record: RunRecord): Promise<boolean> {
  try {
    await set(record.id, record, store);
    return true;
  } catch {
    return false;
  }
}

export async function dropRecords(ids: string[]): Promise<void> {
  try {
    await delMany(ids, store);
  } catch {
    // Nothing was stored.
  }
}
