// The main job as a newcomer does it: open, train, watch, search both ways, come back.
import { expect, test } from "@playwright/test";
import { readFileSync } from "node:fs";
import { found, open, state, train, until, watch, workers } from "./page";

const FRUIT = /apple|cherries|strawberry|tomato|grapes|watermelon|peach|tangerine|mango|melon|pear|kiwi|lemon|pineapple|banana|blueberries|hot pepper|orange|lychee|lime/i;

test("the first screen says what to do, loads little, and asks nobody else", async ({ page }) => {
  const watched = watch(page);
  await open(page);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("share one space");
  await expect(page.getByRole("button", { name: "Train", exact: true })).toBeFocused();
  await expect(page.getByRole("searchbox")).toHaveValue("red fruit");
  await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
  // One bundle for the CPU (the threaded one where there are processors for it) and the first style; no other style, no encoder.
  expect(watched.requests.filter((url) => /bundles\/(gpu|files)|twemoji|openmoji|fluent|encoder|-b\./.test(url))).toEqual([]);
  const engines = watched.requests.flatMap((url) => /bundles\/(\w+)\/.*\.wasm/.exec(url)?.[1] ?? []);
  expect([...new Set(engines)]).toEqual([await page.evaluate(() => (navigator.hardwareConcurrency > 1 ? "threads" : "cpu"))]);
  expect(watched.outside).toEqual([]);
  expect(watched.errors).toEqual([]);
  await expect(page.getByText(/MTLS Lab \d+\.\d+\.\d+, \w+/)).toBeAttached();
});

test("training finds held-out pairs, words find pictures, a picture finds words, and a reload loses nothing", async ({ page }) => {
  const watched = watch(page);
  const before = await open(page);
  // The state before the first step is measured too, so that the curve has a beginning.
  const start = await until(page, "step 0 is measured", ({ evaluations }) => evaluations === 1);
  expect(before.step).toBe(0);
  await train(page);
  const first = await until(page, "a held-out R@1 after training began", ({ evaluations, step }) => evaluations >= 2 && step > 0);
  expect(first.metrics!["i2t_r1"]).toBeGreaterThan(0);
  await expect(page.getByTestId("recall")).toContainText(/image → text\s*\d/);
  await expect(page.getByTestId("losses")).toContainText(/retrieval\s*\d/);
  // The work is the worker's: the page itself holds no engine.
  expect(workers(page).length).toBe(1);

  await page.getByRole("button", { name: "Pause" }).click();
  const paused = await until(page, "pausing", ({ running, pausing }) => !running && !pausing);
  await page.getByRole("button", { name: "Step", exact: true }).click();
  await until(page, "one step", ({ step }) => step === paused.step + 1);
  await page.getByRole("button", { name: "Go on" }).click();
  const done = await until(page, "the end of the run", ({ finished }) => finished, 400_000);
  expect(done.step).toBe(done.total);
  expect(done.metrics!["mr"]).toBeGreaterThan(15);
  expect(done.losses.at(-1)!.total).toBeLessThan(done.losses[0]!.total);
  expect(start.metrics!["gallery"]).toBe(done.metrics!["gallery"]);

  // Words find pictures.
  await page.getByRole("searchbox").fill("red fruit");
  await expect.poll(async () => (await found(page, "images")).filter((title) => FRUIT.test(title)).length).toBeGreaterThanOrEqual(5);
  // A picture of one's own finds words: an apple in a style this run has never seen (Twemoji's, from packs/emoji: CC-BY-4.0).
  await page.setInputFiles("input[type=file]", { name: "photo.png", mimeType: "image/png", buffer: readFileSync(new URL("./apple.png", import.meta.url)) });
  await expect(page.getByText("what resembles photo.png")).toBeVisible({ timeout: 120_000 });
  await expect.poll(async () => (await found(page, "texts")).some((title) => FRUIT.test(title))).toBe(true);
  expect((await found(page, "texts")).join()).toMatch(/apple|tomato|cherries|pear/i);
  await page.getByRole("button", { name: "Search by words again" }).click();

  // A click on a picture: the texts nearest to it.
  await page.getByTestId("found-images").locator("button").first().click();
  await expect(page.getByTestId("selected")).toContainText("Nearest texts");

  // Clusters with their agreement.
  await page.getByRole("combobox", { name: "Colour", exact: true }).selectOption("cluster");
  await expect(page.getByTestId("key")).toContainText(/AMI 0\.\d{3}/);

  await until(page, "the end is stored", ({ step, savedStep }) => savedStep === step);
  await page.reload();
  const back = await until(page, "the run is back", ({ phase, step }) => phase === "ready" && step > 0);
  expect(back.step).toBe(done.total);
  expect(back.losses).toEqual(done.losses);
  expect(watched.outside).toEqual([]);
  expect(watched.errors).toEqual([]);
});

test("reset goes back to step 0 with the same start", async ({ page }) => {
  await open(page, "epochs=4&seed=5");
  await train(page);
  const first = await until(page, "the end", ({ finished }) => finished);
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  const reset = await until(page, "step 0", ({ step, finished }) => step === 0 && !finished);
  expect(reset.losses).toEqual([]);
  await train(page);
  const second = await until(page, "the end again", ({ finished }) => finished);
  expect(second.losses).toEqual(first.losses);
});

test("Emoji-4 loads its four styles and credits each where its pictures are seen", async ({ page }) => {
  await open(page);
  await page.getByLabel("Data", { exact: true }).selectOption("emoji-4");
  await expect(page.getByText("1,249 pairs to learn from, 313 held out")).toBeVisible({ timeout: 120_000 });
  expect(page.url()).toContain("data=emoji-4");
  const credits = page.getByTestId("credits");
  for (const licence of ["Apache-2.0", "CC-BY-4.0", "CC-BY-SA-4.0", "MIT"]) await expect(credits).toContainText(licence);
  for (const author of ["Google", "Twitter", "OpenMoji", "Microsoft"]) await expect(credits).toContainText(author);
  await train(page);
  await until(page, "steps", ({ step }) => step > 3);
  expect((await state(page)).device).toBe("cpu");
});
