// An experiment as a file: what the page puts into it, and reading one, in a worker of its own so that a hostile file cannot
// harm the run.
import type { Lab } from "../lab.svelte";
import type { Attached } from "../protocol";
import { isOwn } from "../state/data-names";
import { choiceOf } from "../state/data-sets";
import { t } from "../strings";
import type { FromReader, ReadExperiment, ToReader } from "../worker/experiment";

export const ENDING = ".mtls";
/** A zip whose first entry has this name: a local header takes 30 bytes, then comes the name. */
const FIRST = "experiment.json";

/** Told by its first bytes, whatever it is called. One that is cut off or empty is told by its name. */
export async function isExperiment(file: File): Promise<boolean> {
  if (file.name.toLowerCase().endsWith(ENDING)) return true;
  const head = await file.slice(0, 30 + FIRST.length).text().catch(() => "");
  return head.startsWith("PK") && head.endsWith(FIRST);
}

/** `withData`: own pictures and captions go along. Bundled data never do. */
export function attachedTo(lab: Lab, withData: boolean): Attached {
  const { data } = lab.runs;
  const page = { address: lab.search, began: lab.began };
  if (isOwn(data)) return { origin: "own", data: withData, page };
  const choice = choiceOf(data);
  if ("pack" in choice) return { origin: { pack: { ...choice } }, data: false, page };
  if ("shapes" in choice) return { origin: { shapes: choice.shapes }, data: false, page };
  throw new Error(t.own.notHere);
}

export function readExperiment(lab: Lab, file: Blob, name: string): Promise<ReadExperiment> {
  const engine = lab.bundles?.files;
  if (!engine) return Promise.reject(new Error(t.errors.bundles));
  const worker = new Worker(new URL("../worker/experiment.ts", import.meta.url), { type: "module", name: "mtls-lab experiment" });
  return new Promise<ReadExperiment>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromReader>) => ("read" in data ? resolve(data.read) : reject(new Error(data.problem)));
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message || t.own.stopped));
    };
    const [js, wasm] = [engine.js, engine.wasm].map((path) => new URL(path, lab.base).href) as [string, string];
    worker.postMessage({ js, wasm, name, file } satisfies ToReader);
  }).finally(() => worker.terminate());
}
