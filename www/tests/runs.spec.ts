// Runs: recorded and compared, any two side by side, and the comparison of objectives.
import { expect, test, type Locator, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import { readFileSync } from "node:fs";
import { open, state, stored, train, until, watch, workers } from "./page";

const SHORT = "epochs=4&eval_every=2";

/** Whether the store holds a run with these very settings that came to its end. */
async function written(): Promise<boolean> {
  const open = indexedDB.open("mtls-lab-records");
  const db = await new Promise<IDBDatabase>((resolve) => (open.onsuccess = () => resolve(open.result)));
  const all = db.transaction("runs").objectStore("runs").getAll() as IDBRequest<{ config: unknown; step: number; total: number }[]>;
  const records = await new Promise<typeof all.result>((resolve) => (all.onsuccess = () => resolve(all.result)));
  db.close();
  const { config } = window.__lab.state();
  return records.some((record) => record.step === record.total && JSON.stringify(record.config) === JSON.stringify(config));
}

async function trained(page: Page, parameters: string): Promise<Record<string, number | null>> {
  await open(page, parameters);
  await train(page);
  const { metrics } = await until(page, `the end of ${parameters}`, ({ finished }) => finished);
  await expect.poll(() => page.evaluate(written), { message: "its record is stored" }).toBe(true);
  return metrics!;
}
const rows = (page: Page): Locator => page.getByTestId("runs").locator("tbody tr");
/** The row whose run has this name. */
const named = (page: Page, name: string | RegExp): Locator => rows(page).filter({ has: page.getByRole("button", { name, exact: true }) });

async function download(page: Page, button: string): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button, exact: true }).click()]);
  return readFileSync(await file.path(), "utf8");
}
/** Rows by column; good enough for files without quoted commas. */
function columns(csv: string): Record<string, string>[] {
  const [head, ...lines] = csv.trimEnd().split("\r\n").map((line) => line.split(","));
  return lines.map((line) => Object.fromEntries(line.map((cell, n) => [head![n]!, cell])));
}

test("runs are listed with what they came to, named, kept, laid over the curves, exported, deleted and trained again", async ({ page }) => {
  const watched = watch(page);
  const first = await trained(page, `seed=3&${SHORT}`);
  const second = await trained(page, `seed=4&${SHORT}&lambda_v=0&view=runs`);
  await expect(rows(page)).toHaveCount(2);
  const [own, other] = [rows(page).filter({ hasText: "this run" }), rows(page).filter({ hasText: "≠" })];
  await expect(own).toHaveAttribute("aria-current", "true");
  await expect(other).toContainText("≠ λ text→image 3 · Seed 3");
  // The values are the runs' own, and the difference is that of the two.
  const cell = (row: Locator): Promise<string> => row.locator("td").nth(3).innerText();
  const by = first["i2t_r1"]! - second["i2t_r1"]!;
  expect((await cell(own)).trim()).toBe(second["i2t_r1"]!.toFixed(1));
  expect((await cell(other)).split(/\s+/)).toEqual([first["i2t_r1"]!.toFixed(1), Math.abs(by) < 0.05 ? "±0.0" : `${by > 0 ? "+" : "−"}${Math.abs(by).toFixed(1)}`]);

  // A name, by keyboard; Escape leaves it alone.
  const name = other.locator("th button");
  await name.press("Enter");
  await page.keyboard.type("not this");
  await page.keyboard.press("Escape");
  await expect(name).toBeFocused();
  await name.press("Enter");
  await page.keyboard.type("The first one");
  await page.keyboard.press("Enter");
  await expect(named(page, "The first one")).toHaveCount(1);
  await page.getByRole("button", { name: "Keep The first one" }).click();
  await page.getByRole("checkbox", { name: "Lay The first one over the curves" }).check();
  expect((await page.evaluate(() => window.__lab.state())).overlaid).toEqual(["The first one"]);

  // Sorted, and said so.
  const head = page.getByRole("columnheader", { name: "R@1 i→t" });
  await head.getByRole("button").click();
  await expect(head).toHaveAttribute("aria-sort", "descending");
  const values = (await rows(page).locator("td:nth-child(5)").allInnerTexts()).map((text) => Number(text.split(/\s/)[0]));
  expect(values).toEqual([...values].sort((a, b) => b - a));

  // The file holds every metric in full.
  const listed = columns(await download(page, "CSV"));
  const row = listed.find(({ name: called }) => called === "The first one")!;
  expect(Number(row["i2t_r1"])).toBe(first["i2t_r1"]);
  expect(Number(row["order_agreement"])).toBe(first["order_agreement"]);
  expect([row["seed"], row["device"], row["step"]]).toEqual(["3", "cpu", row["steps"]]);
  const json = JSON.parse(await download(page, "JSON")) as { name: string; evaluations: unknown[] }[];
  expect(json.find(({ name: called }) => called === "The first one")!.evaluations).toHaveLength(3);

  // All of it is there after a reload.
  await page.reload();
  await until(page, "the page is back", ({ phase }) => phase === "ready");
  await expect(rows(page)).toHaveCount(2);
  await expect(page.getByRole("button", { name: "Keep The first one" })).toHaveAttribute("aria-pressed", "true");

  await page.getByRole("button", { name: "Delete The first one" }).click();
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(rows(page)).toHaveCount(2);

  // The same run again: no third row.
  await page.getByRole("link", { name: "Train The first one again" }).click();
  await expect(page).toHaveURL(/seed=3/);
  const again = await until(page, "trained again", ({ finished, step }) => finished && step > 0);
  expect(again.metrics!["mr"]).toBe(first["mr"]);
  await expect(named(page, "The first one")).toHaveAttribute("aria-current", "true");
  await expect(rows(page)).toHaveCount(2);
  expect(watched.errors).toEqual([]);
});

test("settings changed on the way are part of the record, and the oldest runs make room unless they are kept", async ({ page }) => {
  await open(page, `seed=3&${SHORT}&view=runs`);
  await page.getByRole("button", { name: "Step", exact: true }).click();
  await until(page, "a step", ({ step }) => step === 1);
  await page.getByRole("textbox", { name: "λ text→image" }).fill("0.5");
  await page.keyboard.press("Tab");
  await until(page, "the change", ({ retuned }) => retuned.length === 1);
  await page.getByRole("button", { name: "Go on" }).click();
  await until(page, "the end", ({ finished }) => finished);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("from step 1 on λ text→image 0.5");
  await expect.poll(() => page.evaluate(written)).toBe(true);

  // As many as are kept, older than this one, each of another seed; the oldest is kept by hand.
  await page.evaluate(async () => {
    const open = indexedDB.open("mtls-lab-records");
    const db = await new Promise<IDBDatabase>((resolve) => (open.onsuccess = () => resolve(open.result)));
    const store = db.transaction("runs", "readwrite").objectStore("runs");
    const all = store.getAll() as IDBRequest<{ id: string; began: { seed: number } }[]>;
    const [one] = await new Promise<typeof all.result>((resolve) => (all.onsuccess = () => resolve(all.result)));
    for (let n = 0; n < 59; n++) store.put({ ...one, id: `old-${n}`, name: `Old ${n}`, began: { ...one!.began, seed: 1000 + n }, date: 1e12 + n, pinned: n === 0 }, `old-${n}`);
    await new Promise((resolve) => (store.transaction.oncomplete = resolve));
    db.close();
  });
  await trained(page, `seed=5&${SHORT}&view=runs`);
  await expect(rows(page)).toHaveCount(60);
  await expect(named(page, "Old 0")).toHaveCount(1);
  await expect(named(page, "Old 1")).toHaveCount(0);
  await expect(named(page, "Old 2")).toHaveCount(1);
  await expect(page.getByText("Dropped to make room: 1.")).toBeVisible();
});

test("any two configurations side by side: what is beside the run is, step for step, a run of its own", async ({ page }) => {
  await open(page, `seed=5&${SHORT}&view=runs`);
  const beside = page.getByLabel("Beside it");
  // An objective with batches of its own sees the run's.
  await beside.selectOption("objective:order/linear");
  await expect(page.getByTestId("beside")).toContainText("Batch 256 as here, instead of 128.");
  await beside.selectOption("objective:vse++/linear");
  await until(page, "it stands", ({ twin }) => twin.ready);
  await expect(page.getByRole("button", { name: "vse++/linear" })).toBeVisible();
  expect(page.url()).toContain("beside=objective");
  await train(page);
  await until(page, "both at the end", ({ finished, step, twin }) => finished && twin.step === step && step > 0);
  await expect(rows(page)).toHaveCount(2);
  const partner = (await state(page)).twin.metrics!;
  const link = await rows(page).filter({ hasText: "≠" }).getByRole("link").getAttribute("href");
  expect(link).toContain("seed=5");
  const alone = await trained(page, link!.slice(1));
  for (const metric of ["mr", "i2t_r1", "ami_image", "order_agreement"]) expect(alone[metric], metric).toBe(partner[metric]);

  // A recorded run beside another one; the link says so.
  await open(page, `preset=retrieval&seed=5&${SHORT}&view=runs`);
  const recorded = page.getByLabel("Beside it").locator("option[value^='run:']").first();
  await page.getByLabel("Beside it").selectOption(await recorded.getAttribute("value"));
  await until(page, "it stands", ({ twin }) => twin.ready);
  await page.reload();
  await until(page, "it stands again", ({ twin }) => twin.ready);
  await expect(page.getByLabel("Beside it")).toHaveValue(/^run:/);
  // What does not exist is named.
  await open(page, "beside=preset:nonsense");
  await expect(page.getByRole("alert")).toContainText("beside=preset:nonsense");
});

test("the comparison of objectives comes to what runs by hand come to, survives a reload, and can be cancelled", async ({ page }) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const [one, two] = [await trained(page, "seed=1&epochs=4"), await trained(page, "seed=2&epochs=4&view=runs")];
  await page.getByRole("button", { name: "Comparison of objectives" }).click();
  await page.getByRole("spinbutton", { name: "Seeds" }).fill("2");
  await page.getByRole("spinbutton", { name: "Epochs" }).fill("4");
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: "MTLS and its twin, 2 seeds" }).click();
  const table = page.getByTestId("comparison");
  await expect(page.getByRole("button", { name: "MTLS and its twin, 2 seeds ✓" })).toBeEnabled({ timeout: 120_000 });
  await expect(table.locator("tbody tr")).toHaveCount(3);

  const mean = (one["i2t_r1"]! + two["i2t_r1"]!) / 2;
  const deviation = Math.abs(one["i2t_r1"]! - two["i2t_r1"]!) / Math.SQRT2;
  const csv = columns(await download(page, "CSV"));
  expect(csv.map(({ objective, seeds }) => [objective, seeds])).toEqual([["cca", "1 2"], ["mtls", "1 2"], ["twin", "1 2"]]);
  const [, mtls, twin] = csv as [Record<string, string>, Record<string, string>, Record<string, string>];
  expect(Number(mtls["i2t_r1_mean"])).toBeCloseTo(mean, 10);
  expect(Number(mtls["i2t_r1_sd"])).toBeCloseTo(deviation, 10);
  expect(Number(mtls["ami_image_mean"])).toBeCloseTo((one["ami_image"]! + two["ami_image"]!) / 2, 10);
  expect(Number(mtls["i2t_r1_to_twin"])).toBeCloseTo(Number(mtls["i2t_r1_mean"]) / Number(twin["i2t_r1_mean"]), 10);
  await expect(table.locator("tbody tr").nth(1)).toContainText(`${mean.toFixed(1)} ± ${deviation.toFixed(1)}`);
  const cells = (JSON.parse(await download(page, "JSON")) as { cells: { objective: string; seed: number; metrics: Record<string, number> }[] }).cells;
  await page.getByRole("button", { name: "Copy as LaTeX" }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/\\toprule[\s\S]*mtls & 2 &[\s\S]*\\bottomrule/);

  // Forgotten by mistake.
  await page.getByRole("button", { name: "Forget all results" }).click();
  await expect(table).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(table.locator("tbody tr")).toHaveCount(3);

  // Cancelled: what is finished stays, and what is cancelled has no row.
  await page.getByRole("button", { name: /^All \d+ objectives, 2 seeds/ }).click();
  await expect(table.locator("tbody tr")).not.toHaveCount(3);
  await page.getByRole("button", { name: "Cancel" }).click();
  const kept = await table.locator("tbody tr").count();
  // What was finished just before is still being written.
  await stored(page, "mtls-lab-comparison", "cells");
  await page.reload();
  await until(page, "the page is back", ({ phase }) => phase === "ready");
  await page.getByRole("button", { name: "Comparison of objectives" }).click();
  await page.getByRole("spinbutton", { name: "Epochs" }).fill("4");
  await page.keyboard.press("Tab");
  await expect(table.locator("tbody tr")).toHaveCount(kept);
  expect(workers(page).length).toBe(1);

  // The twin's cell is a run without transfer.
  const alone = await trained(page, "preset=retrieval&seed=2&epochs=4");
  expect(cells.find(({ objective, seed }) => objective === "twin" && seed === 2)!.metrics["mr"]).toBe(alone["mr"]);
});

test("axe finds nothing in the view of runs, and nothing sticks out on a phone", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.setViewportSize({ width: 360, height: 740 });
  await trained(page, "seed=1&epochs=2&eval_every=1&beside=twin&view=runs");
  await expect(rows(page)).toHaveCount(2);
  await rows(page).getByRole("checkbox").and(page.locator(":enabled")).check();
  await nothingFound(page);
  await page.getByRole("button", { name: "Comparison of objectives" }).click();
  await page.getByRole("spinbutton", { name: "Epochs" }).fill("1");
  await page.getByRole("spinbutton", { name: "Seeds" }).fill("1");
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: "Choose…" }).click();
  await page.getByRole("button", { name: "MTLS and its twin, 1 seed" }).click();
  await expect(page.getByTestId("comparison").locator("tbody tr")).toHaveCount(3);
  await nothingFound(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

