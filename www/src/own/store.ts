// Own data lies in IndexedDB, in this browser alone: one prepared file a set.
import { createStore, del, entries, set } from "idb-keyval";

export interface OwnSet {
  /** SHA-256 of what it was made from, in hex. */
  fingerprint: string;
  name: string;
  items: number;
  heldOut: number;
  classes: number;
  /** Pictures went through the image encoder: a new one has to, too. */
  encoded: boolean;
  /** Captions that can be looked for. */
  queries: string[];
  savedAt: number;
  /** As the importer wrote it (docs/formats.md, data file). */
  file: Blob;
}

const store = createStore("mtls-lab-data", "sets");

export async function savedSets(): Promise<OwnSet[]> {
  try {
    return (await entries<string, OwnSet>(store)).map(([, own]) => own).sort((a, b) => b.savedAt - a.savedAt);
  } catch {
    return [];
  }
}

/** False: storage is full or forbidden, and the set lives as long as the tab. */
export const saveSet = (own: OwnSet): Promise<boolean> => set(own.fingerprint, own, store).then(() => true, () => false);

export const forgetSet = (fingerprint: string): Promise<void> => del(fingerprint, store).catch(() => undefined);
