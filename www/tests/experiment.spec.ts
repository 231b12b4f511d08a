// Experiments: a run as a file that goes on elsewhere, is kept, opened by link, and harms nothing where it is broken.
import { expect, test, type Browser, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import { readFileSync } from "node:fs";
import { dialog, FAST, give, set, zip } from "./files";
import { found, open, state, train, until, watch } from "./page";

/** A browser that has never seen the page. */
async function elsewhere(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ serviceWorkers: "block" });
  return context.newPage();
}
const experiments = async (page: Page): Promise<void> => page.getByRole("button", { name: "Experiment", exact: true }).click();

async function saved(page: Page): Promise<{ name: string; bytes: Buffer }> {
  if (!(await page.getByRole("dialog", { name: "Experiments" }).isVisible())) await experiments(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as a file" }).click()]);
  await expect(page.getByRole("dialog").getByRole("status")).toContainText("Saved: ");
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

async function choose(page: Page, name: string, buffer: Buffer): Promise<void> {
  if (!(await page.getByRole("dialog", { name: "Experiments" }).isVisible())) await experiments(page);
  await page.getByLabel("Choose a file").setInputFiles({ name, mimeType: "application/octet-stream", buffer });
}

/** Drops a file onto the page, as a hand would. */
async function drop(page: Page, name: string, bytes: Buffer): Promise<void> {
  const data = await page.evaluateHandle(([name, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(text!), (c) => c.charCodeAt(0))], name!));
    return transfer;
  }, [name, bytes.toString("base64")]);
  await page.dispatchEvent("body", "drop", { dataTransfer: data });
}

test("a run saved in the middle opens in another browser as it stood, and trains on to the same end", async ({ page, browser }) => {
  await open(page, `${FAST}&data=shapes&epochs=2&seed=5&q=blue+ring`);
  for (let n = 1; n <= 3; n++) {
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await until(page, "a step", ({ step, running }) => step === n && !running);
  }
  const stopped = await state(page);
  await page.getByRole("tab", { name: "Similarities" }).click();
  const file = await saved(page);
  expect(file.name).toMatch(/^mtls-lab_shapes_retrieval_seed-5_step-\d+\.mtls$/);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Go on", exact: true }).click();
  const end = await until(page, "its own end", ({ finished }) => finished);

  const other = await elsewhere(browser);
  const watched = watch(other);
  await open(other);
  await drop(other, file.name, file.bytes);
  await expect(other.getByRole("alert")).toContainText(`is open, at step ${stopped.step}`);
  const there = await state(other);
  expect({ step: there.step, losses: there.losses, config: there.config }).toEqual({ step: stopped.step, losses: stopped.losses, config: stopped.config });
  // The view, the query and the address came along.
  await expect(other.getByRole("tab", { name: "Similarities" })).toHaveAttribute("aria-selected", "true");
  await expect(other.getByRole("searchbox")).toHaveValue("blue ring");
  expect(other.url()).toMatch(/data=shapes.*seed=5/);
  await other.getByRole("button", { name: "Go on", exact: true }).click();
  const same = await until(other, "the end elsewhere", ({ finished }) => finished);
  expect(same.losses).toEqual(end.losses);
  expect(same.metrics).toEqual(end.metrics);
  expect(watched.errors).toEqual([]);
  // It survives a reload there.
  await until(other, "the end is stored", ({ step, savedStep }) => savedStep === step);
  await other.reload();
  await expect.poll(() => other.evaluate(() => "__lab" in window)).toBe(true);
  await until(other, "back after the reload", ({ finished }) => finished);
  await other.context().close();
});

test("own pictures go along, or stay: then the file opens only where they are", async ({ page, browser }) => {
  await open(page, FAST);
  await dialog(page);
  await give(page, set(48));
  await page.getByRole("textbox", { name: "Captions of 3.png" }).fill("a zebra crossing");
  await page.getByRole("textbox", { name: "Captions of 4.png" }).focus();
  await page.getByRole("button", { name: /Learn from these/ }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await until(page, "a run on own data", ({ phase }) => phase === "ready");
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  const whole = await saved(page);
  await page.getByLabel(/With your pictures/).uncheck();
  const bare = await saved(page);
  expect(bare.bytes.length).toBeLessThan(whole.bytes.length);

  const other = await elsewhere(browser);
  const watched = watch(other);
  await open(other, FAST);
  await choose(other, bare.name, bare.bytes);
  await expect(other.getByRole("dialog").getByRole("alert")).toContainText("neither in the file nor in this browser");
  await choose(other, whole.name, whole.bytes);
  await expect(other.getByRole("dialog")).toHaveCount(0);
  await until(other, "the run elsewhere", ({ finished }) => finished);
  await other.getByRole("searchbox").fill("zebra");
  await expect.poll(async () => (await found(other, "texts"))[0]).toBe("a zebra crossing");
  // Now the data are here, and the bare file opens.
  await choose(other, bare.name, bare.bytes);
  await expect(other.getByRole("alert")).toContainText("is open");
  expect(watched.errors).toEqual([]);
  expect(watched.outside).toEqual([]);
  await other.context().close();
});

test("kept experiments survive a reload, are opened and deleted, and everything can be forgotten", async ({ page }) => {
  await open(page, `${FAST}&epochs=1`);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await experiments(page);
  await page.getByRole("button", { name: "Keep in this browser" }).click();
  const list = page.getByRole("list", { name: "Kept in this browser" });
  await expect(list.getByRole("listitem")).toHaveCount(1);
  await expect(page.getByText(/^What this page|Used: /).last()).toContainText("Used: ");
  await nothingFound(page);
  await page.goto("?data=shapes&preset=retrieval");
  await expect.poll(() => page.evaluate(() => "__lab" in window)).toBe(true);
  await until(page, "another run", ({ phase, step }) => phase === "ready" && step === 0);
  await experiments(page);
  await list.getByRole("button", { name: /^Open / }).click();
  await until(page, "the kept run", ({ finished }) => finished);
  await expect(page.getByRole("alert")).toContainText("is open");
  await experiments(page);
  await list.getByRole("button", { name: /^Delete / }).click();
  await expect(page.getByText("Nothing yet.")).toBeVisible();
  await page.getByRole("button", { name: "Keep in this browser" }).click();
  await expect(list.getByRole("listitem")).toHaveCount(1);
  await page.getByRole("button", { name: "Delete everything" }).click();
  await page.getByRole("button", { name: /for good/ }).click();
  await page.waitForURL((url) => url.search === "" || /data=emoji-1k/.test(url.search));
  await expect.poll(() => page.evaluate(() => "__lab" in window)).toBe(true);
  const fresh = await until(page, "a fresh run", ({ phase }) => phase === "ready");
  expect([fresh.step, fresh.finished]).toEqual([0, false]);
  await experiments(page);
  await expect(page.getByText("Nothing yet.")).toBeVisible();
});

test("a link opens an experiment of the same host, and of no other", async ({ page, browser }) => {
  await open(page, `${FAST}&epochs=1&seed=9`);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  const { bytes } = await saved(page);
  const other = await elsewhere(browser);
  const watched = watch(other);
  await other.route("**/lessons/first.mtls", (route) => route.fulfill({ body: bytes, contentType: "application/octet-stream" }));
  await open(other, "experiment=lessons/first.mtls");
  const there = await until(other, "the run of the link", ({ finished }) => finished);
  expect(there.config?.seed).toBe(9);
  await open(other, "experiment=https://example.com/x.mtls");
  await expect(other.getByRole("alert")).toContainText("not from https://example.com");
  await open(other, "experiment=nothing.mtls");
  await expect(other.getByRole("alert")).toContainText("404");
  expect(watched.outside).toEqual([]);
  await other.context().close();
});

test("what is cut off, changed or foreign gets one sentence, and the run goes on", async ({ page }) => {
  const watched = watch(page);
  await open(page, `${FAST}&epochs=2000`);
  await train(page);
  await until(page, "under way", ({ step }) => step > 3);
  const { bytes } = await saved(page);
  const changed = Buffer.from(bytes);
  changed[bytes.indexOf("run.safetensors") + 5_000]! ^= 1;
  const json = (header: object): Buffer => zip([{ name: "experiment.json", mimeType: "", buffer: Buffer.from(JSON.stringify(header)) }]);
  const cases: [Buffer, RegExp][] = [
    [bytes.subarray(0, 10), /cut off/],
    [bytes.subarray(0, bytes.length / 2), /cut off/],
    [changed, /damaged/],
    [Buffer.from("hello"), /cannot be read as a zip/],
    [Buffer.alloc(0), /cannot be read as a zip/],
    [zip(set(4)), /no experiment of MTLS Lab/],
    [json({ format: "mtls-lab-experiment", version: 9 }), /version 9/],
    [json({ format: "other", version: 1 }), /no experiment/],
  ];
  for (const [broken, sentence] of cases) {
    await choose(page, "broken.mtls", broken);
    const said = page.getByRole("dialog").getByRole("alert");
    await expect(said).toHaveText(sentence);
    await expect(said).not.toHaveText(/panicked|unreachable|RuntimeError/);
  }
  await page.keyboard.press("Escape");
  const { step } = await state(page);
  await until(page, "the run went on", (now) => now.step > step && now.running);
  expect(watched.errors).toEqual([]);
});
