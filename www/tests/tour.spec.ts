// The tour: every view of a trained run, photographed. docs/tour.md shows the pictures; `SITE_URL=… OUT=../docs/tour npx
// playwright test tests/tour.spec.ts` makes them anew, and every run of the tests makes them into its results.
import { expect, test } from "@playwright/test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { VIEWS } from "../src/state/url";
import { open, train, until } from "./page";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));

test("every view can be seen, and the tour shows it", async ({ page }, info) => {
  const out = process.env.OUT ?? info.outputPath("tour");
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.setViewportSize({ width: 1360, height: 860 });
  await open(page, "seed=1&epochs=24&show=both");
  expect(page.url()).toContain("show=both");
  await until(page, "the twin stands", ({ twin }) => twin.ready);
  await train(page);
  // One step is taken apart before the run is over.
  await until(page, "half of the run", ({ step, total }) => step > total / 2);
  await page.getByRole("button", { name: "Pause" }).click();
  await until(page, "a pause", ({ running }) => !running);
  await page.getByRole("tab", { name: "One step" }).click();
  await page.getByTestId("iteration").getByRole("button", { name: "Pulls" }).click();
  await expect(page.getByTestId("pulls").locator("line.arrow").first()).toBeAttached();
  await page.screenshot({ path: `${out}/iteration.jpg`, type: "jpeg", quality: 84 });
  await page.getByRole("button", { name: "Go on" }).click();
  const done = await until(page, "the end of both", ({ finished, step, twin }) => finished && twin.step === step);
  expect(done.metrics!["mr"]).toBeGreaterThan(0);
  await page.getByTestId("found-images").locator("button").first().click();
  for (const view of VIEWS) {
    if (view === "iteration") continue;
    await page.locator(`#tab-${view}`).click();
    await expect(page.locator(`#tab-${view}`)).toHaveAttribute("aria-selected", "true");
    // What is drawn on a canvas says nowhere that it is there.
    await page.waitForTimeout(2_500);
    await page.screenshot({ path: `${out}/${view}.jpg`, type: "jpeg", quality: 84 });
  }
  const tour = readFileSync(`${docs}tour.md`, "utf8");
  for (const view of VIEWS) {
    expect(statSync(`${out}/${view}.jpg`).size, `${view} is not an empty page`).toBeGreaterThan(40_000);
    expect(tour, `docs/tour.md shows ${view}`).toContain(`tour/${view}.jpg`);
    expect(existsSync(`${docs}tour/${view}.jpg`), `docs/tour/${view}.jpg`).toBe(true);
  }
});
