// Settings that change while a run stands: at once where the engine can take them up, said beside the control where not.
import { expect, test, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import { open, state, stored, TINY, train, until } from "./page";

const set = async (page: Page, key: string, value: string): Promise<void> => {
  await page.locator(`#set-${key}`).fill(value);
  await page.locator(`#set-${key}`).press("Tab");
};
const row = (page: Page, key: string): ReturnType<Page["locator"]> => page.locator(".row", { has: page.locator(`#set-${key}`) });

test("a rate changed on the way applies from the next step on, survives a reload, and a tower waits for a new run", async ({ page }) => {
  await open(page, TINY);
  for (let step = 1; step <= 6; step++) {
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await until(page, `step ${step}`, (at) => at.step === step && !at.running);
  }
  const before = await state(page);
  await set(page, "learning_rate", "0.02");
  await expect(row(page, "learning_rate")).toContainText(`Applies from step ${(before.step + 1).toLocaleString("en")} on.`);
  const after = await state(page);
  expect(after.retuned).toEqual([{ step: before.step, config: { train: { learning_rate: 0.02 } } }]);
  expect(after.config!.train["learning_rate"]).toBe(0.02);
  expect(after.losses).toEqual(before.losses);
  expect(page.url()).toContain("learning_rate=0.02");
  await expect(page.getByRole("button", { name: "Start over with them" })).toHaveCount(0);

  await page.locator("#set-tower").selectOption("linear");
  await expect(row(page, "tower")).toContainText("Needs a new run.");
  await expect(row(page, "learning_rate")).not.toContainText("Needs");
  await expect(page.getByRole("button", { name: "Start over with them" })).toBeVisible();
  // What can be taken up still is, beside what cannot.
  await set(page, "batch", "8");
  await set(page, "epochs", "2");
  await expect(row(page, "batch")).toContainText("Needs a new run.");
  await expect(row(page, "epochs")).toContainText("Applies from step");
  const shorter = await state(page);
  expect(shorter.total).toBe(before.total / 2);
  expect(shorter.config!.model["tower"]).toBe("mlp");
  await page.locator("#set-tower").selectOption("mlp");
  await set(page, "batch", "16");
  await expect(page.getByRole("button", { name: "Start over with them" })).toHaveCount(0);

  await nothingFound(page, ".settings");
  // The run as it goes on now; it was stored at the same step before.
  await expect.poll(async () => (await stored(page, "mtls-lab", "runs")).map(({ total }) => total)).toContain(shorter.total);
  await page.reload();
  const back = await until(page, "the run is back", ({ phase, step }) => phase === "ready" && step === before.step);
  expect(back.retuned).toEqual(shorter.retuned);
  expect(back.losses).toEqual(before.losses);
  await expect(row(page, "learning_rate")).toContainText("Applies from step");
  await expect(page.locator("#set-learning_rate")).toHaveValue("0.02");
  await page.getByRole("button", { name: "Go on" }).click();
  await until(page, "it goes on", ({ step }) => step > before.step + 2);
});

test("the twin takes a change at the same step", async ({ page }) => {
  // While nothing is transferred yet, run and twin compute the same: any difference would be one in their settings.
  await open(page, "tower=linear&epochs=12&eval_every=0&warmup_epochs=1000&show=both");
  await until(page, "both stand", ({ twin }) => twin.ready);
  const stepTo = async (step: number): Promise<void> => {
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await until(page, `step ${step}`, (at) => at.step === step && !at.running);
  };
  await stepTo(1);
  await stepTo(2);
  await set(page, "learning_rate", "0.05");
  await expect(row(page, "learning_rate")).toContainText("Applies from step 3 on.");
  await stepTo(3);
  await set(page, "lambda_v", "0.5");
  await expect(row(page, "lambda_v")).toContainText("Applies from step 4 on.");
  await page.getByRole("button", { name: "Go on" }).click();
  const done = await until(page, "the end of both", ({ finished, twin, total }) => finished && twin.step === total);
  expect(done.retuned).toEqual([{ step: 2, config: { train: { learning_rate: 0.05 } } }, { step: 3, config: { transfer: { lambda_v: 0.5 } } }]);
  expect(done.twin.losses).toEqual(done.losses);
  expect(done.losses.length).toBe(done.total);
  // A twin that is asked for later takes them on its way too.
  await page.evaluate(() => window.__lab.dismissTwin());
  await page.getByRole("button", { name: "Without", exact: true }).click();
  const later = await until(page, "the later twin is there", ({ twin, total }) => twin.ready && twin.step === total);
  expect(later.twin.losses).toEqual(done.losses);
});

test("a run that is over goes on with more epochs, and fewer than are done are refused with the reason", async ({ page }) => {
  await open(page, TINY);
  await train(page);
  const done = await until(page, "the end", ({ finished }) => finished);
  // On a run that is over a rate changes nothing: it is for the next one.
  await set(page, "learning_rate", "0.02");
  await expect(row(page, "learning_rate")).toContainText("Needs a new run.");
  expect((await state(page)).retuned).toEqual([]);
  await set(page, "epochs", "2");
  await expect(page.getByText(/2 epochs are over already/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Start over with them" })).toBeVisible();
  await set(page, "epochs", "6");
  await expect(page.getByRole("button", { name: "Go on" })).toBeVisible();
  await expect(row(page, "learning_rate")).toContainText("Applies from step");
  expect((await state(page)).total).toBe((done.total / 4) * 6);
  await page.getByRole("button", { name: "Go on" }).click();
  await until(page, "the later end", ({ finished, step }) => finished && step === (done.total / 4) * 6);
  // Begun anew it begins with what is on screen, and nothing has changed on its way.
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  const anew = await until(page, "a new run", ({ step }) => step === 0);
  expect(anew.retuned).toEqual([]);
  expect([anew.config!.train["learning_rate"], anew.config!.train["epochs"]]).toEqual([0.02, 6]);
});
