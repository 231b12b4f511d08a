// Search: where the hits stood before training, why they were found, words of other languages, the camera and a drawing.
import { expect, test, type Locator, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import { found, open, state, train, until, watch } from "./page";

const panel = (page: Page): Locator => page.getByRole("region", { name: "Search", exact: true });
const mode = (page: Page, name: string): Promise<void> => panel(page).getByRole("button", { name, exact: true }).click();
const titles = (list: Locator): Promise<string[]> => list.locator("li .title").allTextContents();

test("the hits stand beside those before training, and each says how far it came", async ({ page }) => {
  await open(page, "epochs=6");
  await expect.poll(async () => (await found(page, "images")).length).toBe(12);
  const [images, texts] = [await found(page, "images"), await found(page, "texts")];
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await mode(page, "Before training");
  const [now, before] = [page.getByTestId("before-images").locator("ol").first(), page.getByTestId("before-images").locator("ol").last()];
  await expect(page.getByTestId("before-images").locator("ol")).toHaveCount(2);
  // What the weights found before the first step is what is said of it afterwards.
  expect(await titles(before)).toEqual(images);
  expect(await titles(page.getByTestId("before-texts").locator("ol").last())).toEqual(texts);
  const after = await titles(now);
  expect(after).not.toEqual(images);
  // Every move, as the difference of its ranks.
  for (const [at, title] of after.entries()) {
    const was = images.indexOf(title);
    const entry = now.locator("li").nth(at);
    if (was === at) await expect(entry.locator(".won")).toHaveCount(0);
    else if (was >= 0) await expect(entry.locator(".won")).toHaveText(`${was > at ? "▲" : "▼"} ${Math.abs(was - at)}`);
    else await expect(entry).toContainText(/was at rank (1[3-9]|[2-9]\d|\d{3,4}) before training/);
  }
  await mode(page, "Hits");
  expect(await found(page, "images")).toEqual(after);
});

/** What the engine's worker says of its turns, and when the hits that follow the weights come. */
const TURNS = (): void => {
  const said: string[] = [];
  const patient = new Set<number>();
  const known = new WeakSet<Worker>();
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (this: Worker, message: { id: number; call?: string; args?: { patient?: boolean } | null }, ...rest: unknown[]) {
    if (message.call === "search" && message.args?.patient) patient.add(message.id);
    if (message.call === "hurry") said.push("hurry");
    if (message.call && !known.has(this)) {
      known.add(this);
      this.addEventListener("message", ({ data }: MessageEvent<{ type: string; id: number }>) => {
        if (data.type === "beat" || data.type === "projection") said.push(data.type);
        else if (data.type === "answer" && patient.has(data.id)) said.push("hits");
      });
    }
    (post as (...all: unknown[]) => void).call(this, message, ...rest);
  };
  Object.assign(window, { said });
};

test("while it trains, the hits come in one turn with the picture of the space, and typed words do not wait for it", async ({ page }) => {
  await page.addInitScript(TURNS);
  await open(page, "epochs=600");
  await train(page);
  await until(page, "some steps", ({ step }) => step >= 60);
  const said = (): Promise<string[]> => page.evaluate(() => (window as unknown as { said: string[] }).said);
  const all = await said();
  const during = all.slice(all.indexOf("beat"));
  const hits = during.flatMap((what, at) => (what === "hits" ? [during[at - 1]] : []));
  // Between two steps: the embeddings of the picture are there.
  expect(hits.filter((before) => before === "projection").length, during.join(" ")).toBeGreaterThan(hits.length / 2);
  // A word is typed while a patient question waits for its turn, or while none does: only the first has anything to hurry.
  let typed = 0;
  await expect.poll(async () => {
    const word = ["cat", "dog"][typed++ % 2]!;
    await panel(page).getByRole("searchbox").fill(word);
    await expect.poll(async () => (await found(page, "images"))[0]).toMatch(new RegExp(word, "i"));
    return typed < 2 ? [] : said();
  }, { intervals: [0] }).toContain("hurry");
  expect((await state(page)).finished).toBe(false);
});

test("a hit is explained by the neighbours and the words that it shares with the query", async ({ page }) => {
  await open(page, "epochs=6");
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await mode(page, "Why");
  const rows = page.getByTestId("why-images").locator("li");
  await expect(rows).toHaveCount(12);
  await expect(rows.first()).toContainText("Words in common:");
  const texts = await page.getByTestId("why-texts").locator("li b").allTextContents();
  const all = await rows.allTextContents();
  // What is near both is near the query: the first that is named stands in the list of texts (which shows eight of ten).
  const named = all.flatMap((text) => /Near the same texts: ([^,.]+)/.exec(text)?.slice(1) ?? []);
  expect(named.length).toBeGreaterThan(6);
  expect(named.filter((title) => texts.includes(title)).length).toBeGreaterThan(named.length / 2);
  const apple = rows.filter({ has: page.getByText("red apple", { exact: true }) });
  await expect(apple).toContainText("Words in common: red, fruit.");
  // By a picture the words are those of its own text.
  await apple.locator("button").click();
  await expect(panel(page).getByText("what resembles the picture “red apple”")).toBeVisible();
  await expect(page.getByTestId("why-images").locator("li").first()).toContainText(/Words in common: [^.]*fruit/);
});

test("words of the pack's other languages are looked up in it, openly", async ({ page }) => {
  const watched = watch(page);
  await open(page, "epochs=8");
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  const languages = (): string[] => watched.requests.filter((url) => /(de|es|fr|ja)-\w\.texts/.test(url));
  await page.getByRole("searchbox").fill("yellow fruit");
  await expect.poll(async () => (await found(page, "images")).join()).toMatch(/lemon|banana|melon/);
  expect(languages()).toEqual([]);

  const translated = page.getByTestId("translated");
  for (const [query, english, finds] of [["Hund", "dog", /dog/], ["roter Apfel", "red apple", /apple/], ["gato negro", "black cat", /cat/], ["りんご", "apple", /apple/], ["musique", "music", /music|guitar|violin|piano/]] as const) {
    await page.getByRole("searchbox").fill(query);
    await expect(translated).toContainText(`${query} → ${english}`);
    await expect.poll(async () => (await found(page, "images")).join()).toMatch(finds);
  }
  // Once each, and the block of this data set only.
  expect(languages().map((url) => url.split("/").at(-1)).sort()).toEqual(["de-a.texts", "es-a.texts", "fr-a.texts", "ja-a.texts"]);
  expect(watched.outside).toEqual([]);

  // As it was typed the word is only letters.
  const music = await found(page, "images");
  await translated.getByRole("button", { name: "Search as typed" }).click();
  await expect(translated).toHaveCount(0);
  await expect.poll(() => found(page, "images")).not.toEqual(music);
  // English words, and words that nobody knows, stay as they are.
  for (const query of ["red fruit", "qwertz"]) {
    await page.getByRole("searchbox").fill(query);
    await page.waitForTimeout(500);
    await expect(translated).toHaveCount(0);
  }
  // A link with a query in another language works too.
  await page.goto("?lang=de&q=trauriges+Gesicht");
  await expect(translated).toContainText("trauriges Gesicht → sad face", { timeout: 120_000 });
});

/** A camera that sees a red disc on white; its stream is kept at hand. */
const CAMERA = `navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  canvas.width = 320; canvas.height = 240;
  const context = canvas.getContext("2d");
  const paint = () => { context.fillStyle = "#fff"; context.fillRect(0, 0, 320, 240); context.fillStyle = "#d22"; context.beginPath(); context.arc(160, 120, 80, 0, 7); context.fill(); };
  paint(); setInterval(paint, 50);
  return (window.__stream = canvas.captureStream());
};`;

test("the camera is on only while it is open, and its picture becomes the query", async ({ page }) => {
  await page.addInitScript(CAMERA);
  await open(page, "epochs=3");
  await panel(page).getByRole("button", { name: "Camera" }).click();
  const group = panel(page).getByRole("group", { name: "Camera" });
  await expect(group.getByRole("button", { name: "Take the picture" })).toBeEnabled();
  const live = (): Promise<string> => page.evaluate(() => (window as unknown as { __stream: MediaStream }).__stream.getTracks()[0]!.readyState);
  expect(await live()).toBe("live");
  await group.getByRole("button", { name: "Close" }).click();
  await expect.poll(live).toBe("ended");
  await panel(page).getByRole("button", { name: "Camera" }).click();
  await group.getByRole("button", { name: "Take the picture" }).click();
  await expect(group).toHaveCount(0);
  await expect.poll(live).toBe("ended");
  await expect(panel(page).getByText("what resembles the camera's picture")).toBeVisible({ timeout: 120_000 });
  // It is the middle of what the camera saw: red in the middle, white in the corner.
  const seen = await panel(page).locator(".asked img").evaluate(async (image: HTMLImageElement) => {
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 256;
    const context = canvas.getContext("2d")!;
    context.drawImage(image, 0, 0);
    return [image.naturalWidth, image.naturalHeight, ...context.getImageData(128, 128, 1, 1).data.slice(0, 3), ...context.getImageData(4, 4, 1, 1).data.slice(0, 3)];
  });
  expect(seen.slice(0, 2)).toEqual([256, 256]);
  for (const [at, wanted] of [221, 34, 34, 255, 255, 255].entries()) expect(Math.abs(seen[at + 2]! - wanted)).toBeLessThan(30);
});

test("a refused or missing camera is said, with what to do instead", async ({ page }) => {
  for (const [name, sentence] of [["NotAllowedError", "The camera was refused."], ["NotFoundError", "No camera was found."], ["NotReadableError", "could not be started"]] as const) {
    await page.addInitScript((error) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("in use", error));
    }, name);
    await open(page);
    await panel(page).getByRole("button", { name: "Camera" }).click();
    await expect(panel(page).getByRole("alert")).toContainText(sentence);
    await expect(panel(page).getByRole("button", { name: "Take the picture" })).toBeDisabled();
  }
});

test("a drawing becomes the query, by pointer and by keyboard alone", async ({ page }) => {
  await open(page, "epochs=3");
  await panel(page).getByRole("button", { name: "Draw" }).click();
  const pad = page.getByTestId("pad");
  const search = panel(page).getByRole("button", { name: "Search by the drawing" });
  await expect(search).toBeDisabled();
  const painted = (): Promise<number> => pad.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, at) => at % 4 === 1 && value < 128).length;
  });
  const box = (await pad.boundingBox())!;
  await panel(page).getByRole("radio", { name: "red" }).check();
  await panel(page).getByRole("button", { name: "Thick" }).click();
  await page.mouse.move(box.x + 60, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 140, box.y + 120, { steps: 6 });
  await page.mouse.up();
  const line = await painted();
  expect(line).toBeGreaterThan(800);
  await panel(page).getByRole("button", { name: "Undo" }).click();
  expect(await painted()).toBe(0);
  await expect(search).toBeDisabled();

  // Space belongs to the pen here: it does not start training.
  await pad.focus();
  await page.keyboard.press(" ");
  for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowRight");
  for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press(" ");
  expect((await state(page)).step).toBe(0);
  expect((await state(page)).running).toBe(false);
  expect(await painted()).toBeGreaterThan(800);
  await search.focus();
  await page.keyboard.press("Enter");
  await expect(panel(page).getByText("what resembles the drawing")).toBeVisible({ timeout: 120_000 });
  const first = await found(page, "images");
  // Every further stroke asks anew.
  const before = await panel(page).locator(".asked img").getAttribute("src");
  await panel(page).getByRole("radio", { name: "green" }).check();
  await page.mouse.move(box.x + 30, box.y + 190);
  await page.mouse.down();
  await page.mouse.move(box.x + 190, box.y + 190, { steps: 8 });
  await page.mouse.up();
  await expect(panel(page).locator(".asked img")).not.toHaveAttribute("src", before!);
  expect(first).toHaveLength(12);
  await panel(page).getByRole("button", { name: "Clear" }).click();
  expect(await painted()).toBe(0);
});

test("axe finds nothing in what can be unfolded, and nothing sticks out on a phone", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.addInitScript(CAMERA);
  await open(page, "epochs=3&q=Hund");
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  for (const name of ["Before training", "Why"]) {
    await mode(page, name);
    await expect(panel(page).getByText("Asking…")).toHaveCount(0);
    await nothingFound(page);
  }
  await panel(page).getByRole("button", { name: "Camera" }).click();
  await expect(panel(page).getByRole("button", { name: "Take the picture" })).toBeEnabled();
  await nothingFound(page);
  await panel(page).getByRole("button", { name: "Draw" }).click();
  await expect(page.getByTestId("pad")).toBeVisible();
  await nothingFound(page);
  await page.setViewportSize({ width: 360, height: 740 });
  for (const name of ["Before training", "Why"]) {
    await mode(page, name);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
  await nothingFound(page);
});
