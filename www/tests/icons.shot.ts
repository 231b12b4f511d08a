// Draws the icons of the installed page from icon.svg, into www/public. `cargo xtask test` does not run this: `npm run screenshots icons`.
import { test } from "@playwright/test";
import { readFileSync } from "node:fs";

const PUBLIC = new URL("../public/", import.meta.url);
const svg = readFileSync(new URL("icon.svg", PUBLIC), "utf8");
const ground = /<rect[^>]*fill="(#\w+)"/.exec(svg)![1]!;

for (const side of [192, 512]) {
  for (const maskable of [false, true]) {
    test(`icon of ${side} pixels${maskable ? ", maskable" : ""}`, async ({ page }) => {
      await page.setViewportSize({ width: side, height: side });
      // A mask may cut away everything outside a circle of four fifths; the ground fills the rest.
      const share = maskable ? 80 : 100;
      await page.setContent(`<body style="margin:0;display:grid;place-items:center;height:100vh;background:${maskable ? ground : "transparent"}"><img width="${share}%" src="data:image/svg+xml,${encodeURIComponent(svg)}"></body>`);
      await page.locator("img").evaluate((image: HTMLImageElement) => image.decode());
      await page.screenshot({ path: new URL(`icon-${maskable ? "maskable-" : ""}${side}.png`, PUBLIC).pathname, omitBackground: true });
    });
  }
}
