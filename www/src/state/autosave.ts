// The run survives a reload: its last snapshot lies in IndexedDB, one per tab, the three newest are kept.
import { createStore, del, entries, get, set } from "idb-keyval";
import type { Config } from "../protocol";
import type { DataSet } from "./data-names";

export interface SavedRun {
  /** `runAddress` of the run: restored only where the address asks for the same run, or for none. */
  run: string;
  /** What it began with, where settings changed on the way. */
  began?: Config | undefined;
  data: DataSet;
  preset: string;
  step: number;
  total: number;
  version: string;
  savedAt: number;
  snapshot: Uint8Array;
}

const KEPT = 3;
let pruned = false;
const store = createStore("mtls-lab", "runs");

/** Lives as long as the tab, reloads included. */
function tabName(): string {
  try {
    let name = sessionStorage.getItem("mtls-lab/tab");
    if (!name) {
      name = crypto.randomUUID?.() ?? String(Math.random());
      sessionStorage.setItem("mtls-lab/tab", name);
    }
    return name;
  } catch {
    return "only";
  }
}

/** Storage may be full or forbidden (private windows): then the run simply does not survive, and false says so. */
export async function saveRun(saved: SavedRun): Promise<boolean> {
  try {
    await set(tabName(), saved, store);
    if (!pruned) {
      pruned = true;
      const all = (await entries<string, SavedRun>(store)).sort((a, b) => b[1].savedAt - a[1].savedAt);
      for (const [key] of all.slice(KEPT)) await del(key, store);
    }
    return true;
  } catch {
    return false;
  }
}

/** This tab's run; for a bare address in a new tab the newest of all. */
export async function savedRun(bare: boolean): Promise<SavedRun | null> {
  try {
    const own = await get<SavedRun>(tabName(), store);
    if (own || !bare) return own ?? null;
    const all = (await entries<string, SavedRun>(store)).sort((a, b) => b[1].savedAt - a[1].savedAt);
    return all[0]?.[1] ?? null;
  } catch {
    return null;
  }
}

export async function forgetRun(): Promise<void> {
  try {
    await del(tabName(), store);
  } catch {
    // Nothing was stored.
  }
}
