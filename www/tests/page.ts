// What every test of the page uses: opening it while watching what it says and asks for, and waiting for its state.
import { expect, type Page, type Worker } from "@playwright/test";
import type { LabState } from "../src/main";

/** Small towers that a software GPU can train, and a step that selects nothing (no hardest items, no neighbours). */
export const TINY = "preset=retrieval&tower=mlp&init=random&hidden=16&dim=8&batch=16&text_dim=32&dropout=0&epochs=4&eval_every=0";

/** Everything a page did that a test may want to object to. */
export interface Watched { outside: string[]; errors: string[]; requests: string[] }

/** Records requests, uncaught errors and policy violations of a page and its workers, from before it is opened. */
export function watch(page: Page): Watched {
  const watched: Watched = { outside: [], errors: [], requests: [] };
  const home = new URL(process.env.SITE_URL ?? "http://127.0.0.1:8080/");
  page.context().on("request", (request) => {
    const url = new URL(request.url());
    watched.requests.push(request.url());
    const ours = url.protocol === "blob:" || url.protocol === "data:" || (url.origin === home.origin && url.pathname.startsWith(home.pathname));
    if (!ours) watched.outside.push(request.url());
  });
  page.on("pageerror", (error) => watched.errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") watched.errors.push(message.text());
  });
  return watched;
}

export const state = (page: Page): Promise<LabState> => page.evaluate(() => window.__lab.state());

/** Waits until the page's state fulfils `holds`; the failure shows the last state. */
export async function until(page: Page, what: string, holds: (state: LabState) => boolean, timeout = 200_000): Promise<LabState> {
  let last: LabState | null = null;
  await expect
    .poll(async () => {
      last = await state(page);
      return holds(last) ? "yes" : `not yet: ${JSON.stringify({ ...last, losses: last.losses.length })}`;
    }, { message: what, timeout })
    .toBe("yes");
  return last!;
}

/** Opens the page with these parameters and waits until a run stands. */
export async function open(page: Page, parameters = ""): Promise<LabState> {
  await page.goto(parameters ? `?${parameters}` : "./");
  // The page's script waits for its language's file, and the browser's load event does not wait for that.
  await expect.poll(() => page.evaluate(() => "__lab" in window)).toBe(true);
  return until(page, "a run stands", ({ phase }) => phase !== "loading");
}

/** Workers of the page, without the helpers of an engine: those are as many as there are processors. */
export const workers = (page: Page): Worker[] => page.workers().filter((worker) => !/\/helper-/.test(worker.url()));

export const train = (page: Page): Promise<void> => page.getByRole("button", { name: "Train", exact: true }).click();

/** Titles of the pictures or texts that the search shows. */
export const found = (page: Page, what: "images" | "texts"): Promise<string[]> =>
  page.getByTestId(`found-${what}`).locator("li button > span:not(.score):not(.thumb)").allTextContents();

/** What `look` sees at rest: asked twice, the same. */
export async function atRest<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  let last = "";
  await expect.poll(async () => {
    const now = JSON.stringify(await look());
    const same = now === last && now !== "null";
    last = now;
    return same;
  }, { intervals: [300], message: `${what} rests` }).toBe(true);
  return JSON.parse(last) as T;
}

/** What is stored there, its numbers alone, when everything is that is being written: who reads has to wait for those who write. */
export const stored = (page: Page, database: string, store: string): Promise<Record<string, number>[]> =>
  page.evaluate((names) => new Promise<Record<string, number>[]>((resolve, reject) => {
    const open = indexedDB.open(names.database);
    // A database that is not there would be made.
    open.onupgradeneeded = () => reject(new Error(`there is no database ${names.database}`));
    open.onerror = () => reject(open.error!);
    open.onsuccess = () => {
      const values = open.result.transaction(names.store).objectStore(names.store).getAll();
      values.onerror = () => reject(values.error!);
      values.onsuccess = () => {
        open.result.close();
        resolve(values.result.map((value) => Object.fromEntries(Object.entries(value as object).filter((entry) => typeof entry[1] === "number"))));
      };
    };
  }), { database, store });

/** How many colours the middle of a plot shows, where nothing lies over it. */
export async function painted(page: Page, plot: string): Promise<number> {
  const { x, y, width, height } = (await page.getByTestId(plot).boundingBox())!;
  const png = (await page.screenshot({ clip: { x: x + width / 4, y: y + 0.3 * height, width: width / 2, height: 0.4 * height } })).toString("base64");
  return page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
    context.drawImage(bitmap, 0, 0);
    return new Set(new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer)).size;
  }, png);
}
