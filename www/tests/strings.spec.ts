// The page in five languages: the files hold the same, and the switch leads from one to another.
import { expect, test } from "@playwright/test";
import { readFileSync } from "node:fs";
import { open, until } from "./page";

const LANGUAGES = ["en", "de", "fr", "es", "zh"] as const;
type Json = string | Json[] | { [key: string]: Json };

const text = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const strings = (language: string): Record<string, Json> => JSON.parse(text(`../strings/${language}.json`)) as Record<string, Json>;

/** Every string of a file by its place, such as `article.sections.2.0`; an empty list or group has a place too. */
function places(value: Json, at = ""): [string, string][] {
  if (typeof value === "string") return [[at, value]];
  const inner = Object.entries(value);
  return inner.length === 0 ? [[at, ""]] : inner.flatMap(([key, part]) => places(part, at ? `${at}.${key}` : key));
}
const placeholders = (template: string): string[] => [...new Set(template.match(/\{\w+\}/g))].sort();

for (const language of LANGUAGES) {
  test(`${language}.json has every sentence of the English file, with the same placeholders`, () => {
    const english = new Map(places(strings("en")));
    const found = places(strings(language));
    expect(found.map(([place]) => place).sort()).toEqual([...english.keys()].sort());
    for (const [place, sentence] of found) {
      expect(sentence.trim(), `${place} is empty`).not.toBe("");
      expect(placeholders(sentence), place).toEqual(placeholders(english.get(place)!));
    }
  });
}

test("what English says twice it says alike: the title in index.html, and the presets in the engine", () => {
  const english = new Map(places(strings("en")));
  expect(text("../index.html")).toContain(`<title>${english.get("title")}</title>`);
  const engine = text("../../src/presets.rs");
  for (const [place, sentence] of english) if (place.startsWith("settings.presets.")) expect(engine, place).toContain(`"${sentence}"`);
});

test("the address chooses the language, the switch changes it, and the choice is kept", async ({ page }) => {
  const say = (language: string): string => (strings(language)["transport"] as { train: string }).train;
  const html = page.locator("html");
  await open(page, "lang=de");
  await expect(html).toHaveAttribute("lang", "de");
  await expect(page).toHaveTitle(String(strings("de")["title"]));
  await expect(page.getByRole("button", { name: say("de"), exact: true })).toBeVisible();
  await expect(page.getByRole("alert")).toBeEmpty();
  expect(page.url()).toContain("lang=de");

  await page.getByRole("combobox", { name: String(strings("de")["language"]), exact: true }).selectOption({ label: "Français" });
  await expect(html).toHaveAttribute("lang", "fr");
  await until(page, "a run stands", ({ phase }) => phase !== "loading");
  await expect(page.getByRole("button", { name: say("fr"), exact: true })).toBeVisible();
  expect(page.url()).toContain("lang=fr");

  // Without a word in the address: as chosen before.
  await open(page);
  await expect(html).toHaveAttribute("lang", "fr");
  await open(page, "lang=xx");
  await expect(page.getByRole("alert")).toContainText("lang=xx");
});

test("on a phone nothing sticks out in any language", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const language of LANGUAGES) {
    await open(page, `lang=${language}`);
    await expect(page.locator("html")).toHaveAttribute("lang", language);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), language).toBeLessThanOrEqual(360);
  }
});
