// The curves: chosen measures, switches, weights, scale, values under the pointer, the table, and what lies over them.
import { expect, test, type Locator, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import { open, state, train, until } from "./page";

const curves = (page: Page): Locator => page.locator("section.curves");
const measures = async (page: Page, ...names: string[]): Promise<void> => {
  await curves(page).getByRole("button", { name: "Measures", exact: true }).click();
  for (const name of names) await page.getByRole("group", { name: "Which measures are drawn" }).getByLabel(name, { exact: true }).click();
  await page.keyboard.press("Escape");
};
const legend = (page: Page, panel: string): Locator => page.getByTestId(panel);
/** Number after a legend's name. */
const value = async (entry: Locator): Promise<number> => Number(await entry.locator("b").textContent());

/** How many pixels of a chart have (nearly) the colour of a custom property. */
const drawn = (page: Page, panel: string, property: string): Promise<number> =>
  page.evaluate(([at, name]) => {
    const canvas = document.querySelector<HTMLCanvasElement>(`section.curves .${at} canvas`)!;
    const probe = document.createElement("canvas").getContext("2d")!;
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name!).trim();
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    let pixels = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3]! > 200 && Math.abs(data[i]! - r!) + Math.abs(data[i + 1]! - g!) + Math.abs(data[i + 2]! - b!) < 24) pixels++;
    }
    return pixels;
  }, [panel, property] as const);

test("each loss term has a switch and its weight, and the scale can be logarithmic", async ({ page }) => {
  await open(page, "epochs=6&lambda_v=0&lambda_t=2");
  await train(page);
  const done = await until(page, "the end", ({ finished }) => finished);
  const losses = legend(page, "losses");
  await expect(losses.getByRole("button", { name: /^text → image/ })).toHaveAttribute("aria-pressed", "true");
  await expect(losses.getByRole("button", { name: "λ 0", exact: true })).toBeVisible();
  expect(await value(losses.getByRole("button", { name: /^total/ }))).toBeCloseTo(done.losses.at(-1)!.total, 1);

  // The switch takes the line away and brings it back.
  await expect.poll(async () => (await drawn(page, "losses", "--good"))).toBeGreaterThan(50);
  await losses.getByRole("button", { name: /^retrieval/ }).click();
  await expect.poll(async () => (await drawn(page, "losses", "--good"))).toBe(0);
  await losses.getByRole("button", { name: /^retrieval/ }).click();
  await expect.poll(async () => (await drawn(page, "losses", "--good"))).toBeGreaterThan(50);

  // A term that is switched off lies at 0, which a logarithmic axis does not have. The choice outlives a reload.
  await expect.poll(async () => (await drawn(page, "losses", "--text"))).toBeGreaterThan(50);
  await curves(page).getByRole("button", { name: "Log", exact: true }).click();
  await expect.poll(async () => (await drawn(page, "losses", "--text"))).toBe(0);
  expect(await drawn(page, "losses", "--good")).toBeGreaterThan(50);

  // The weights are the run's, and lead to where they are set; the rarer setting is unfolded.
  await expect(losses.getByRole("button", { name: "λ 2", exact: true })).toBeVisible();
  await losses.getByRole("button", { name: "λ 2", exact: true }).click();
  await expect(page.locator("#set-lambda_t")).toBeFocused();
  await losses.getByRole("button", { name: "λ 1", exact: true }).click();
  await expect(page.locator("#set-retrieval_weight")).toBeFocused();
  await page.reload();
  await until(page, "the page is back", ({ phase }) => phase === "ready");
  await expect(curves(page).getByRole("button", { name: "Log", exact: true })).toHaveAttribute("aria-pressed", "true");
});

test("measures are chosen, have an axis for each unit, and stand in the table too", async ({ page }) => {
  await open(page, "epochs=4&eval_every=1");
  await train(page);
  const { metrics } = await until(page, "the end", ({ finished }) => finished);
  // What was trained on is told apart from what was held out.
  const r1 = legend(page, "recall").getByRole("button", { name: /^R@1 image → text/ });
  expect(await value(r1)).toBeCloseTo(metrics!["i2t_r1"] as number, 0);
  await measures(page, "Recall among what was trained on, too");
  expect(Number(await r1.locator("i").first().textContent())).toBeGreaterThan(metrics!["i2t_r1"] as number);

  await measures(page, "mR", "Modality gap", "Spread", "Uniformity", "Overlap@10");
  expect(await value(legend(page, "recall").getByRole("button", { name: /^mR/ }))).toBeCloseTo(metrics!["mr"] as number, 0);
  expect(await value(legend(page, "distance").getByRole("button", { name: /^Modality gap/ }))).toBeCloseTo(metrics!["modality_gap"] as number, 2);
  expect(await value(legend(page, "share").getByRole("button", { name: /^Overlap@10/ }))).toBeCloseTo(metrics!["overlap_10"] as number, 2);
  expect(await value(legend(page, "uniformity").getByRole("button", { name: /texts/ }))).toBeCloseTo(metrics!["uniformity_text"] as number, 1);
  // Unit vectors of 256 dimensions spread by at most 1/16 a dimension.
  const spread = await value(legend(page, "distance").getByRole("button", { name: /^Spread pictures/ }));
  expect(spread).toBeGreaterThan(0.005);
  expect(spread).toBeLessThanOrEqual(0.063);
  await expect.poll(async () => (await drawn(page, "uniformity", "--text"))).toBeGreaterThan(20);

  await measures(page, "R@1", "mR");
  await expect(legend(page, "recall")).toHaveCount(0);
  await page.reload();
  await until(page, "the page is back", ({ phase, evaluations }) => phase === "ready" && evaluations > 1);
  await expect(legend(page, "recall")).toHaveCount(0);
  await expect(legend(page, "uniformity")).toBeVisible();

  await curves(page).getByRole("button", { name: "Table", exact: true }).click();
  const table = page.getByRole("region", { name: "Losses and measures at every evaluation" });
  for (const name of ["epoch", "total", "text → image", "Modality gap", "Spread pictures"]) await expect(table.getByRole("columnheader", { name, exact: true })).toBeVisible();
  // The newest first; one row an evaluation, that of step 0 included.
  const { evaluations, total } = await state(page);
  await expect(table.locator("tbody tr")).toHaveCount(evaluations);
  await expect(table.locator("tbody tr").first().locator("td").first()).toHaveText(String(total));
});

test("the pointer reads one epoch on every chart, and a drawn stretch is looked at closely", async ({ page }) => {
  await open(page, "epochs=8&eval_every=1");
  await train(page);
  const done = await until(page, "the end", ({ finished }) => finished);
  const box = (await page.locator(".losses .frame").boundingBox())!;
  const total = legend(page, "losses").getByRole("button", { name: /^total/ });
  const newest = await value(total);
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
  await expect(page.locator(".frame .at")).toHaveCount(3);
  const [, step] = /step (\d+)/.exec((await page.locator(".losses .at").textContent())!)!;
  expect(Number(step)).toBeLessThan(done.total / 2);
  expect(await value(total)).toBeCloseTo(done.losses.find((loss) => loss.step === Number(step))!.total, 1);
  const epochs = (await page.locator(".frame .at").allTextContents()).map((text) => Number(/epoch ([\d.]+)/.exec(text)![1]));
  for (const epoch of epochs) expect(Math.abs(epoch - epochs[0]!)).toBeLessThanOrEqual(0.5);
  await page.mouse.move(box.x + 20, 10);
  await expect(page.locator(".frame .at")).toHaveCount(0);
  expect(await value(total)).toBe(newest);

  const whole = await page.locator(".recall canvas").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  const close = (): Promise<string> => page.locator(".recall canvas").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  await expect.poll(close).not.toBe(whole);
  await curves(page).getByRole("button", { name: "Whole run" }).click();
  await expect.poll(close).toBe(whole);
});

test("all measures at once: axe finds nothing, and nothing sticks out on a phone", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page, "epochs=3&show=both");
  await train(page);
  await until(page, "both at the end", ({ finished, step, twin }) => finished && twin.step === step && twin.metrics !== null);
  await measures(page, "R@5", "R@10", "mR", "AMI of texts", "AMI of both", "NMI", "ARI", "Overlap@10", "Modality gap", "Alignment", "Spread", "Uniformity");
  await nothingFound(page);
  await curves(page).getByRole("button", { name: "Measures", exact: true }).click();
  await nothingFound(page);
  await page.keyboard.press("Escape");
  await page.setViewportSize({ width: 360, height: 740 });
  await expect(page.locator(".curves .frame")).toHaveCount(5);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await nothingFound(page);
});

test("runs laid over the curves and settings changed on the way are drawn and named", async ({ page }) => {
  for (const seed of [3, 4]) {
    await open(page, `seed=${seed}&epochs=6&eval_every=1&view=runs`);
    await train(page);
    await until(page, "the end", ({ finished }) => finished);
  }
  expect(await drawn(page, "recall", "--run-1")).toBe(0);
  const lay = page.getByRole("checkbox", { name: /^Lay .* over the curves$/ }).and(page.locator(":enabled"));
  await lay.check();
  for (const panel of ["losses", "recall", "share"]) await expect.poll(() => drawn(page, panel, "--run-1"), panel).toBeGreaterThan(20);
  const [, name] = /^Lay (.*) over the curves$/.exec((await lay.getAttribute("aria-label"))!)!;
  await expect(page.locator(".recall .head")).toContainText(name!);
  await lay.uncheck();
  await expect.poll(() => drawn(page, "recall", "--run-1")).toBe(0);

  // What was changed stands at its step, in words too.
  await open(page, "epochs=4&eval_every=1");
  for (let step = 1; step <= 4; step++) {
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await until(page, "one step", (now) => now.step === step && !now.running);
  }
  expect(await drawn(page, "losses", "--accent")).toBe(0);
  await page.locator("#set-learning_rate").fill("0.002");
  await page.keyboard.press("Enter");
  // Three steps an epoch.
  await expect(curves(page)).toContainText("Changed during the run: epoch 1.33: Learning rate 0.002");
  await expect.poll(() => drawn(page, "losses", "--accent")).toBeGreaterThan(20);
});
