// Those who do the loops of training (kernels/): this worker with the best instructions that the browser has, and where the
// engine's memory may be shared, helpers (helper.ts) beside it. The engine gives them one job at a time, cut into parts; who
// is free takes the next part, so that a slow thread does not hold up the others. Nothing here adds numbers: the result is
// the same for any number of threads.

import type { Bundle, Team } from "../protocol";

/** What kernels/ exports: part `part` of `parts` of the job at the address `job`; `scratch` is nobody else's. */
export interface Loops { run(job: number, part: number, parts: number, scratch: number): void }
/** What a helper is sent: it answers "ready" when it stands. */
export interface Joining { module: WebAssembly.Module; memory: WebAssembly.Memory; control: Int32Array; thread: number; room: number }

/** The places of `control`: how many jobs there were, what is taken of this one, how many parts are done, and the job. */
const [TURN, TAKEN, DONE, JOB, PARTS, SCRATCH, PLACES] = [0, 1, 2, 3, 4, 5, 6] as const;
/** `TAKEN` holds the turn as well, so that nobody takes a part of the job before or after it. */
const PART_BITS = 12;
const NONE_LEFT = (1 << PART_BITS) - 1;
/** Looks before a thread sleeps (some 0.2 ms): a step asks again sooner, and to wake one takes as long as a small product. */
const LOOKS = 40_000;

const takenIn = (turn: number, part: number): number => (turn << PART_BITS) | part;

/** Does parts of job number `turn` until none is left. `room`: bytes of a thread's scratch. */
export function takePart(loops: Loops, control: Int32Array, turn: number, thread: number, room: number): void {
  for (;;) {
    const taken = Atomics.load(control, TAKEN);
    const part = taken & NONE_LEFT;
    const parts = Atomics.load(control, PARTS);
    if (taken !== takenIn(turn, part) || part >= parts) return;
    if (Atomics.compareExchange(control, TAKEN, taken, taken + 1) !== taken) continue;
    // The job stands until this part is done.
    loops.run(Atomics.load(control, JOB), part, parts, Atomics.load(control, SCRATCH) + thread * room);
    if (Atomics.add(control, DONE, 1) + 1 === parts) Atomics.notify(control, DONE);
  }
}

/** The life of a helper: it ends with its worker. */
export function help(loops: Loops, control: Int32Array, thread: number, room: number): never {
  let seen = Atomics.load(control, TURN);
  for (;;) {
    for (let looks = 0; looks < LOOKS && Atomics.load(control, TURN) === seen; looks++);
    Atomics.wait(control, TURN, seen);
    seen = Atomics.load(control, TURN);
    takePart(loops, control, seen, thread, room);
  }
}

class Crew implements Team {
  threads = 1;
  #control: Int32Array | null = null;

  constructor(readonly loops: Loops, readonly room: number) {}

  run(job: number, parts: number, scratch: number): void {
    const control = this.#control;
    if (parts === 1 || !control) {
      for (let part = 0; part < parts; part++) this.loops.run(job, part, parts, scratch);
      return;
    }
    const turn = Atomics.load(control, TURN) + 1;
    // First nothing can be taken, then the job changes.
    Atomics.store(control, TAKEN, takenIn(turn, NONE_LEFT));
    Atomics.store(control, JOB, job);
    Atomics.store(control, PARTS, parts);
    Atomics.store(control, SCRATCH, scratch);
    Atomics.store(control, DONE, 0);
    Atomics.store(control, TAKEN, takenIn(turn, 0));
    Atomics.store(control, TURN, turn);
    Atomics.notify(control, TURN);
    takePart(this.loops, control, turn, 0, this.room);
    for (let looks = 0; ; looks++) {
      const done = Atomics.load(control, DONE);
      if (done === parts) return;
      if (looks > LOOKS) Atomics.wait(control, DONE, done);
    }
  }

  /** Helpers for `threads` in all. They count when every one of them stands; one that cannot start sends all of them home. */
  async grow(module: WebAssembly.Module, memory: WebAssembly.Memory, threads: number): Promise<void> {
    const control = new Int32Array(new SharedArrayBuffer(4 * PLACES));
    const helpers = Array.from({ length: threads - 1 }, () => new Worker(new URL("./helper.ts", import.meta.url), { type: "module", name: "mtls-lab helper" }));
    try {
      await Promise.all(
        helpers.map((helper, n) => new Promise<void>((resolve, reject) => {
          helper.onmessage = () => resolve();
          helper.onerror = (event) => {
            event.preventDefault();
            reject(new Error(event.message || "A helper could not start."));
          };
          helper.postMessage({ module, memory, control, thread: n + 1, room: this.room } satisfies Joining);
        })),
      );
    } catch (error) {
      for (const helper of helpers) helper.terminate();
      throw error;
    }
    this.#control = control;
    this.threads = threads;
  }
}

/** The first of `addresses` that this browser compiles; null where there is none: the engine has loops of its own. */
export async function compiled(addresses: string[]): Promise<WebAssembly.Module | null> {
  for (const address of addresses) {
    try {
      return await WebAssembly.compileStreaming(fetch(address));
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError)) console.warn(error);
    }
  }
  return null;
}

/** Has `engine` do its loops by `module` (see `compiled`); `grown` hears when there are helpers: a run need not wait for them. */
export async function join(engine: Bundle, module: WebAssembly.Module, memory: WebAssembly.Memory, threads: number, grown: (threads: number) => void): Promise<void> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const crew = new Crew(exports as unknown as Loops, 4 * engine.scratch());
  engine.join(crew);
  if (threads > 1 && crossOriginIsolated && memory.buffer instanceof SharedArrayBuffer) {
    crew.grow(module, memory, threads).then(() => grown(threads), (error: unknown) => console.warn(error));
  }
}
