// The second file of an engine (xtask/src/split.rs): functions that a first visit does not call. The page has it loaded when a
// run stands. Whoever calls one of them before that waits for it here, with the whole worker: a call cannot be left half done.
import { DownloadError } from "./download";

/** The rest cannot be had. */
export class RestMissing extends DownloadError {
  constructor(why: unknown) {
    super(`The second part of the engine could not be loaded (${why instanceof Error ? why.message : String(why)}).`);
  }
}

/** wasm-bindgen's table of JavaScript's objects. The rest imports another table, whose places it fills. */
const OBJECTS = "__wbindgen_externrefs";
/** After a failure nothing is asked of the network for so long: some views ask with every movement. */
const PAUSE_MS = 3_000;

export class Rest {
  #table: WebAssembly.Table | null = null;
  #loading: Promise<void> | null = null;
  #failed: { at: number; error: RestMissing } | null = null;

  /** `address`: null for an engine of one file. `first`: what the first file exports, and `primary` how the rest calls that. */
  constructor(private readonly address: string | null, private readonly first: WebAssembly.Exports, private readonly primary: string) {}

  /** Whether whatever the engine can do is here. */
  get there(): boolean {
    return this.address === null || this.#table !== null;
  }

  /** Loads it beside whatever else there is to do; a failure is a `RestMissing`, and a later call tries again. */
  load(): Promise<void> {
    if (this.there) return Promise.resolve();
    if (this.#failed && performance.now() - this.#failed.at < PAUSE_MS) return Promise.reject(this.#failed.error);
    this.#loading ??= this.#load(this.address!).finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #load(address: string): Promise<void> {
    try {
      const response = await fetch(address, { priority: "low" });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      // From the bytes: some hosts send no type with which a browser would compile a stream.
      const module = await WebAssembly.compile(await response.arrayBuffer());
      if (!this.#table) this.#take(module);
    } catch (error) {
      const missing = new RestMissing(error);
      this.#failed = { at: performance.now(), error: missing };
      throw missing;
    }
  }

  /** Calls the function at `place` of the table, which is in the rest. */
  call(place: number, given: unknown[]): unknown {
    const table = this.#table ?? this.#loadNow();
    return (table.get(place) as (...given: unknown[]) => unknown)(...given);
  }

  #loadNow(): WebAssembly.Table {
    if (this.address === null) throw new RestMissing("it has none");
    const request = new XMLHttpRequest();
    request.open("GET", this.address, false);
    request.responseType = "arraybuffer";
    try {
      request.send();
      if (request.status !== 200) throw new Error(`the server answered ${request.status}`);
      return this.#take(new WebAssembly.Module(request.response as ArrayBuffer));
    } catch (error) {
      throw new RestMissing(error);
    }
  }

  #take(module: WebAssembly.Module): WebAssembly.Table {
    const tables = WebAssembly.Module.imports(module).filter(({ kind, name }) => kind === "table" && name !== OBJECTS);
    new WebAssembly.Instance(module, { [this.primary]: this.first });
    return (this.#table = this.first[tables[0]!.name] as WebAssembly.Table);
  }
}
