// The built page: how long from the link to the first held-out R@1, what it loads until then, whether it stays fluid while it
// trains, and how many bytes come from the worker. `cargo xtask bench` serves it and says where the rows go (BENCH_OUT).
import { test, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { writeFile } from "node:fs/promises";

/** Pairs of visits: the first with nothing kept, the second in the same profile. */
const VISITS = Number(process.env.BENCH_REPEAT ?? 5);
const IDLE_MS = 3_000;

interface Seen {
  /** Milliseconds from the link. */
  firstRecall: number | null;
  tasks: number[];
  /** Messages of the worker by their type: how many, bytes in buffers (moved), bytes in everything else (cloned). */
  messages: Record<string, { count: number; moved: number; cloned: number }>;
}
declare global {
  interface Window { __bench: Seen }
}

/** Runs in the page before anything else. */
function watch(): void {
  const seen: Seen = { firstRecall: null, tasks: [], messages: {} };
  window.__bench = seen;
  new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ entryTypes: ["longtask"] });
  const look = setInterval(() => {
    if (!("__lab" in window) || window.__lab.state().metrics?.["i2t_r1"] == null) return;
    seen.firstRecall = performance.now();
    clearInterval(look);
  }, 10);
  const add = (value: unknown, into: { moved: number; cloned: number }): void => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) into.moved += value.byteLength;
    else if (typeof value === "string") into.cloned += 2 * value.length;
    else if (typeof value === "number") into.cloned += 8;
    else if (value && typeof value === "object" && !(value instanceof Blob) && !(value instanceof ImageBitmap)) Object.values(value).forEach((part) => add(part, into));
  };
  const Native = window.Worker;
  window.Worker = class extends Native {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      this.addEventListener("message", ({ data }: MessageEvent<{ type?: string }>) => {
        const kind = (seen.messages[String(data?.type ?? "other")] ??= { count: 0, moved: 0, cloned: 0 });
        kind.count++;
        add(data, kind);
      });
    }
  };
}

interface Visit { ms: number; files: { path: string; bytes: number }[] }

/** A visit until the first held-out R@1. */
async function visit(context: BrowserContext): Promise<[Page, Visit]> {
  const page = await context.newPage();
  await page.addInitScript(watch);
  const files: Visit["files"] = [];
  page.on("requestfinished", (request) => {
    const before = page.url();
    void request.sizes().then(({ responseBodySize }) => files.push({ path: new URL(request.url()).pathname.slice(new URL(before).pathname.length), bytes: responseBodySize })).catch(() => undefined);
  });
  await page.goto("./?seed=1");
  const ms = await page.waitForFunction(() => window.__bench.firstRecall, null, { timeout: 120_000 }).then((handle) => handle.jsonValue());
  return [page, { ms: ms!, files: [...files] }];
}

async function visits(browser: Browser): Promise<{ cold: Visit[]; warm: Visit[] }> {
  const [cold, warm]: [Visit[], Visit[]] = [[], []];
  for (let i = 0; i < VISITS; i++) {
    const context = await browser.newContext({ serviceWorkers: "allow" });
    for (const into of [cold, warm]) {
      const [page, seen] = await visit(context);
      into.push(seen);
      // The service worker keeps the site once the page stands.
      await page.waitForTimeout(2_000);
      await page.close();
    }
    await context.close();
  }
  return { cold, warm };
}

/** A page at rest, trained to the end of its run; milliseconds of that. */
async function trained(page: Page): Promise<number> {
  const began = Date.now();
  await page.getByRole("button", { name: "Train", exact: true }).click();
  await page.waitForFunction(() => window.__lab.state().finished, null, { timeout: 600_000 });
  return Date.now() - began;
}

/** What the browser notes of its threads. */
interface Traced { name: string; ph: string; pid: number; tid: number; args?: { name?: string }; tdur?: number }

/** Milliseconds of processor time of every task of the page's main thread while it trains, in a run of its own: to note them
 *  takes time too. A task is also held up by whatever else wants a core, which the page cannot help. */
async function processorTimes(browser: Browser): Promise<number[]> {
  const context = await browser.newContext({ serviceWorkers: "block" });
  const [page] = await visit(context);
  await page.waitForTimeout(IDLE_MS);
  const session = await context.newCDPSession(page);
  const events: Traced[] = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as Traced[])));
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["toplevel"] } });
  await trained(page);
  const complete = new Promise<boolean>((resolve) => session.once("Tracing.tracingComplete", ({ dataLossOccurred }) => resolve(!dataLossOccurred)));
  await session.send("Tracing.end");
  if (!(await complete)) throw new Error("the browser lost some of what it noted");
  await context.close();
  const main = new Set(events.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain").map(({ pid, tid }) => `${pid} ${tid}`));
  const times = events.flatMap(({ name, ph, pid, tid, tdur }) => (ph === "X" && name.endsWith("RunTask") && main.has(`${pid} ${tid}`) && tdur !== undefined ? [tdur / 1e3] : []));
  if (times.length === 0) throw new Error("the browser noted no task of the main thread");
  return times;
}

async function training(browser: Browser): Promise<Record<string, unknown>> {
  const context = await browser.newContext({ serviceWorkers: "block" });
  const [page] = await visit(context);
  await page.waitForTimeout(IDLE_MS);
  await page.evaluate(() => Object.assign(window.__bench, { tasks: [], messages: {} }));
  const seconds = (await trained(page)) / 1e3;
  const { tasks, messages, steps } = await page.evaluate(() => ({ ...window.__bench, steps: window.__lab.state().step }));
  await page.waitForTimeout(IDLE_MS);
  const frames = await page.evaluate((ms) => new Promise<number>((resolve) => {
    let [count, first] = [0, 0];
    const next = (now: number): void => {
      first ||= now;
      if (now - first >= ms) return resolve((count * 1e3) / (now - first));
      count++;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }), IDLE_MS);
  await context.close();
  return { seconds, steps, tasks, messages, frames, processor: await processorTimes(browser) };
}

test("the page", async ({ browser }) => {
  test.skip(!process.env.BENCH_OUT, "`cargo xtask bench` runs it");
  test.setTimeout(3_600_000);
  await writeFile(process.env.BENCH_OUT!, JSON.stringify({ ...(await visits(browser)), training: await training(browser) }, null, 1));
});
