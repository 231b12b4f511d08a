// The space: which points, as what, in which colours, where; and what can be picked out of it.
import { expect, test, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import type { PlotState } from "../src/main";
import { atRest, open, state, train, until, watch, workers } from "./page";

async function resting(page: Page): Promise<PlotState> {
  await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
  return atRest("the plot", () => page.evaluate(() => window.__lab.plot()));
}
const pick = (page: Page, label: string, option: string): Promise<unknown> => page.getByLabel(label, { exact: true }).selectOption({ label: option });
const column = (values: number[], axis: 0 | 1, from = 0, to = values.length / 2): number[] => Array.from({ length: to - from }, (_, i) => values[2 * (from + i) + axis]!);
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
function deviation(values: number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}
function correlation(a: number[], b: number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  return mean(a.map((value, i) => (value - ma) * (b[i]! - mb))) / (deviation(a) * deviation(b));
}
/** The point of these that is farthest from every other one, inside the plot's middle. */
function loneliest(screen: number[], box: { width: number; height: number }, from: number, to: number): { at: number; x: number; y: number } {
  let best = { at: -1, x: 0, y: 0, room: 0 };
  for (let i = from; i < to; i++) {
    const [x, y] = [screen[2 * i]!, screen[2 * i + 1]!];
    if (x < 20 || y < 60 || x > box.width - 20 || y > box.height - 70) continue;
    let room = Infinity;
    for (let j = 0; j < screen.length / 2; j++) if (j !== i) room = Math.min(room, Math.hypot(screen[2 * j]! - x, screen[2 * j + 1]! - y));
    if (room > best.room) best = { at: i, x, y, room };
  }
  expect(best.room).toBeGreaterThan(7);
  return best;
}
const boxOf = async (page: Page): Promise<{ x: number; y: number; width: number; height: number }> => (await page.getByTestId("plot").boundingBox())!;
/** Colour of one pixel of the page. */
async function pixel(page: Page, x: number, y: number): Promise<number[]> {
  const png = (await page.screenshot({ clip: { x: Math.round(x), y: Math.round(y), width: 1, height: 1 } })).toString("base64");
  return page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))]));
    const context = new OffscreenCanvas(1, 1).getContext("2d")!;
    context.drawImage(bitmap, 0, 0);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  }, png);
}
const noWebgl = (page: Page): Promise<unknown> => page.addInitScript(() => {
  const context = HTMLCanvasElement.prototype.getContext as (this: HTMLCanvasElement, kind: string, ...rest: unknown[]) => unknown;
  HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, ...rest: unknown[]) {
    return kind.startsWith("webgl") ? null : context.call(this, kind, ...rest);
  } as typeof HTMLCanvasElement.prototype.getContext;
});
const lassoed = (page: Page): Promise<string[]> => page.getByTestId("lassoed").locator("li button > span:last-child").allTextContents();

test.use({ reducedMotion: "reduce" });

test("pictures, texts or both: what is not drawn cannot be pointed at", async ({ page }) => {
  await open(page, "epochs=3&draw=dots");
  const box = await boxOf(page);
  const { screen } = await resting(page);
  const n = screen.length / 4;
  const picture = loneliest(screen, box, 0, n);
  const text = loneliest(screen, box, n, 2 * n);
  const tip = async (at: { x: number; y: number }): Promise<string> => {
    await page.mouse.move(box.x + at.x - 30, box.y + at.y - 30);
    await page.mouse.move(box.x + at.x, box.y + at.y, { steps: 3 });
    // deck.gl hears of it in its next frame: after two of them no tip means that there is none.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    return (await page.getByTestId("tip").allTextContents()).join();
  };
  await expect.poll(() => tip(picture)).toContain("picture");
  await expect.poll(() => tip(text)).toContain("text");
  await pick(page, "Which points", "Only pictures");
  await expect.poll(() => tip(picture)).toContain("picture");
  await expect.poll(() => tip(text)).toBe("");
  await pick(page, "Which points", "Only texts");
  // In this order: a tip shows that texts are drawn again.
  await expect.poll(() => tip(text)).toContain("text");
  await expect.poll(() => tip(picture)).toBe("");
  // Arrow keys move among what is drawn.
  await page.getByTestId("plot").focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByTestId("selected")).toContainText("Nearest");
});

test("pictures by zoom: where there is room, without overlap, more of them closer up", async ({ page }) => {
  await open(page);
  const look = async (): Promise<{ all: number; drawn: number[]; seen: number; screen: number[] }> => {
    const box = await boxOf(page);
    const { screen, detail } = await resting(page);
    const inside = (i: number): boolean => screen[2 * i]! > 0 && screen[2 * i + 1]! > 0 && screen[2 * i]! < box.width && screen[2 * i + 1]! < box.height;
    const drawn = detail.flatMap((part, i) => (part > 0.5 && inside(i) ? [i] : []));
    return { all: detail.length, drawn, seen: detail.filter((_, i) => inside(i)).length, screen };
  };
  const far = await look();
  expect(far.drawn.length).toBeGreaterThan(5);
  expect(far.drawn.length).toBeLessThan(far.all / 2);
  let tooClose = 0;
  for (const a of far.drawn) for (const b of far.drawn) if (a < b && Math.max(Math.abs(far.screen[2 * a]! - far.screen[2 * b]!), Math.abs(far.screen[2 * a + 1]! - far.screen[2 * b + 1]!)) < 14) tooClose++;
  expect(tooClose).toBe(0);
  await page.getByTestId("plot").focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press("+");
  // Points are where they will be at once; which of them are pictures is chosen with the next one that is drawn.
  await expect.poll(async () => {
    const near = await look();
    return near.drawn.length / near.seen;
  }).toBeGreaterThan(1.5 * (far.drawn.length / far.seen));
  await pick(page, "Pictures as", "All as pictures");
  await expect.poll(async () => (await resting(page)).detail.every((part) => part === 1)).toBe(true);
  await pick(page, "Pictures as", "All as dots");
  await expect.poll(async () => (await resting(page)).detail.every((part) => part === 0)).toBe(true);
});

test("colours change, and the legend says the values", async ({ page }) => {
  await open(page, "epochs=3&draw=dots");
  const key = page.getByTestId("key");
  const box = await boxOf(page);
  const { screen } = await resting(page);
  const lone = loneliest(screen, box, 0, screen.length / 4);
  const shade = (): Promise<number[]> => pixel(page, box.x + lone.x, box.y + lone.y);
  const near = (a: number[], b: number[]): boolean => a.every((channel, i) => Math.abs(channel - b[i]!) < 30);
  await expect(key).toContainText("smileys-emotion");
  const labels = await shade();
  await pick(page, "Colour", "Colour: modality");
  // The blue of pictures, wherever they are on the page.
  await expect.poll(async () => near(await shade(), [38, 98, 196])).toBe(true);
  await expect(key).not.toContainText("smileys-emotion");

  await pick(page, "Colour", "Colour: partner’s rank");
  const { image_rank, text_rank, score } = await page.evaluate(() => window.__lab.pairs());
  const counted = (ranks: number[]): string[] => [[1, 1], [2, 5], [6, 10], [11, 50], [51, Infinity]].map(([from, to]) => ranks.filter((rank) => rank >= from! && rank <= to!).length.toLocaleString("en"));
  const counts = key.locator(".count");
  await expect(counts).toHaveText(counted([...image_rank, ...text_rank]));
  await pick(page, "Which points", "Only pictures");
  await expect(counts).toHaveText(counted(image_rank));
  // Ranks are of the pairs: with scores of 1 among as many pairs as there are items.
  expect(Math.max(...image_rank)).toBeLessThanOrEqual(score.length);
  expect(near(await shade(), labels) && near(await shade(), [38, 98, 196])).toBe(false);

  await pick(page, "Colour", "Colour: pair distance");
  await expect(key).toContainText(`∅ ${(1 - mean(score)).toFixed(2)}`);
  for (const tick of ["0.25", "0.75", "1 +"]) await expect(key).toContainText(tick);
  await pick(page, "Colour", "Colour: clusters");
  await expect(key.getByText(/AMI 0\.\d{3}/)).toBeVisible();
  await expect(key.getByRole("listitem")).toHaveCount(6);
  await key.getByLabel("Number of clusters").fill("9");
  await expect(key.getByRole("listitem")).toHaveCount(9);
});

test("the lasso takes what it encloses and keeps it while it moves; V takes what is in view; Escape lets go", async ({ page }) => {
  await open(page, "epochs=3&draw=dots&points=image");
  const titles = await page.evaluate(() => window.__lab.titles());
  const inside = (screen: number[], n: number, left: number, top: number, right: number, bottom: number, margin: number): string[] =>
    Array.from({ length: n }, (_, i) => i).filter((i) => screen[2 * i]! > left + margin && screen[2 * i]! < right - margin && screen[2 * i + 1]! > top + margin && screen[2 * i + 1]! < bottom - margin).map((i) => titles[i]!);
  const box = await boxOf(page);
  const { screen } = await resting(page);
  const n = screen.length / 4;
  // A rectangle around a corner of the cloud, so that the list shows all of it.
  const [xs, ys] = [column(screen, 0, 0, n).sort((a, b) => a - b), column(screen, 1, 0, n).sort((a, b) => a - b)];
  const [left, right, top, bottom] = [Math.round(xs[0]! - 8), Math.round(xs[Math.floor(n * 0.3)]!), Math.round(ys[0]! - 8), Math.round(ys[Math.floor(n * 0.3)]!)];
  const draw = async (): Promise<void> => {
    const corners = [[left, top], [right, top], [right, bottom], [left, bottom]] as const;
    await page.mouse.move(box.x + left, box.y + top);
    await page.mouse.down();
    for (const [x, y] of [...corners.slice(1), corners[0]]) await page.mouse.move(box.x + x, box.y + y, { steps: 4 });
    await page.mouse.up();
  };
  await page.getByRole("button", { name: "Lasso" }).click();
  await draw();
  const panel = page.getByTestId("lassoed");
  await expect(panel).toBeVisible();
  const found = await lassoed(page);
  expect(found.length).toBeGreaterThan(3);
  expect(found.length).toBeLessThan(120);
  // Whatever lies on the line itself may go either way.
  for (const title of inside(screen, n, left, top, right, bottom, 1.5)) expect(found).toContain(title);
  for (const title of found) expect(inside(screen, n, left, top, right, bottom, -1.5)).toContain(title);
  await expect(panel).toContainText(`${found.length} items: ${found.length} pictures, 0 texts`);
  const counts = (await panel.locator(".counts .soft").allTextContents()).map(Number);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(found.length);
  // The plot itself has not moved under the lasso.
  expect((await resting(page)).screen).toEqual(screen);

  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  expect((await resting(page)).screen).not.toEqual(screen);
  expect(await lassoed(page)).toEqual(found);
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();

  await page.keyboard.down("Shift");
  await draw();
  await page.keyboard.up("Shift");
  await expect(panel).toBeVisible();
  await panel.getByRole("button", { name: "Clear" }).click();
  await expect(panel).toBeHidden();
  // Without a pointer: zoom in, move, take what is seen.
  await page.getByTestId("plot").focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press("+");
  await page.keyboard.press("v");
  const closer = await resting(page);
  // Again, what lies on the edge of the plot itself may go either way.
  const seen = (margin: number): string[] => inside(closer.screen, n, 0, 0, box.width, box.height, margin);
  await expect(panel).toContainText(/\d+ items: \d+ pictures, 0 texts/);
  const count = Number(/(\d+) items: \1 pictures, 0 texts/.exec((await panel.textContent())!)![1]);
  expect(count).toBeGreaterThanOrEqual(seen(1.5).length);
  expect(count).toBeLessThanOrEqual(seen(-1.5).length);
  expect(count).toBeLessThan(n);
  const near = seen(-1.5);
  expect((await lassoed(page)).every((title) => near.includes(title))).toBe(true);
});

test("in three dimensions the keyboard turns the cloud, in two it moves it", async ({ page }) => {
  await open(page, "draw=dots");
  const plot = page.getByTestId("plot");
  /** How differently the points have moved to the right: 0 for a shift. */
  const shift = async (): Promise<{ by: number; unlike: number }> => {
    const before = (await resting(page)).screen;
    await plot.focus();
    await page.keyboard.press("Shift+ArrowRight");
    const after = (await resting(page)).screen;
    const moved = column(after, 0).map((x, i) => x - before[2 * i]!);
    return { by: mean(moved), unlike: deviation(moved) };
  };
  const flat = await shift();
  expect(Math.abs(flat.by)).toBeGreaterThan(20);
  expect(flat.unlike).toBeLessThan(0.1);
  await page.getByRole("button", { name: "3-D" }).click();
  await expect(plot).toHaveAttribute("data-dims", "3");
  expect(page.url()).toContain("dims=3");
  expect((await shift()).unlike).toBeGreaterThan(2);
  // The third axis is a real one: seen from the side, points that were one behind the other part.
  await page.getByRole("button", { name: "2-D" }).click();
  await expect(plot).toHaveAttribute("data-dims", "2");
  expect((await shift()).unlike).toBeLessThan(0.1);
});

test("UMAP begins where the points stand, follows on request, and can be stopped", async ({ page }) => {
  const watched = watch(page);
  await open(page, "epochs=2&draw=dots");
  await train(page);
  // The last projection is handed out before the snapshot.
  const { step } = await until(page, "the end, stored", ({ finished, savedStep, step: at }) => finished && savedStep === at);
  const before = (await resting(page)).screen;
  const layout = page.getByTestId("layout");
  await pick(page, "Layout", "UMAP");
  await expect(layout).toHaveAttribute("data-stage", "moving");
  await expect(layout).toHaveAttribute("data-stage", "done", { timeout: 120_000 });
  await expect(layout).toContainText(`UMAP of step ${step} `);
  const after = (await resting(page)).screen;
  // From random places both would be near 0.
  expect(correlation(column(before, 0), column(after, 0))).toBeGreaterThan(0.5);
  expect(correlation(column(before, 1), column(after, 1))).toBeGreaterThan(0.5);
  expect(mean(after.map((value, i) => Math.abs(value - before[i]!)))).toBeGreaterThan(5);
  await expect.poll(() => workers(page).length).toBe(1);

  // Anew, from where it is: it moves less.
  await layout.getByRole("button", { name: "Refresh" }).click();
  await expect(layout).not.toHaveAttribute("data-stage", "done");
  await expect(layout).toHaveAttribute("data-stage", "done");
  const again = (await resting(page)).screen;
  expect(correlation(column(after, 0), column(again, 0))).toBeGreaterThan(0.9);

  await pick(page, "Layout", "t-SNE");
  await expect(layout).toHaveAttribute("data-stage", "moving");
  await layout.getByRole("button", { name: "Stop" }).click();
  await expect(layout).toHaveAttribute("data-stage", "stopped");
  await expect(layout).toContainText(/t-SNE, stopped at \d+ %/);
  await expect.poll(() => workers(page).length).toBe(1);
  expect(page.url()).toContain("layout=tsne");
  // Back to the projection, which is where it was.
  await pick(page, "Layout", "PCA");
  const back = (await resting(page)).screen;
  expect(Math.max(...back.map((value, i) => Math.abs(value - before[i]!)))).toBeLessThan(3);
  await expect(layout).toBeHidden();

  // A run that begins anew has not come to what was laid out.
  await pick(page, "Layout", "UMAP");
  await expect(layout).toHaveAttribute("data-stage", "moving");
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  await until(page, "step 0", ({ step, finished }) => step === 0 && !finished);
  await expect(page.getByLabel("Layout", { exact: true })).toHaveValue("pca");
  expect(watched.errors).toEqual([]);
  expect(watched.outside).toEqual([]);
});

test("a link restores how the space is looked at, and says what it does not know", async ({ page }) => {
  const link = "colour=rank&points=image&draw=dots&layout=umap&dims=3&lines=on&near=on&item=5";
  await open(page, link);
  await expect(page.getByTestId("layout")).toHaveAttribute("data-stage", "done", { timeout: 120_000 });
  for (const [label, value] of [["Colour", "rank"], ["Which points", "image"], ["Pictures as", "dots"], ["Layout", "umap"]] as const) await expect(page.getByLabel(label, { exact: true })).toHaveValue(value);
  await expect(page.getByTestId("plot")).toHaveAttribute("data-dims", "3");
  await page.getByRole("button", { name: "More", exact: true }).click();
  await expect(page.getByLabel("Lines between all pairs")).toBeChecked();
  await expect(page.getByLabel(/Lines to the nearest neighbours/)).toBeChecked();
  await page.keyboard.press("Escape");
  for (const part of link.split("&")) expect(page.url()).toContain(part);
  // Back to the defaults: nothing is left in the address.
  for (const [label, option] of [["Colour", "Colour: labels"], ["Which points", "Pictures and texts"], ["Pictures as", "Pictures by zoom"], ["Layout", "PCA"]] as const) await pick(page, label, option);
  for (const part of ["colour", "points", "draw", "layout"]) expect(page.url()).not.toContain(`${part}=`);
  await open(page, "colour=mauve&dims=4");
  await expect(page.getByRole("alert")).toContainText("colour=mauve, dims=4");
});

test("nearest neighbours of the selected picture are drawn, in both modalities", async ({ page }) => {
  await open(page, "draw=dots&item=40");
  await resting(page);
  // Zoom is towards the selected one.
  await page.getByTestId("plot").focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press("+");
  const clip = await boxOf(page);
  await page.getByRole("button", { name: "More", exact: true }).click();
  const box = page.getByLabel(/Lines to the nearest neighbours/);
  const shot = async (): Promise<number> => {
    const png = (await page.screenshot({ clip: { ...clip, width: clip.width - 340 } })).toString("base64");
    return page.evaluate(async (bytes) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))]));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
      context.drawImage(bitmap, 0, 0);
      const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
      let orange = 0;
      // The orange of lines to texts; no label has it.
      for (let i = 0; i < data.length; i += 4) if (Math.abs(data[i]! - 204) < 16 && Math.abs(data[i + 1]! - 112) < 22 && Math.abs(data[i + 2]! - 40) < 26) orange++;
      return orange;
    }, png);
  };
  const without = await atRest("the picture", shot);
  await box.check();
  await expect.poll(shot).toBeGreaterThan(without + 30);
  await box.uncheck();
  await expect.poll(shot).toBeLessThan(without + 20);
});

test("without WebGL2 everything is there but the third dimension", async ({ page }) => {
  await noWebgl(page);
  await open(page, "dims=3&draw=dots&points=image&epochs=3");
  const plot = page.getByTestId("plot");
  const { screen } = await resting(page);
  await expect(plot).toHaveAttribute("data-dims", "2");
  await expect(page.getByRole("button", { name: "3-D" })).toBeDisabled();
  await page.getByRole("button", { name: "More", exact: true }).click();
  await expect(page.getByText("3-D needs WebGL2")).toBeVisible();
  await page.keyboard.press("Escape");
  // Zoom, lasso, colours, layout.
  await plot.focus();
  for (let i = 0; i < 4; i++) await page.keyboard.press("+");
  const closer = (await resting(page)).screen;
  expect(deviation(column(closer, 0))).toBeGreaterThan(2 * deviation(column(screen, 0)));
  await page.keyboard.press("v");
  await expect(page.getByTestId("lassoed")).toContainText(/\d+ items: \d+ pictures, 0 texts/);
  await pick(page, "Colour", "Colour: pair distance");
  await expect(page.getByTestId("key")).toContainText("∅");
  const box = await boxOf(page);
  await page.keyboard.press("0");
  await pick(page, "Layout", "UMAP");
  await expect(page.getByTestId("layout")).toHaveAttribute("data-stage", "done", { timeout: 120_000 });
  const laid = (await resting(page)).screen;
  const lone = loneliest(laid.slice(0, laid.length / 2), box, 0, laid.length / 4);
  await page.mouse.click(box.x + lone.x, box.y + lone.y);
  await expect(page.getByTestId("selected")).toContainText("Nearest");
});

test("the tools are one line on a desktop and behind More on a phone", async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await open(page);
  const tools = page.getByRole("group", { name: "How the space is drawn" });
  const boxes = await Promise.all((await tools.locator("select, button").all()).map((one) => one.boundingBox()));
  const middles = boxes.map((box) => box!.y + box!.height / 2);
  expect(Math.max(...middles) - Math.min(...middles)).toBeLessThan(4);
  const right = Math.max(...boxes.map((box) => box!.x + box!.width));
  expect(right).toBeLessThanOrEqual((await boxOf(page)).x + (await boxOf(page)).width);
  await page.setViewportSize({ width: 360, height: 740 });
  await expect(page.getByLabel("Layout", { exact: true })).toBeHidden();
  await tools.getByRole("button", { name: "More", exact: true }).click();
  await pick(page, "Which points", "Only texts");
  expect(page.url()).toContain("points=text");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test("axe finds nothing in the space", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page);
  await resting(page);
  await page.getByTestId("plot").focus();
  await page.keyboard.press("v");
  for (const colour of ["Colour: clusters", "Colour: modality", "Colour: pair distance", "Colour: partner’s rank"]) {
    await pick(page, "Colour", colour);
    await page.waitForTimeout(1_000);
    await page.getByRole("button", { name: "More", exact: true }).click();
    // The whole page once, then what a colour changes.
    await nothingFound(page, colour === "Colour: clusters" ? "html" : "#stage");
    await page.keyboard.press("Escape");
  }
  expect((await state(page)).phase).toBe("ready");
});
