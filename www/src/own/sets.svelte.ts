// The own data that this browser holds: what the choice of data offers beside the bundled sets.
import type { Prepared } from "../protocol";
import type { DataSet } from "../state/data-names";
import { forgetSet, savedSets, saveSet, type OwnSet } from "./store";

/** How an address names a set. */
export const nameOf = (own: OwnSet): DataSet => `own:${own.fingerprint.slice(0, 16)}`;

export class OwnSets {
  all = $state.raw<OwnSet[]>([]);

  async read(): Promise<void> {
    const saved = await savedSets();
    // What could not be stored is known to this tab alone.
    this.all = [...saved, ...this.all.filter((own) => !saved.some(({ fingerprint }) => fingerprint === own.fingerprint))];
  }

  find(data: string): OwnSet | undefined {
    return this.all.find((own) => nameOf(own) === data);
  }

  /** Whether it will be there at the next visit. */
  async add({ bytes, held_out, ...about }: Prepared): Promise<[OwnSet, boolean]> {
    const own: OwnSet = { ...about, heldOut: held_out, savedAt: Date.now(), file: new Blob([bytes], { type: "application/octet-stream" }) };
    const kept = await saveSet(own);
    this.all = [own, ...this.all.filter(({ fingerprint }) => fingerprint !== own.fingerprint)];
    return [own, kept];
  }

  async remove(own: OwnSet): Promise<void> {
    this.all = this.all.filter(({ fingerprint }) => fingerprint !== own.fingerprint);
    await forgetSet(own.fingerprint);
  }

  get bytes(): number {
    return this.all.reduce((sum, { file }) => sum + file.size, 0);
  }
}

export const ownSets = new OwnSets();
