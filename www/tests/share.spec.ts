// A link carries the page as it is set up, without what its reader should not see; a frame fits a slide.
import { expect, test, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import { SETTING_BY_KEY } from "../src/state/settings";
import { PARTS, readAddress, VIEWS, withShell } from "../src/state/url";
import { open, state, TINY, train, until, watch } from "./page";

const field = (page: Page, name: string): Promise<string> => page.getByRole("textbox", { name, exact: true }).inputValue();

test("hide= and embed are read, and what they do not know is named", () => {
  const { hide, embed, unknown } = readAddress("?hide=lambda_v, search,nonsense,matrix&embed=yes&hide=data");
  expect([...hide]).toEqual(["lambda_v", "search", "matrix", "data"]);
  expect(embed).toBe(false);
  expect(unknown).toEqual(["hide=nonsense", "embed=yes"]);
  expect(readAddress("?embed").embed).toBe(true);
  expect(withShell("?v=1&hide=search&embed=1", ["data", "seed"], false)).toBe("?v=1&hide=data,seed");
  expect(withShell("?v=1&hide=search&q=a%26b", [], true)).toBe("?v=1&q=a%26b&embed=1");
  // One name hides one thing.
  const names = [...PARTS, ...VIEWS, ...SETTING_BY_KEY.keys()];
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test("hidden controls are gone, keep their values, and stay hidden in the address", async ({ page }) => {
  const watched = watch(page);
  await open(page, `${TINY}&hide=search,curves,learning_rate,matrix,preset,article,no_such_control&learning_rate=0.005&view=matrix`);
  await expect(page.getByRole("alert")).toContainText("hide=no_such_control");
  await expect(page.getByRole("searchbox")).toHaveCount(0);
  await expect(page.getByTestId("recall")).toHaveCount(0);
  await expect(page.getByLabel("Preset")).toHaveCount(0);
  await expect(page.getByLabel("Peak rate")).toHaveCount(0);
  await expect(page.locator("#set-learning_rate")).toHaveCount(0);
  await expect(page.locator("#set-batch")).toHaveValue("16");
  await expect(page.getByRole("tab")).toHaveText(["Space", "Neighbourhoods", "Clusters", "One step", "Runs"]);
  // The view of the link is hidden: the first that is not.
  await expect(page.getByRole("tab", { name: "Space" })).toHaveAttribute("aria-selected", "true");
  // Whose pictures these are stays said.
  await expect(page.getByTestId("credits")).toContainText("Apache-2.0");
  await expect(page.getByText("Two towers, one space")).toHaveCount(0);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await page.getByRole("tab", { name: "Clusters" }).click();
  const { search } = new URL(page.url());
  expect(search).toContain("learning_rate=0.005");
  expect(search).toContain("hide=search,curves,learning_rate,matrix,preset,article");
  expect(watched.errors).toEqual([]);
});

test("what Share copies restores data, settings, seed and view, with the chosen controls hidden", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, `${TINY}&view=neighbourhoods&item=7&lambda_v=0.3`);
  const button = page.getByRole("button", { name: "Share", exact: true });
  await button.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Share this page as it is set up" });
  await expect(dialog).toBeVisible();
  await dialog.getByRole("checkbox", { name: "Device" }).check();
  await dialog.getByText("Settings", { exact: true }).click();
  await dialog.getByRole("checkbox", { name: "Batch", exact: true }).check();
  await dialog.getByRole("button", { name: "Copy link" }).click();
  await expect(dialog.getByRole("status")).toHaveText("Copied.");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe(await field(page, "Link"));
  expect(copied).toContain("hide=device,batch");
  expect(copied).toMatch(/[?&]seed=\d+/);
  await dialog.getByRole("button", { name: "Copy HTML" }).click();
  const frame = await page.evaluate(() => navigator.clipboard.readText());
  expect(frame).toMatch(/^<iframe src="http[^"<>]+&amp;embed=1" title="[^"]+"/);
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(button).toBeFocused();

  await page.goto(copied);
  await until(page, "a run stands", ({ phase }) => phase === "ready");
  await expect(page.getByRole("tab", { name: "Neighbourhoods" })).toHaveAttribute("aria-selected", "true");
  await expect(page.locator("#set-lambda_v")).toHaveValue("0.3");
  await expect(page.locator("#set-batch")).toHaveCount(0);
  await expect(page.getByTestId("device")).toHaveCount(0);
  await expect(page.getByRole("alert")).toBeEmpty();
});

test("an embedded page fits a corner of a slide, trains, and leads to the lab", async ({ page }) => {
  const watched = watch(page);
  await page.setViewportSize({ width: 900, height: 700 });
  await open(page);
  // As a slide does: the page in a frame, of the size of a picture.
  const source = new URL(`?${TINY}&embed=1`, page.url()).href;
  await page.evaluate((source) => {
    const frame = document.createElement("iframe");
    Object.assign(frame, { src: source, width: "480", height: "270" });
    frame.style.border = "0";
    document.body.replaceChildren(frame);
  }, source);
  const inner = page.frameLocator("iframe");
  await expect(inner.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
  const size = await inner.locator("html").evaluate((html) => [html.scrollWidth, html.scrollHeight]);
  expect(size).toEqual([480, 270]);
  for (const gone of ["searchbox", "tab", "article"] as const) await expect(inner.getByRole(gone)).toHaveCount(0);
  // Nothing in the way of the page around it: its focus stays where it was.
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("BODY");
  const plot = (await inner.getByTestId("plot").boundingBox())!;
  expect(plot.height).toBeGreaterThan(190);
  await inner.getByRole("button", { name: "Train", exact: true }).click();
  await expect(inner.getByRole("button", { name: "Train again" })).toBeVisible();
  const out = inner.getByRole("link", { name: "Open in the lab" });
  const href = (await out.getAttribute("href"))!;
  expect(href).not.toContain("embed");
  expect(readAddress(href).values).toEqual(readAddress(`?${TINY}`).values);
  await expect(inner.getByRole("link", { name: /Noto/ })).toHaveAttribute("href", /#credits$/);
  expect(watched.errors).toEqual([]);

  // A slide begins at the beginning, also where a run was saved.
  await page.goto(source);
  await until(page, "a run stands", ({ phase }) => phase === "ready");
  expect((await state(page)).step).toBe(0);
});

test("axe finds nothing in the dialog, the embedded page and the reduced one", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page, TINY);
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await page.getByText("Settings", { exact: true }).last().click();
  await nothingFound(page);
  await open(page, `${TINY}&embed=1`);
  await nothingFound(page);
  await open(page, `${TINY}&hide=header,settings,device,tabs,article,status`);
  await nothingFound(page);
});
