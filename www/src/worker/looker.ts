// One of several workers that look at pictures: each has an engine and the same files open.
import type { FilesBundle, ImporterHandle, Looked } from "../protocol";
import { loaded } from "./loaded";
import { look } from "./look";

export interface LookerBegin { js: string; wasm: string; name: string; files: [string, Blob][]; weights: Uint8Array | null }
export type ToLooker = { begin: LookerBegin } | { keys: string[] };
export type FromLooker = { looked: Looked[] } | { failed: string };

const scope = self as unknown as DedicatedWorkerGlobalScope;
let importer: ImporterHandle | null = null;

async function answer(message: ToLooker): Promise<Looked[]> {
  if ("keys" in message) return importer ? look(importer, message.keys) : [];
  const { js, wasm, name, files, weights } = message.begin;
  const { Importer } = await loaded<FilesBundle>(js, wasm);
  importer = weights ? Importer.open(name, files, weights) : Importer.open(name, files);
  return [];
}

scope.addEventListener("unhandledrejection", (event) => scope.postMessage({ failed: String(event.reason) } satisfies FromLooker));
scope.onmessage = ({ data }: MessageEvent<ToLooker>) =>
  void answer(data).then(
    (looked) => scope.postMessage({ looked } satisfies FromLooker, looked.flatMap((one) => ("tile" in one ? [one.tile.buffer, one.digest.buffer, one.features.buffer] : []))),
    (error: unknown) => scope.postMessage({ failed: error instanceof Error ? error.message : String(error) } satisfies FromLooker),
  );
