// A bundle of the engine with its module instantiated.
import type { Bundle } from "../protocol";

export async function loaded(js: string, wasm: string): Promise<Bundle> {
  const bundle = (await import(/* @vite-ignore */ js)) as Bundle;
  await bundle.default({ module_or_path: wasm });
  return bundle;
}
