// Looking at pictures with an importer: those that the engine cannot decode, the browser does.
import type { ImporterHandle, Looked } from "../protocol";

/** Longest side of pictures that the browser decodes for us. */
const MOST_SIDE = 1024;

/** Null: this browser cannot either. */
async function pixels(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<ImageData | null> {
  try {
    const type = /\.svg$/i.test(name) ? "image/svg+xml" : "";
    const bitmap = await createImageBitmap(new Blob([bytes], { type }));
    const scale = Math.min(1, MOST_SIDE / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context?.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    return context?.getImageData(0, 0, width, height) ?? null;
  } catch {
    return null;
  }
}

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
