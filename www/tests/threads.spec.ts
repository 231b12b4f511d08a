// The loops of training as modules of their own (kernels/): they compute what plain loops compute, in any number of threads,
// and where they or shared memory are not to be had the page trains without.
import { expect, test, type Page } from "@playwright/test";
import { open, state, train, until, watch } from "./page";

const RUN = "preset=retrieval&epochs=8&seed=7&device=cpu";

async function losses(page: Page, more: string): Promise<{ total: number[]; threads: number }> {
  // The page may have brought back the run before: this one begins anew.
  if ((await open(page, RUN + more)).step > 0) await page.getByRole("button", { name: "Reset", exact: true }).click();
  await until(page, "a fresh run", ({ step, losses, phase }) => phase === "ready" && step === 0 && losses.length === 0);
  await train(page);
  const end = await until(page, "the end", ({ finished }) => finished);
  return { total: end.losses.map(({ total }) => total), threads: end.threads };
}

/** Bundles and modules that were loaded. */
const loaded = (requests: string[]): string[] => [...new Set(requests.flatMap((url) => /bundles\/(\w+\/(?!mtls_lab_rest)[\w-]+\.wasm)/.exec(url)?.[1] ?? []))].sort();

/** The page as a host sends it that knows nothing of the two headers. */
async function plainHost(page: Page): Promise<void> {
  await page.route("**/*", async (route) => {
    const answer = await route.fetch();
    const headers = answer.headers();
    for (const name of Object.keys(headers)) if (name.startsWith("cross-origin-")) delete headers[name];
    await route.fulfill({ response: answer, headers });
  });
}

test("helpers share the engine's memory, and the numbers do not depend on how many they are", async ({ page }) => {
  const watched = watch(page);
  await open(page, `${RUN}&threads=3`);
  await until(page, "all three stand", ({ threads }) => threads === 3);
  expect(page.workers().filter((worker) => /helper-/.test(worker.url()))).toHaveLength(2);
  expect(loaded(watched.requests)).toEqual(["threads/kernels.wasm", "threads/mtls_lab_bg.wasm"]);
  await expect(page.getByTestId("device")).toContainText("3 threads compute");
  const three = await losses(page, "&threads=3");
  expect(three.threads).toBe(3);
  watched.requests.length = 0;
  const one = await losses(page, "&threads=1");
  expect(one.threads).toBe(1);
  expect(loaded(watched.requests)).toEqual(["cpu/kernels.wasm", "cpu/mtls_lab_bg.wasm"]);
  expect(one.total.length).toBeGreaterThan(10);
  expect(three.total).toEqual(one.total);
  expect(watched.errors).toEqual([]);
});

test("without shared memory one thread trains, without the modules the engine's own loops do", async ({ page }) => {
  const watched = watch(page);
  await plainHost(page);
  const alone = await losses(page, "");
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  expect(alone.threads).toBe(1);
  expect(loaded(watched.requests)).toEqual(["cpu/kernels.wasm", "cpu/mtls_lab_bg.wasm"]);
  await page.route("**/kernels*.wasm*", (route) => route.abort());
  const own = await losses(page, "");
  expect(own.total).toHaveLength(alone.total.length);
  // Other instructions round differently; nothing else differs.
  const worst = Math.max(...own.total.map((total, i) => Math.abs(total - alone.total[i]!) / total));
  console.log(`largest relative difference between fused and plain loops: ${worst.toExponential(2)}`);
  expect(worst).toBeLessThan(1e-3);
});

test("a browser that does not know relaxed SIMD has helpers all the same", async ({ page }) => {
  const watched = watch(page);
  // What such a browser says of the first module.
  await page.route("**/threads/kernels.wasm*", (route) => route.fulfill({ contentType: "application/wasm", body: Buffer.from("\0asm\x01\0\0\0\xff", "latin1") }));
  const { threads } = await losses(page, "&threads=2");
  expect(threads).toBe(2);
  expect(loaded(watched.requests)).toContain("threads/kernels-plain.wasm");
});

test("a helper that cannot start leaves the run to one thread", async ({ page }) => {
  // In the worker's script: what a worker in a worker is asked for is not seen from here in every version of the browser.
  await page.route("**/assets/worker-*.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll(/(?<![\w-])helper-[\w-]+\.js/g, "no-such-helper.js") });
  });
  const { total, threads } = await losses(page, "&threads=2");
  expect(threads).toBe(1);
  expect(total.every(Number.isFinite)).toBe(true);
});

test("products in parts equal three loops, whatever their sizes", async ({ page }) => {
  await open(page, `${RUN}&threads=1`);
  expect((await state(page)).phase).toBe("ready");
  const worst = await page.evaluate(async () => {
    const { cpu } = (await (await fetch("bundles.json")).json()) as { cpu: { kernels: string[] } };
    const memory = new WebAssembly.Memory({ initial: 400 });
    const { instance } = await WebAssembly.instantiateStreaming(fetch(cpu.kernels[0]!), { env: { memory } });
    const run = instance.exports.run as (job: number, part: number, parts: number, scratch: number) => void;
    const [words, floats] = [new Uint32Array(memory.buffer), new Float32Array(memory.buffer)];
    // Addresses in numbers of four bytes; the scratch lies behind.
    const [job, a, b, out, scratch] = [256, 1 << 16, 2 << 20, 3 << 20, 4 << 20] as const;
    let worst = 0;
    for (let round = 0; round < 60; round++) {
      const [m, k, n] = [0, 0, 0].map(() => 1 + Math.floor(Math.random() ** 3 * 330)) as [number, number, number];
      const [turnA, turnB, add] = [0, 0, 0].map(() => Math.random() < 0.5) as [boolean, boolean, boolean];
      const parts = 1 + Math.floor(Math.random() * 5);
      for (let i = 0; i < m * k; i++) floats[a + i] = Math.random() - 0.5;
      for (let i = 0; i < k * n; i++) floats[b + i] = Math.random() - 0.5;
      for (let i = 0; i < m * n; i++) floats[out + i] = i % 7;
      // Product { sizes, a: { address, row, column }, b, out, add } behind the tag, as kernels/src has them.
      words.set([0, 0, m, k, n, 4 * a, turnA ? 1 : k, turnA ? m : 1, 4 * b, turnB ? 1 : n, turnB ? k : 1, 4 * out, Number(add)], job);
      for (let part = 0; part < parts; part++) run(4 * job, part, parts, 4 * scratch);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = add ? (i * n + j) % 7 : 0;
          for (let p = 0; p < k; p++) sum += floats[a + (turnA ? p * m + i : i * k + p)]! * floats[b + (turnB ? j * k + p : p * n + j)]!;
          worst = Math.max(worst, Math.abs(sum - floats[out + i * n + j]!));
        }
      }
    }
    return worst;
  });
  expect(worst).toBeLessThan(1e-4);
});
