// For everybody: axe, the keyboard alone, a phone, reduced motion.
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { open, until } from "./page";

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing in the ${theme} theme`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await open(page, "epochs=3");
    await page.keyboard.press("Enter");
    await until(page, "the end", ({ finished }) => finished);
    await page.getByRole("button", { name: "More settings" }).click();
    await page.getByRole("button", { name: "Table", exact: true }).click();
    await complain(page);
    for (const view of ["Neighbourhoods", "Similarities", "Clusters"]) {
      await page.getByRole("tab", { name: view }).click();
      await expect(page.getByRole("tabpanel", { name: view })).toBeVisible();
      await page.waitForTimeout(1_000);
      await complain(page);
    }
  });
}

async function complain(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)).toEqual([]);
}

test("the keyboard alone trains, selects, searches and pauses", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Enter");
  await until(page, "training", ({ step }) => step > 1);
  await page.keyboard.press("Enter");
  await until(page, "a pause", ({ running }) => !running);
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.keyboard.type("cat");
  await page.getByTestId("plot").focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByTestId("selected")).toContainText("Nearest");
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("selected")).toContainText("Click a picture");
});

test("on a phone nothing sticks out and the embedding comes first", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page);
  await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(360);
  const top = async (name: string): Promise<number> => (await page.getByRole("region", { name, exact: true }).boundingBox())!.y;
  expect(await top("The shared space")).toBeLessThan(await top("Search"));
  expect(await top("Search")).toBeLessThan(await top("Settings"));
  // Train is in reach without scrolling.
  const button = await page.getByRole("button", { name: "Train", exact: true }).boundingBox();
  expect(button!.y + button!.height).toBeLessThanOrEqual(740);
});

test("every evaluation is said to a screen reader", async ({ page }) => {
  await open(page, "epochs=3&eval_every=1");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: /Recall at one: image to text [\d.]+ per cent/ })).toHaveCount(1);
});
