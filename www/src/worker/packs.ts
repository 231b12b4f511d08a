// The bundled packs: each is opened when a run first asks for it, and its parts are loaded when something needs them.
import { partFile } from "../offline/addresses";
import type { Bundle, PackHandle, PackManifest } from "../protocol";
import { download } from "./download";

export interface OpenPack { handle: PackHandle; manifest: PackManifest; base: URL }

export class Packs {
  #open = new Map<string, OpenPack>();

  /** `base`: the folder of all packs; `report` hears of bytes as they arrive; `queued` keeps a pack alone while it takes a part in. */
  constructor(
    private readonly bundle: Bundle,
    private readonly base: string,
    private readonly report: (what: string, loaded: number, total: number) => void,
    private readonly queued: <T>(work: () => T) => Promise<T>,
  ) {}

  async open(name: string): Promise<OpenPack> {
    const known = this.#open.get(name);
    if (known) return known;
    const base = new URL(`${name}/`, this.base);
    const handle = new this.bundle.Pack(await download(new URL("manifest.json", base).href, "manifest.json", 0, () => undefined));
    const opened = { handle, manifest: handle.manifest(), base };
    this.#open.set(name, opened);
    return opened;
  }

  async add({ handle, manifest, base }: OpenPack, names: string[]): Promise<void> {
    for (const name of names) {
      if (handle.has_part(name)) continue;
      const part = manifest.parts.find((candidate) => candidate.name === name);
      if (!part) throw new Error(`The pack has no part "${name}".`);
      const bytes = await download(new URL(partFile(part), base).href, part.file, part.bytes, (loaded, total) => this.report(name, loaded, total));
      // Queued: a picture being encoded reads the pack.
      await this.queued(() => handle.add_part(name, bytes));
    }
  }
}
