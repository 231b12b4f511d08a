// Screenshots of the page for the README: `SITE_URL=… npm run screenshots` writes docs/screenshot-*.png. Run by
// Playwright like the tests, because Node reads no TypeScript by itself before version 22.
import { test } from "@playwright/test";
import { fileURLToPath } from "node:url";
import { open, train, until } from "./page";

const out = process.env.OUT ?? fileURLToPath(new URL("../../docs", import.meta.url));
const sizes = { desktop: { width: 1360, height: 860 }, phone: { width: 390, height: 844 } };

for (const [name, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`${name}, ${colorScheme}`, async ({ browser, baseURL }) => {
      const page = await browser.newPage({ ...(baseURL ? { baseURL } : {}), viewport, colorScheme, reducedMotion: "reduce", deviceScaleFactor: name === "phone" ? 2 : 1 });
      await open(page);
      await train(page);
      await until(page, "the end", ({ finished }) => finished);
      await page.getByTestId("found-images").locator("button").first().click();
      await page.waitForTimeout(1500);
      await page.screenshot({ path: `${out}/screenshot-${name}-${colorScheme}.png` });
      await page.close();
    });
  }
}
