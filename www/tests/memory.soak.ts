// Many runs in one page: what is used again and again must not grow. `cargo xtask soak [CYCLES]`.
import { expect, test } from "@playwright/test";
import { open, TINY, train, until, workers } from "./page";

const CYCLES = Number(process.env.SOAK ?? 200);
const VIEWS = ["Neighbourhoods", "Similarities", "Clusters", "One step", "Runs", "Space"];
/** Cycles in which caches fill: every view is looked at twice. */
const WARM = Math.max(2 * VIEWS.length, Math.round(CYCLES / 10));
/** Edits that Chromium can undo. */
const UNDONE = 1000;

test(`${CYCLES} runs leave memory where it was`, async ({ page }) => {
  test.setTimeout(120_000 + CYCLES * 60_000);
  await open(page, `${TINY}&epochs=1`);
  // A field's undo history keeps a text node for every second thing typed: not the page's doing, so it is full from the start.
  await page.getByRole("searchbox").evaluate((field: HTMLInputElement, edits) => {
    field.focus();
    for (let edit = 0; edit < edits; edit++) {
      field.select();
      document.execCommand("insertText", false, edit % 2 ? "cat" : "red fruit");
    }
  }, UNDONE);
  const inspector = await page.context().newCDPSession(page);
  const used = async (): Promise<{ heap: number; wasm: number; nodes: number; listeners: number }> => {
    // Always in the same view: each has nodes of its own.
    await page.getByRole("tab", { name: "Space", exact: true }).click();
    await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
    await inspector.send("HeapProfiler.collectGarbage");
    const { usedSize } = await inspector.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners: listeners } = await inspector.send("Memory.getDOMCounters");
    return { heap: usedSize / 1e6, wasm: (await page.evaluate(() => window.__lab.wasmBytes())) / 1e6, nodes, listeners };
  };
  let warm: Awaited<ReturnType<typeof used>> | null = null;
  let last: Awaited<ReturnType<typeof used>> | null = null;
  console.log("cycle  page heap MB  wasm MB  DOM nodes  listeners  workers");
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    await train(page);
    await until(page, "the end", ({ finished }) => finished);
    await page.getByRole("tab", { name: VIEWS[cycle % VIEWS.length]! }).click();
    await page.getByRole("searchbox").fill(cycle % 2 ? "cat" : "red fruit");
    await page.getByRole("button", { name: "Reset", exact: true }).click();
    await until(page, "step 0", ({ step, finished }) => step === 0 && !finished);
    if (cycle !== WARM && cycle !== CYCLES && cycle % Math.max(1, Math.round(CYCLES / 10)) !== 0) continue;
    last = await used();
    if (cycle === WARM) warm = last;
    console.log(`${String(cycle).padStart(5)}  ${last.heap.toFixed(1).padStart(12)}  ${last.wasm.toFixed(1).padStart(7)}  ${String(last.nodes).padStart(9)}  ${String(last.listeners).padStart(9)}  ${page.workers().length}`);
  }
  // What grows for a while is code that the browser compiles again, better. A plot that stays is 0.4 MB, 230 nodes and
  // 5 listeners a cycle, an embedding table 0.8 MB.
  expect(last!.heap - warm!.heap, "page heap, MB").toBeLessThan(0.02 * (CYCLES - WARM) + 4);
  expect(last!.nodes - warm!.nodes, "DOM nodes").toBeLessThan(100);
  expect(last!.listeners - warm!.listeners, "event listeners").toBeLessThan(30);
  expect(last!.wasm - warm!.wasm, "wasm memory, MB").toBeLessThan(0.1 * (CYCLES - WARM) + 4);
  expect(workers(page).length).toBeLessThanOrEqual(2);
});
