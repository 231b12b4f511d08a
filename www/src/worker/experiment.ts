// The worker that reads one experiment and ends: an engine of its own, so that a hostile file cannot harm the run.
import type { ExperimentHeader, FilesBundle, Prepared } from "../protocol";
import { loaded } from "./loaded";

export interface ToReader { js: string; wasm: string; name: string; file: Blob }
export interface ReadExperiment { header: ExperimentHeader; snapshot: Uint8Array<ArrayBuffer>; data: Prepared | undefined }
export type FromReader = { read: ReadExperiment } | { problem: string };

const scope = self as unknown as DedicatedWorkerGlobalScope;

async function read({ js, wasm, name, file }: ToReader): Promise<void> {
  const experiment = (await loaded<FilesBundle>(js, wasm)).Experiment.open(name, file);
  const [header, snapshot, data] = [experiment.header(), experiment.snapshot(), experiment.data()];
  scope.postMessage({ read: { header, snapshot, data } } satisfies FromReader, [snapshot.buffer, ...(data ? [data.bytes.buffer] : [])]);
}

scope.onmessage = ({ data }: MessageEvent<ToReader>) =>
  void read(data).catch((error: unknown) => scope.postMessage({ problem: error instanceof Error ? error.message : String(error) } satisfies FromReader));
