// Pictures are looked at by several workers at once, which come for the next ones when they are done with theirs.
import type { ImporterHandle, Looked } from "../protocol";
import { look } from "./look";
import type { FromLooker, LookerBegin, ToLooker } from "./looker";

/** Pictures of one turn: a batch of the encoder. */
const TOGETHER = 4;
/** For fewer pictures than this, loading another engine takes longer than it saves. */
const WORTH_IT = 40;
/** Each holds an engine, the encoder and a picture at its full size. */
const MOST_WORKERS = 4;

type Turn = (keys: string[]) => Promise<Looked[]>;

export class Lookers {
  private constructor(private readonly turns: Turn[], private readonly end: () => void) {}

  /** One a core for many pictures; for few, `importer` itself. */
  static async open(importer: ImporterHandle, begin: LookerBegin, count: number): Promise<Lookers> {
    const own: Turn = (keys) => look(importer, keys);
    const workers = count < WORTH_IT ? 1 : Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1);
    if (workers === 1 || typeof Worker !== "function") return new Lookers([own], () => undefined);
    const all = Array.from({ length: workers }, () => new Worker(new URL("./looker.ts", import.meta.url), { type: "module", name: "mtls-lab looker" }));
    const end = (): void => all.forEach((worker) => worker.terminate());
    try {
      await Promise.all(all.map((worker) => ask(worker, { begin })));
    } catch (error) {
      end();
      throw error;
    }
    return new Lookers(all.map((worker): Turn => (keys) => ask(worker, { keys })), end);
  }

  /** Looks at all, and hands over what was seen as it comes; then the workers end. */
  async each(keys: string[], seen: (looked: Looked[]) => void): Promise<void> {
    let next = 0;
    const work = async (turn: Turn): Promise<void> => {
      while (next < keys.length) {
        const own = keys.slice(next, (next += TOGETHER));
        seen(await turn(own));
        // A turn for the messages that wait.
        await new Promise((resolve) => setTimeout(resolve));
      }
    };
    try {
      await Promise.all(this.turns.map(work));
    } finally {
      this.end();
    }
  }
}

function ask(worker: Worker, message: ToLooker): Promise<Looked[]> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromLooker>) => ("looked" in data ? resolve(data.looked) : reject(new Error(data.failed)));
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(message);
  });
}
