// Looking at pictures with an importer: those that the engine cannot decode, the browser does.
import type { ImporterHandle, Looked } from "../protocol";
import { pixels } from "./pixels";

export async function look(importer: ImporterHandle, keys: string[]): Promise<Looked[]> {
  const all: Looked[] = [];
  for (const one of await importer.look(keys)) {
    if (!("foreign" in one)) {
      all.push(one);
      continue;
    }
    const data = await pixels(one.foreign, one.key);
    all.push(await (data ? importer.look_at(one.key, data.width, data.height, new Uint8Array(data.data.buffer)) : importer.look_at(one.key, 0, 0)));
  }
  return all;
}
