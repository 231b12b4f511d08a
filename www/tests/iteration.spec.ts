// One step taken apart: its numbers are those of the step that is made afterwards.
import { expect, test } from "@playwright/test";
import { open, state, until } from "./page";

test("the next step is taken apart, part by part, and comes to the same loss", async ({ page }) => {
  await open(page, "view=iteration&epochs=4&seed=2");
  const view = page.getByTestId("iteration");
  await expect(view.getByText(/\d+ pairs are drawn from the training part/)).toBeVisible();
  await expect(view.locator("tbody tr")).toHaveCount(8);

  // The keyboard goes through all parts, and each shows its numbers.
  await view.getByRole("button", { name: "Batch" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(view.getByRole("button", { name: "Features" })).toBeFocused();
  await expect(view.getByRole("img", { name: "256 numbers of the picture" })).toHaveCount(8);
  await page.keyboard.press("ArrowRight");
  await expect(view.getByRole("img", { name: "256 numbers of the text" })).toHaveCount(8);
  await page.keyboard.press("ArrowRight");
  const cells = view.locator("tbody td:not(.rank)");
  await expect(cells).toHaveCount(64);
  const own = (await view.locator("td.own").allTextContents()).map(Number);
  const ranks = (await view.locator("td.rank").allTextContents()).map(Number);
  // A pair that ranks first has the best score of its row.
  const table = (await cells.allTextContents()).map(Number);
  ranks.forEach((rank, i) => {
    if (rank === 1) expect(own[i]).toBeGreaterThanOrEqual(Math.max(...table.slice(8 * i, 8 * i + 8)));
  });

  await view.getByRole("button", { name: "Loss" }).click();
  const total = Number((await view.locator("tfoot td b").textContent())!);
  await view.getByRole("button", { name: "Pulls" }).click();
  await expect(view.getByTestId("pulls").locator("line.arrow.retrieval").first()).toBeAttached();
  expect(await view.getByTestId("pulls").locator("line.arrow.transfer_v").count()).toBeGreaterThan(0);
  await view.getByLabel(/text → image/).uncheck();
  await expect(view.getByTestId("pulls").locator("line.arrow.transfer_v")).toHaveCount(0);
  await view.getByRole("button", { name: "Update" }).click();
  await expect(view.getByText(/Movement drawn [\d,]+ times/)).toBeVisible();

  expect((await state(page)).step).toBe(0);
  await view.getByRole("button", { name: "Take this step" }).click();
  const made = await until(page, "one step", ({ step }) => step === 1);
  expect(made.losses[0]!.total).toBeCloseTo(total, 2);
  await expect(view.getByText("Step 2.")).toBeVisible();

  // A run in motion is left alone, and one that is over says so.
  await page.getByRole("button", { name: "Go on" }).click();
  await until(page, "the end", ({ finished }) => finished);
  await expect(view.getByText("The run is over")).toBeVisible();
});
