// For everybody: axe, the keyboard alone, every size of screen, a screen reader.
import { expect, test, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import { VIEWS } from "../src/state/url";
import { atRest, open, until } from "./page";

test("axe finds nothing in a step taken apart", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page, "epochs=3");
  // The whole page once, then what each part adds.
  await page.getByRole("tab", { name: "One step" }).click();
  const iteration = page.getByTestId("iteration");
  await expect(iteration.getByRole("table")).toBeVisible();
  await nothingFound(page);
  const parts = iteration.getByRole("list").first().getByRole("button");
  for (let part = 1; part < (await parts.count()); part++) {
    await parts.nth(part).click();
    await expect(parts.nth(part)).toHaveAttribute("aria-current", "step");
    await nothingFound(page, "#stage");
  }
});

test("axe finds nothing in the other views", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page, "epochs=3");
  await page.keyboard.press("Enter");
  await until(page, "the end", ({ finished }) => finished);
  await page.getByRole("button", { name: "More settings" }).click();
  await page.getByRole("button", { name: "Table", exact: true }).click();
  await nothingFound(page);
  for (const view of ["Neighbourhoods", "Similarities", "Runs", "Clusters"]) {
    await page.getByRole("tab", { name: view }).click();
    await expect(page.getByRole("tabpanel", { name: view })).toBeVisible();
    await page.waitForTimeout(1_000);
    await nothingFound(page, "#stage");
  }
  await page.getByRole("button", { name: "HDBSCAN" }).click();
  await expect(page.getByTestId("noise")).toBeVisible();
  await nothingFound(page, "#stage");
  // A group is shown in the space, picked out.
  await page.getByTestId("clusters").getByRole("heading", { level: 2 }).first().getByRole("button").click();
  await expect(page.getByTestId("lassoed")).toBeVisible();
  await nothingFound(page);
});

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

const SIZES = [[360, 740], [390, 844], [768, 1024], [1360, 860], [1920, 1080], [3840, 2160]] as const;

test("from a phone to a very large screen nothing sticks out, in any view", async ({ page }) => {
  await open(page, "epochs=1");
  for (const view of VIEWS) {
    await page.locator(`#tab-${view}`).click();
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      // As wide as the window, and on a large screen as high too: what is longer scrolls within its panel.
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth), { message: `${view}, ${width} px` }).toBe(width);
      if (width > 820) expect((await page.locator(".status").boundingBox())!.y, `${view}, ${height} px`).toBeLessThan(height);
      const outside = await page.evaluate(() => [...document.querySelectorAll("header > *, .transport > *, .bar > *, .tools > *, .timeline > *, .settings *, .search > *")]
        .filter((one) => !one.closest(".unseen, [popover]") && !one.classList.contains("unseen") && getComputedStyle(one).visibility !== "hidden")
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1)
        .map((one) => one.outerHTML.slice(0, 120)));
      expect(outside, `${view}, ${width} px`).toEqual([]);
    }
  }
});

test("on a phone the embedding comes first, and the key stands below the points", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page);
  await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
  const top = async (name: string): Promise<number> => (await page.getByRole("region", { name, exact: true }).boundingBox())!.y;
  expect(await top("The shared space")).toBeLessThan(await top("Search"));
  expect(await top("Search")).toBeLessThan(await top("Settings"));
  // Train is in reach without scrolling.
  const button = await page.getByRole("button", { name: "Train", exact: true }).boundingBox();
  expect(button!.y + button!.height).toBeLessThanOrEqual(740);
  await page.setViewportSize({ width: 390, height: 844 });
  const lowest = async (): Promise<number> => {
    const { screen } = (await page.evaluate(() => window.__lab.plot()))!;
    return (await page.getByTestId("plot").boundingBox())!.y + Math.max(...screen.filter((_, i) => i % 2 === 1));
  };
  const key = async (): Promise<number> => (await page.getByTestId("key").boundingBox())!.y;
  expect((await page.getByTestId("key").boundingBox())!.height, "a key of several lines").toBeGreaterThan(30);
  await expect.poll(async () => (await key()) - (await lowest())).toBeGreaterThan(6);
  // Both: each half is as large as a plot.
  await page.getByRole("button", { name: "Both", exact: true }).click();
  for (const plot of ["plot", "plot-twin"]) await expect.poll(async () => (await page.getByTestId(plot).boundingBox())!.height, { message: plot }).toBeGreaterThan(270);
  await expect.poll(async () => (await key()) - (await lowest())).toBeGreaterThan(6);
});

test("a very large screen shows what a usual one shows, larger", async ({ page }) => {
  await page.setViewportSize({ width: 1920, height: 1080 });
  await open(page);
  await expect(page.getByTestId("found-images").locator("button")).toHaveCount(12);
  const sizes = async (): Promise<number[]> => {
    const of = (selector: string): Promise<number> => page.locator(selector).first().evaluate((one) => one.getBoundingClientRect().height);
    const root = await page.evaluate(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
    return [root, await of(".settings label"), await of(".thumb"), await of(".u-axis"), await of(".timeline"), await of("header")];
  };
  const usual = await atRest("the page", sizes);
  await page.setViewportSize({ width: 3840, height: 2160 });
  // Twice as large, to a tenth.
  await expect.poll(async () => (await sizes()).map((size, n) => Math.round(10 * (size / usual[n]!)))).toEqual(usual.map(() => 20));
  // Lower than it is wide: its lines are needed for what is shown.
  await page.setViewportSize({ width: 3840, height: 1000 });
  await expect.poll(async () => (await sizes())[0]).toBe(usual[0]);
});

test("on a laptop's screen the whole left column is in sight", async ({ page }) => {
  await open(page);
  await expect(page.getByTestId("device")).toBeVisible();
  const hidden = await page.getByRole("region", { name: "Settings" }).evaluate((column) => column.scrollHeight - column.clientHeight);
  expect(hidden).toBeLessThanOrEqual(0);
});

test("every evaluation is said to a screen reader", async ({ page }) => {
  await open(page, "epochs=3&eval_every=1");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: /Recall at one: image to text [\d.]+ per cent/ })).toHaveCount(1);
});
