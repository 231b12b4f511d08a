// What axe complains of, in both themes.
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** What a theme can change. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** axe finds nothing in this part of the page, neither in the dark theme nor in the light one, in which the page stays. */
export async function nothingFound(page: Page, within = "html"): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    // Legacy: without frames, which the page has none of, and without a page of axe's own; half as long.
    const axe = new AxeBuilder({ page }).setLegacyMode(true).include(within);
    const { violations } = await (colorScheme === "dark" ? axe.withRules(COLOURS) : axe.withTags(TAGS)).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`), colorScheme).toEqual([]);
  }
}
