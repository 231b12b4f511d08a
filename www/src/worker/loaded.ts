// A wasm bundle with its module instantiated.
import type { Bundle, FilesBundle } from "../protocol";

export async function loaded<B extends Bundle | FilesBundle>(js: string, wasm: string): Promise<B> {
  const bundle = (await import(/* @vite-ignore */ js)) as B;
  await bundle.default({ module_or_path: wasm });
  return bundle;
}
