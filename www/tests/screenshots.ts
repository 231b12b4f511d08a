// Screenshots of the page for the README: `SITE_URL=… npm run screenshots` writes docs/screenshot-*.png.
import { chromium } from "@playwright/test";
import { fileURLToPath } from "node:url";
import type { LabState } from "../src/main.ts";

const url = process.env.SITE_URL ?? "http://127.0.0.1:8080/";
const out = process.argv[2] ?? fileURLToPath(new URL("../../docs", import.meta.url));
const sizes = { desktop: { width: 1360, height: 860 }, phone: { width: 390, height: 844 } };

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless=new", "--no-sandbox", "--disable-background-networking", "--no-first-run"] });
for (const [name, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.newPage({ viewport, colorScheme, reducedMotion: "reduce", deviceScaleFactor: name === "phone" ? 2 : 1 });
    const until = (holds: (state: LabState) => boolean): Promise<unknown> =>
      page.waitForFunction(`(${holds.toString()})(window.__lab.state())`, undefined, { timeout: 300_000 });
    await page.goto(url);
    await until((state) => state.phase === "ready");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await until((state) => state.finished);
    await page.getByTestId("found-images").locator("button").first().click();
    await page.waitForTimeout(1500);
    await page.screenshot({ path: `${out}/screenshot-${name}-${colorScheme}.png` });
    await page.close();
  }
}
await browser.close();
