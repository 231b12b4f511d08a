// The run that ships still loads and finds: when this fails, tests/trained.shot.ts makes it anew.
import { expect, test } from "@playwright/test";
import { readFileSync } from "node:fs";
import { found, open, until, watch } from "./page";

const about = JSON.parse(readFileSync(new URL("../public/trained/run.json", import.meta.url), "utf8")) as { step: number };

test("a trained run is there to be looked at, is loaded only when asked for, and training begins from step 0 after it", async ({ page }) => {
  const watched = watch(page);
  await open(page);
  expect(watched.requests.filter((url) => url.includes("/trained/"))).toEqual([]);
  await page.getByRole("button", { name: "Look at a trained run" }).click();
  const shown = await until(page, "it is shown", ({ step, finished }) => finished && step === about.step);
  // Transfer shows in the clusters, and the sentence says by how much.
  expect(shown.metrics!["ami_image"]).toBeGreaterThan(0.2);
  await expect(page.getByRole("alert")).toContainText(`AMI ${shown.metrics!["ami_image"]!.toFixed(2)}`);
  await page.getByRole("searchbox").fill("cat");
  await expect.poll(async () => (await found(page, "images")).filter((title) => /cat/i.test(title)).length).toBeGreaterThanOrEqual(3);
  await page.getByRole("button", { name: "Back to step 0" }).click();
  await until(page, "step 0", ({ step, finished }) => step === 0 && !finished);
  expect(watched.errors).toEqual([]);
});
