// Recordings of the timeline survive a reload with the run they belong to: in IndexedDB, under the run's address, the newest few.
import { createStore, del, entries, get, set } from "idb-keyval";
import type { Frame } from "../recording";

interface Saved { savedAt: number; frames: Frame[] }
const KEPT = 3;
const store = createStore("mtls-lab-timeline", "recordings");
let pruned = false;

/** Storage may be full or forbidden: the run then comes back without its past. */
export async function saveRecording(run: string, frames: Frame[]): Promise<void> {
  try {
    await set(run, { savedAt: Date.now(), frames } satisfies Saved, store);
    if (pruned) return;
    pruned = true;
    const all = (await entries<string, Saved>(store)).sort((a, b) => b[1].savedAt - a[1].savedAt);
    for (const [key] of all.slice(KEPT)) await del(key, store);
  } catch {
    // Nothing is kept.
  }
}

export async function savedRecording(run: string): Promise<Frame[]> {
  try {
    return (await get<Saved>(run, store))?.frames ?? [];
  } catch {
    return [];
  }
}
