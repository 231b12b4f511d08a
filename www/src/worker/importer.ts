// The worker that reads a user's files: an engine of its own, so that what they hold cannot harm the run, and ending the
// worker ends everything.
import type { Check, FilesBundle, ImporterHandle, PictureInfo, Plan, Prepared } from "../protocol";
import { download } from "./download";
import { loaded } from "./loaded";
import { Lookers } from "./lookers";

export interface ImportBegin { js: string; wasm: string; name: string; files: [string, Blob][]; /** Address and length of the encoder's weights; null: by shape and colour. */ encoder: { url: string; bytes: number } | null }
export type ToImporter =
  | { ask: "begin"; begin: ImportBegin }
  | { ask: "check"; id: number; plan: Plan }
  | { ask: "about"; id: number; pictures: Uint32Array }
  | { ask: "finish"; id: number; plan: Plan };
export interface Shown extends PictureInfo { at: number; picture: ImageBitmap }
export type FromImporter =
  | { say: "progress"; what: "engine" | "encoder" | "reading"; done: number; of: number; pictures: number }
  | { say: "read" }
  | { say: "checked"; id: number; check: Check }
  | { say: "shown"; id: number; shown: Shown[] }
  | { say: "finished"; id: number; prepared: Prepared }
  | { say: "failed"; id: number | null; message: string };

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: FromImporter, transfer: Transferable[] = []): void => scope.postMessage(message, transfer);
const TILE = 64;

let importer: ImporterHandle | null = null;

async function begin({ js, wasm, name, files, encoder }: ImportBegin): Promise<void> {
  post({ say: "progress", what: "engine", done: 0, of: 0, pictures: 0 });
  const bundle = await loaded<FilesBundle>(js, wasm);
  const weights = encoder && (await download(encoder.url, "encoder", encoder.bytes, (done, of) => post({ say: "progress", what: "encoder", done, of, pictures: 0 })));
  const own = weights ? bundle.Importer.open(name, files, weights) : bundle.Importer.open(name, files);
  importer = own;
  const wanted = own.wanted();
  const pool = await Lookers.open(own, { js, wasm, name, files, weights }, wanted.length);
  let [done, last] = [0, 0];
  await pool.each(wanted, (looked) => {
    for (const one of looked) {
      done++;
      if ("problem" in one) own.show_problem(one.key, one.problem);
      else own.show(one.key, one.tile, one.digest, one.features);
    }
    if (performance.now() - last < 100) return;
    last = performance.now();
    post({ say: "progress", what: "reading", done, of: wanted.length, pictures: own.join(false) });
  });
  post({ say: "progress", what: "reading", done, of: wanted.length, pictures: own.join(true) });
  post({ say: "read" });
}

async function answer(message: ToImporter): Promise<void> {
  if (message.ask === "begin") return begin(message.begin);
  if (!importer) throw new Error("Nothing has been read.");
  const { id } = message;
  if (message.ask === "check") {
    post({ say: "checked", id, check: importer.check(message.plan) });
  } else if (message.ask === "about") {
    const about = importer.about(message.pictures);
    const shown = await Promise.all([...message.pictures].map(async (at, i) => ({ at, ...about[i]!, picture: await createImageBitmap(new ImageData(importer!.tile(at), TILE, TILE)) })));
    post({ say: "shown", id, shown }, shown.map(({ picture }) => picture));
  } else {
    const prepared = importer.finish(message.plan);
    post({ say: "finished", id, prepared }, [prepared.bytes.buffer]);
  }
}

const failed = (id: number | null, error: unknown): void => post({ say: "failed", id, message: error instanceof Error ? error.message : String(error) });
// A panic, or memory at its end: the worker is of no use any more.
scope.addEventListener("error", (event) => failed(null, event.message));
scope.addEventListener("unhandledrejection", (event) => failed(null, event.reason));
scope.onmessage = ({ data }: MessageEvent<ToImporter>) => void answer(data).catch((error: unknown) => failed("id" in data ? data.id : null, error));
