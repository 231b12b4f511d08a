// What goes wrong, and what the page then says.
import { expect, test } from "@playwright/test";
import { open, state, train, until, watch } from "./page";

test("without SIMD one clear sentence, and no blank page", async ({ page }) => {
  await page.addInitScript(() => {
    WebAssembly.validate = () => false;
  });
  await page.goto("./");
  await expect(page.getByRole("alert")).toContainText("lacks SIMD");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
});

test("a truncated part of the pack is named, and trying again works", async ({ page }) => {
  let broken = true;
  await page.context().route(/noto-a\.safetensors/, async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    await route.fulfill({ response, body: broken ? body.subarray(0, body.length - 1000) : body, headers: { "content-type": "application/octet-stream" } });
  });
  await page.goto("./");
  await expect(page.getByRole("alert")).toContainText("noto-a");
  broken = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await until(page, "a run", ({ phase }) => phase === "ready");
});

test("what the address says and this version does not know is named, the rest is used", async ({ page }) => {
  await open(page, "lambda_v=0.5&epochs=nonsense&colour=blue");
  await expect(page.getByRole("alert")).toContainText("epochs=nonsense, colour");
  await expect(page.getByRole("textbox", { name: "λ text→image" })).toHaveValue("0.5");
});

test("a run that diverges says so and offers a lower rate", async ({ page }) => {
  await open(page, "preset=scratch&learning_rate=1&loss=hinge&clip=0&epochs=40&norm=none&temperature=0.01");
  await train(page);
  const ended = await until(page, "an end of some kind", ({ running, step }) => !running && step > 0);
  if (!ended.finished) {
    await expect(page.getByRole("alert")).toContainText("learning rate");
    await page.getByRole("button", { name: "Lower the learning rate and reset" }).click();
    await until(page, "a new start", ({ step }) => step === 0);
    expect(page.url()).toContain("learning_rate=0.1");
  }
});

test("a hidden tab trains on without drawing, and says so", async ({ page }) => {
  await open(page, "epochs=60");
  await train(page);
  await until(page, "steps", ({ step }) => step > 2);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  const hidden = (await state(page)).step;
  await until(page, "steps while hidden", ({ step, finished }) => step > hidden + 5 || finished);
  await expect(page.getByText("In a background tab")).toBeAttached();
});

test("a file that is no picture is refused in one sentence and the run goes on", async ({ page }) => {
  await open(page, "epochs=60");
  await train(page);
  await page.setInputFiles("input[type=file]", { name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await expect(page.getByText("not a picture this browser can read")).toBeVisible();
  await page.setInputFiles("input[type=file]", { name: "broken.png", mimeType: "image/png", buffer: Buffer.from("\x89PNG\r\n\x1a\nbroken") });
  await expect(page.getByText(/broken\.png/).first()).toBeVisible({ timeout: 120_000 });
  const { step } = await state(page);
  await until(page, "training goes on", (now) => now.step > step || now.finished);
});

test("text with markup stays text", async ({ page }) => {
  const watched = watch(page);
  await open(page, `q=${encodeURIComponent("<img src=x onerror=alert(1)>")}`);
  await expect(page.getByRole("searchbox")).toHaveValue("<img src=x onerror=alert(1)>");
  await until(page, "a run", ({ phase }) => phase === "ready");
  expect(await page.locator("img[src=x]").count()).toBe(0);
  expect(watched.errors).toEqual([]);
});
