// The run as files: made by the engine; thumbnails are compressed by the browser, which has the better encoder.
import type { Attached, EngineHandle, Export, ExportFile } from "../protocol";

const QUALITY = 0.88;

/** `progress`: the share that is done, where it is known. */
export async function exported(engine: EngineHandle, what: Export, attached: Attached | undefined, progress: (share: number) => void): Promise<ExportFile[]> {
  const sheets: Uint8Array[] = [];
  let page: string[] = [];
  if (what === "page") {
    const count = engine.export_sheets();
    for (let n = 0; n < count; n++) {
      progress(n / (count + 1));
      sheets.push(await jpeg(engine.export_sheet(n)));
    }
    progress(count / (count + 1));
    page = await pageFiles();
  }
  const list = await engine.export_run(what, sheets, page, attached && JSON.stringify(attached));
  const files: ExportFile[] = [];
  for (let n = 0; n + 1 < list.length; n += 2) files.push({ name: list[n] as string, bytes: list[n + 1] as Uint8Array<ArrayBuffer> });
  return files;
}

/** What every search page has; part of the site, not of the engine. */
async function pageFiles(): Promise<string[]> {
  const [html, css, library, script] = await Promise.all([
    import("../../../src/export/page/index.html?raw"),
    import("../../../src/export/page/style.css?raw"),
    import("../../../examples/javascript/mtls-lab.mjs?raw"),
    import("../../../src/export/page/page.mjs?raw"),
  ]);
  return [html.default, css.default, library.default + script.default];
}

async function jpeg({ width, height, rgba }: { width: number; height: number; rgba: Uint8ClampedArray }): Promise<Uint8Array> {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.putImageData(new ImageData(rgba as Uint8ClampedArray<ArrayBuffer>, width, height), 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  return new Uint8Array(await blob.arrayBuffer());
}
