// Experiments that this browser keeps, and what all that it keeps of this page takes.
import { createStore, del, entries, set } from "idb-keyval";

export interface Kept { id: string; name: string; step: number; total: number; savedAt: number; file: Blob }

const store = createStore("mtls-lab-experiments", "experiments");

export class KeptExperiments {
  /** Newest first. */
  all = $state.raw<Kept[]>([]);
  /** Bytes of this page in this browser, its own files included; null: the browser does not say. */
  used = $state.raw<{ bytes: number; most: number } | null>(null);

  async read(): Promise<void> {
    this.all = await entries<string, Kept>(store).then((found) => found.map(([, kept]) => kept).sort((a, b) => b.savedAt - a.savedAt), () => []);
    const estimate = await navigator.storage?.estimate?.().catch(() => null);
    this.used = estimate?.usage === undefined || !estimate.quota ? null : { bytes: estimate.usage, most: estimate.quota };
  }

  /** Rejects where storage is full or forbidden. */
  async add(about: Omit<Kept, "id" | "savedAt">): Promise<void> {
    const kept: Kept = { ...about, id: crypto.randomUUID?.() ?? String(Math.random()), savedAt: Date.now() };
    await set(kept.id, kept, store);
    // Without this a browser may drop everything when its disk runs full. It may refuse; then it stays as it was.
    await navigator.storage?.persist?.().catch(() => false);
    await this.read();
  }

  async remove({ id }: Kept): Promise<void> {
    await del(id, store);
    await this.read();
  }
}
