// The same run on every device: native, CPU in the page, WebGPU in the page; and a GPU that dies.
import { expect, test } from "@playwright/test";
import { readFileSync } from "node:fs";
import { open, TINY, train, until, watch } from "./page";

interface NativeStep { type: string; step: number; total: number }

test("on the CPU the page computes the native curve", async ({ page }) => {
  // Written by the native binary just before (`cargo xtask test`): 60 steps of InfoNCE, no hard selection.
  const file = process.env.NATIVE_RUN;
  expect(file, "NATIVE_RUN names the report of the native run").toBeTruthy();
  const report = JSON.parse(readFileSync(file!, "utf8")) as { config: { seed: number }; history: NativeStep[] };
  const native = report.history.filter(({ type }) => type === "step");
  expect(native.length).toBeGreaterThanOrEqual(50);
  await open(page, "preset=retrieval&epochs=20&seed=7&device=cpu");
  await train(page);
  const { losses } = await until(page, "the end", ({ finished }) => finished);
  expect(losses.length).toBe(native.length);
  const worst = Math.max(...losses.slice(0, 50).map(({ total }, i) => Math.abs(total - native[i]!.total) / Math.abs(native[i]!.total)));
  console.log(`largest relative difference over 50 steps: ${worst.toExponential(2)}`);
  expect(worst).toBeLessThan(1e-3);
});

test("on WebGPU the page computes the CPU's curve, and survives the loss of the device", async ({ page }) => {
  const watched = watch(page);
  await open(page, `${TINY}&seed=3&device=cpu`);
  await train(page);
  const cpu = await until(page, "the CPU run", ({ step }) => step >= 8);

  await open(page, `${TINY}&seed=3&device=gpu`);
  const start = await until(page, "the GPU's run", ({ phase }) => phase === "ready");
  expect(start.device, start.deviceWhy).toBe("gpu");
  // The page may have brought back the CPU's run: the GPU begins its own.
  if (start.step > 0) await page.getByRole("button", { name: "Reset", exact: true }).click();
  await until(page, "a fresh run on the GPU", ({ step, losses, phase }) => phase === "ready" && step === 0 && losses.length === 0);
  await train(page);
  const gpu = await until(page, "eight steps on the GPU", ({ losses }) => losses.length >= 8, 400_000);
  const pairs = gpu.losses.slice(0, 8).map((step) => [step.total, cpu.losses.find((other) => other.step === step.step)?.total ?? Number.NaN] as const);
  const worst = Math.max(...pairs.map(([a, b]) => Math.abs(a - b) / Math.abs(b)));
  console.log(`largest relative difference between WebGPU and CPU over ${pairs.length} steps: ${worst.toExponential(2)}`);
  expect(worst).toBeLessThan(0.02);

  await page.evaluate(() => window.__lab.loseDevice());
  const survived = await until(page, "the run goes on, on the CPU", ({ device, running, finished, phase }) => phase === "ready" && device === "cpu" && (running || finished), 400_000);
  expect(survived.deviceWhy).toContain("lost");
  await expect(page.getByRole("alert")).toContainText("The GPU was lost");
  const end = await until(page, "the end of the run", ({ finished }) => finished);
  expect(end.losses.every(({ total }) => Number.isFinite(total))).toBe(true);
  expect(watched.outside).toEqual([]);
});

test("every view works on a run that WebGPU trains", async ({ page }) => {
  const watched = watch(page);
  await open(page, `${TINY}&batch=256&epochs=2&device=gpu&item=3`);
  const start = await until(page, "the GPU's run", ({ phase }) => phase === "ready");
  expect(start.device, start.deviceWhy).toBe("gpu");
  const view = (name: string): Promise<void> => page.getByRole("tab", { name }).click();
  await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
  await view("One step");
  await page.getByTestId("iteration").getByRole("button", { name: "Pulls" }).click();
  await expect(page.getByTestId("pulls").locator("line.arrow").first()).toBeAttached({ timeout: 120_000 });
  await train(page);
  const end = await until(page, "the end of the run", ({ finished }) => finished, 400_000);
  expect(end.device).toBe("gpu");
  await view("Neighbourhoods");
  await expect(page.getByTestId("neighbourhoods").locator("tbody ol").first().locator("li")).toHaveCount(8, { timeout: 120_000 });
  await view("Similarities");
  await expect(page.getByTestId("firsts")).toContainText(/\d+ of 202 pictures/);
  await view("Clusters");
  await expect(page.getByTestId("agreement")).toContainText(/AMI -?0\.\d{3}/);
  await view("Runs");
  await expect(page.getByTestId("runs").getByTitle("this run", { exact: true })).toBeVisible();
  await view("Space");
  await page.getByRole("searchbox").fill("cat");
  await expect(page.getByTestId("found-images").locator("li")).toHaveCount(12);
  expect(watched.errors).toEqual([]);

  // Where no step is made a question is the first to meet the loss: the page replaces the engine all the same, and trains no further.
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  await until(page, "a fresh run", ({ step, phase }) => phase === "ready" && step === 0);
  await page.evaluate(() => window.__lab.loseDevice());
  await page.getByRole("searchbox").fill("dog");
  const moved = await until(page, "the run stands on the CPU", ({ device, phase }) => phase === "ready" && device === "cpu", 400_000);
  expect([moved.running, moved.step]).toEqual([false, 0]);
  await expect(page.getByRole("alert")).toContainText("The GPU was lost");
});

test("without WebGPU the page trains and says why it is on the CPU", async ({ page }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, "gpu", { value: undefined }));
  await open(page, "epochs=2");
  await expect(page.getByTestId("device")).toContainText(/CPU.*no WebGPU/);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
});

test("a software adapter is named and not used unasked", async ({ page }) => {
  await open(page, "epochs=2");
  await expect(page.getByTestId("device")).toContainText(/emulated in software|finds no graphics card/);
});
