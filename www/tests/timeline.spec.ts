// The timeline: what is recorded, how one moves in it, and what can be taken away.
import { expect, test, type Download, type Page } from "@playwright/test";
import { nothingFound } from "./axe";
import { readFileSync } from "node:fs";
import type { TimelineState } from "../src/main";
import { FRAMES, frameLimit, Recording, spaced, type Frame } from "../src/recording";
import { atRest, open, painted, state, stored, train, until, watch, workers } from "./page";

const timeline = (page: Page): Promise<TimelineState> => page.evaluate(() => window.__lab.timeline());
const slider = (page: Page) => page.getByRole("slider", { name: "Moment of the run" });
const frame = (step: number, image: number[] = [step, 1], text: number[] = [-1, step]): Frame => ({ step, dims: 2, image: Float32Array.from(image), text: Float32Array.from(text) });

/** A finished run of six epochs. */
async function run(page: Page, more = ""): Promise<TimelineState> {
  await open(page, `seed=3&epochs=6&eval_every=2${more}`);
  await train(page);
  const done = await until(page, "the end", ({ finished }) => finished);
  await expect.poll(async () => (await timeline(page)).steps.at(-1)).toBe(done.step);
  return timeline(page);
}

test("a recording never holds more than its limit, keeps the ends, and is even in steps", () => {
  for (const [steps, every] of [[5_000, 1], [5_000, 7], [300, 3], [100_000, 13]] as const) {
    const recording = new Recording();
    let most = 0;
    for (let step = 0; step <= steps; step += every) {
      recording.add(frame(step));
      most = Math.max(most, recording.frames.length);
    }
    expect(most).toBeLessThanOrEqual(FRAMES);
    const kept = recording.frames.map((one) => one.step);
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(Math.floor(steps / every) * every);
    expect(kept.length).toBeGreaterThan(Math.min(FRAMES / 2, steps / every) - 2);
    const gaps = kept.slice(1).map((step, i) => step - kept[i]!);
    expect(Math.max(...gaps) / Math.min(...gaps.slice(0, -1))).toBeLessThanOrEqual(2);
  }
  expect(spaced([0, 1, 2, 3, 4, 5, 6, 7], 3)).toEqual([0, 3, 7]);
  expect(spaced([0, 1], 100)).toEqual([0, 1]);
  expect(spaced([4], 2)).toEqual([0]);
  // Very many points: fewer frames, so that the bytes stay bounded too.
  const heavy = { ...frame(0), image: new Float32Array(100_000), text: new Float32Array(100_000) };
  expect(frameLimit(heavy)).toBeLessThan(40);
});

test("steps computed twice are recorded once, other dimensions begin anew, positions between two frames lie between", () => {
  const recording = new Recording();
  for (const step of [0, 10, 20, 30]) recording.add(frame(step));
  recording.add(frame(20, [5, 5]));
  expect(recording.frames.map(({ step }) => step)).toEqual([0, 10, 20]);
  expect([...recording.between(15).image]).toEqual([7.5, 3]);
  expect(recording.between(99).step).toBe(20);
  expect([recording.nearest(4), recording.nearest(6), recording.nearest(-3), recording.nearest(99)]).toEqual([0, 1, 0, 2]);
  recording.add({ step: 30, dims: 3, image: new Float32Array(3), text: new Float32Array(3) });
  expect(recording.frames.map(({ step }) => step)).toEqual([30]);
});

test("a worker that takes over with turned axes does not turn the past away from the present", () => {
  const [image, text] = [[1, 0, 0.2, 0.5, -0.7, 0.1], [0.9, 0.1, 0.3, 0.6, -0.8, 0.2]];
  // Turned by 40 degrees and mirrored.
  const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
  const away = (rows: number[]): number[] => rows.flatMap((_, i) => (i % 2 === 0 ? [c * rows[i]! + s * rows[i + 1]!, s * rows[i]! - c * rows[i + 1]!] : []));
  const moved = image.map((value) => value * 0.9 + 0.01);
  for (const restored of [false, true]) {
    const recording = new Recording();
    const past = [frame(0, moved, text), frame(8, image, text), frame(12, image, text)];
    if (restored) {
      recording.add(frame(8, away(image), away(text)));
      recording.restore(past, 8);
    } else {
      for (const one of past) recording.add(one);
      recording.handOver(8);
      recording.add(frame(8, away(image), away(text)));
    }
    expect(recording.frames.map(({ step }) => step)).toEqual([0, 8]);
    away(moved).forEach((value, i) => expect(recording.frames[0]!.image[i]!).toBeCloseTo(value, 5));
    away(text).forEach((value, i) => expect(recording.frames[0]!.text[i]!).toBeCloseTo(value, 5));
  }
});

test("moments are kept, scrubbing shows them, training goes on behind, live returns, a reload and a link come back", async ({ page }) => {
  const watched = watch(page);
  await open(page, "seed=3&epochs=6&eval_every=2");
  await expect(slider(page)).toBeDisabled();
  await expect.poll(async () => (await timeline(page)).shown.length).toBe(80);
  const beginning = (await timeline(page)).shown;
  // Step by step: the run may be over before a pause comes.
  const behind = 3;
  for (let n = 1; n <= behind; n++) {
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await until(page, "a step", ({ step, running }) => step === n && !running);
  }
  await expect(slider(page)).toBeEnabled();
  // To the first moment, and on with training.
  await slider(page).fill("0");
  await page.getByRole("button", { name: "Go on" }).click();
  expect(await timeline(page)).toMatchObject({ at: 0, shown: beginning });
  await expect(page.getByTestId("not-now")).toContainText("Epoch 0 – not now");
  const done = await until(page, "the end, behind it", ({ finished }) => finished);
  expect(done.step).toBeGreaterThan(behind);
  await expect.poll(async () => (await timeline(page)).steps.at(-1)).toBe(done.step);
  const end = await timeline(page);
  expect(end).toMatchObject({ at: 0, shown: beginning });
  expect(end.steps[0]).toBe(0);
  expect(end.steps.length).toBeLessThanOrEqual(FRAMES);
  expect([...end.steps].sort((a, b) => a - b)).toEqual(end.steps);

  await page.getByRole("button", { name: "Live", exact: true }).click();
  await expect(page.getByTestId("not-now")).toHaveCount(0);
  const now = await timeline(page);
  expect(now.at).toBeNull();
  expect(now.shown).not.toEqual(beginning);
  await expect(slider(page)).toHaveAttribute("aria-valuetext", /^epoch 6 of 6, R@1 [\d.]+, now$/);
  await expect(page.getByTestId("moment")).toContainText(/epoch 6 of 6\s*R@1/);

  // The moment is in the address, and both come back after a reload.
  await slider(page).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => page.url()).toContain(`at=${end.steps[1]}`);
  await until(page, "the end is stored", ({ step, savedStep }) => savedStep === step);
  await stored(page, "mtls-lab-timeline", "recordings");
  await page.reload();
  await until(page, "the run is back", ({ phase, step }) => phase === "ready" && step === done.step);
  await expect.poll(async () => (await timeline(page)).at).toBe(end.steps[1]);
  const back = await timeline(page);
  expect(back.steps).toEqual(end.steps);
  await slider(page).fill("0");
  // The new worker's axes may be turned; distances between points are as they were.
  const far = ({ shown }: { shown: number[] }): number => Math.hypot(shown[0]! - shown[40]!, shown[1]! - shown[41]!);
  expect(far(await timeline(page))).toBeCloseTo(far({ shown: beginning }), 4);

  // A link to a moment that the run has not reached is simply live.
  await open(page, "seed=4&epochs=6&at=12");
  await expect.poll(async () => (await timeline(page)).steps.length).toBe(1);
  expect((await timeline(page)).at).toBeNull();
  await expect(page.getByRole("alert")).toBeEmpty();
  expect(watched.errors).toEqual([]);
});

test("the plot itself shows the moment: the first one looks as it did before training", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page, "seed=3&epochs=6&eval_every=0&q=zzzz");
  await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
  // Points that stand somewhere are not on the screen yet.
  await expect.poll(() => painted(page, "plot")).toBeGreaterThan(50);
  const look = async (): Promise<string> => {
    await page.getByRole("button", { name: "Show all" }).click();
    return (await page.getByTestId("plot").screenshot()).toString("base64");
  };
  const before = await atRest("the picture", look);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await expect.poll(async () => differing(page, before, await look())).toBeGreaterThan(0.08);
  await slider(page).fill("0");
  await expect.poll(async () => differing(page, before, await look())).toBeLessThan(0.04);
});

test("a replay moves by itself and ends live; with reduced motion it goes from frame to frame", async ({ page }) => {
  const { steps } = await run(page);
  await page.getByLabel("Replay speed").selectOption("2×");
  const seen = await replayed(page, Number.POSITIVE_INFINITY);
  expect(seen.length).toBeGreaterThan(3);
  expect(seen[0]).toBe(0);
  expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  // Between recorded moments it glides.
  expect(seen.some((at) => !steps.includes(at))).toBe(true);
  expect((await timeline(page)).at).toBeNull();

  await page.emulateMedia({ reducedMotion: "reduce" });
  expect(await replayed(page, Number.POSITIVE_INFINITY)).toEqual(steps);
  await replayed(page, 2);
  expect(await timeline(page)).toMatchObject({ playing: false, at: steps[1] });
  // A new run has no past.
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  await expect.poll(async () => (await timeline(page)).steps).toEqual([0]);
  expect((await timeline(page)).at).toBeNull();
});

test("the twin is recorded too, shows the same moment, and stands beside the run in an export", async ({ page }) => {
  await open(page, "seed=3&epochs=6&show=both&draw=pictures");
  await until(page, "the twin stands", ({ twin }) => twin.ready);
  await train(page);
  await until(page, "both at the end", ({ finished, step, twin }) => finished && twin.step === step);
  await slider(page).fill("0");
  const first = await timeline(page);
  expect(first.twinSteps.length).toBeGreaterThan(1);
  expect(first.twinSteps[0]).toBe(0);
  // Both begin with the same weights, and so at the same places.
  first.twinShown.forEach((value, i) => expect(value).toBeCloseTo(first.shown[i]!, 4));
  await expect(page.getByTestId("not-now")).toHaveCount(2);
  await page.getByRole("button", { name: "Live", exact: true }).click();
  const now = await timeline(page);
  expect(now.twinShown).not.toEqual(first.twinShown);
  const svg = await exported(page, /^SVG/);
  expect(svg.name).toContain("_both_epoch-6.svg");
  const text = svg.bytes.toString("utf8");
  expect(text).toContain(">With transfer</text>");
  expect(text).toContain(">Without</text>");
  expect(text.match(/<image /g)).toHaveLength(2 * 1015);
});

test("exports: PNG, SVG, GIF and video of what was seen", async ({ page }) => {
  const watched = watch(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await run(page, "&draw=pictures");
  for (const [name, width, height] of [[/^PNG 1280/, 1280, 720], [/^PNG 2×/, 2560, 1440], [/^PNG 4×/, 5120, 2880]] as const) {
    const png = await exported(page, name);
    expect(png.name).toMatch(/^mtls-lab_emoji-1k_mtls_seed-3_epoch-6(@[24]x)?\.png$/);
    const { size, colours, corner } = await decoded(page, png.bytes, "image/png");
    expect(size).toEqual([width, height]);
    expect(colours).toBeGreaterThan(500);
    // The theme of the screen.
    expect(corner).toEqual([27, 26, 22]);
  }
  await page.getByRole("button", { name: "Square" }).click();
  expect((await decoded(page, (await exported(page, /^PNG 1024/)).bytes, "image/png")).size).toEqual([1024, 1024]);
  await page.getByRole("button", { name: "Wide" }).click();

  const counted = await inSvg(page);
  expect(counted).toMatchObject({ broken: 0, grounds: 1015, texts: 1015, pictures: 1015, embedded: true });
  expect(counted.different).toBeGreaterThan(1000);
  expect(counted.words).toContain("Noto Emoji, Google Inc., Apache-2.0");
  expect(counted.words).toContain("food-drink");

  const gif = await exported(page, /^GIF/);
  expect(gif.name).toBe("mtls-lab_emoji-1k_mtls_seed-3_epochs-0-6.gif");
  expect(gif.bytes.subarray(0, 6).toString("latin1")).toBe("GIF89a");
  const film = await decoded(page, gif.bytes, "image/gif");
  expect(film.size).toEqual([960, 540]);
  expect(film.frames).toBeGreaterThan(40);
  expect(film.colours).toBeGreaterThan(50);
  expect(film.moves).toBe(true);

  const video = await exported(page, /^WebM/);
  expect(video.name).toMatch(/epochs-0-6\.webm$/);
  expect([...video.bytes.subarray(0, 4)]).toEqual([0x1a, 0x45, 0xdf, 0xa3]);
  expect(video.bytes.length).toBeGreaterThan(50_000);
  expect(await videoSize(page, video.bytes)).toEqual([1280, 720]);
  expect(watched.errors).toEqual([]);
  expect(watched.outside).toEqual([]);
  // The engine's worker alone is left.
  await expect.poll(() => workers(page).length).toBe(1);
});

test("an export shows what is on screen: as many pictures as there is room for, or dots of texts alone", async ({ page }) => {
  await run(page);
  const some = await inSvg(page);
  expect(some).toMatchObject({ broken: 0, grounds: 1015, texts: 1015 });
  expect(some.pictures).toBeGreaterThan(50);
  expect(some.pictures).toBeLessThan(1015);
  await open(page, "seed=3&epochs=6&draw=dots&points=text&colour=rank");
  await expect.poll(async () => (await timeline(page)).steps.length).toBeGreaterThan(0);
  const dots = await inSvg(page);
  expect(dots).toMatchObject({ broken: 0, grounds: 0, texts: 1015, pictures: 0 });
  // Ranks have their own legend; where no picture is shown, none is credited.
  expect(dots.words).toContain("51 and more");
  expect(dots.words).not.toContain("Apache-2.0");
});

test("an export can be stopped, and the keyboard alone gets one", async ({ page }) => {
  await run(page);
  await slider(page).focus();
  await page.keyboard.press("Home");
  await expect.poll(async () => (await timeline(page)).at).toBe(0);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Live", exact: true })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const panel = page.getByRole("group", { name: "Export" });
  await expect(panel).toBeVisible();
  await panel.getByRole("button", { name: /^WebM/ }).focus();
  await page.keyboard.press("Enter");
  await expect(panel.getByRole("progressbar")).toBeVisible();
  await expect(panel.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(panel.getByRole("button", { name: /^WebM/ })).toBeFocused();
  await expect(panel.getByRole("status")).toBeEmpty();
  await panel.getByRole("button", { name: /^GIF/ }).click();
  await panel.getByRole("button", { name: "Cancel" }).click();
  await expect.poll(() => workers(page).length).toBe(1);
  await panel.getByRole("button", { name: /^SVG/ }).focus();
  const download = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  expect((await download).suggestedFilename()).toBe("mtls-lab_emoji-1k_mtls_seed-3_epoch-0.svg");
  await expect(panel.getByRole("status")).toContainText("is saved");
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await expect(page.getByRole("button", { name: "Export", exact: true })).toBeFocused();
});

test("axe finds nothing in a moment with the menu open, and nothing sticks out on a phone", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await run(page);
  await slider(page).fill("1");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  await expect(page.getByRole("group", { name: "Export" })).toBeVisible();
  await nothingFound(page);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  const box = (await page.getByRole("group", { name: "Export" }).boundingBox())!;
  expect(box.x).toBeGreaterThanOrEqual(0);
  expect(box.x + box.width).toBeLessThanOrEqual(360);
});

/** Plays; the moments that were seen on the way, until the end or until so many were seen. From inside the page: a loaded machine answers a test too seldom. */
const replayed = (page: Page, most: number): Promise<number[]> =>
  page.evaluate((limit) => new Promise<number[]>((resolve) => {
    const press = (name: string): void => document.querySelector<HTMLElement>(`button[aria-label="${name}"]`)!.click();
    const seen: number[] = [];
    const timer = setInterval(() => {
      const { at, playing } = window.__lab.timeline();
      if (at !== null && at !== seen.at(-1)) seen.push(at);
      if (playing && seen.length < limit) return;
      if (playing) press("Stop the replay");
      clearInterval(timer);
      resolve(seen);
    }, 10);
    press("Replay");
  }), most);

/** Presses an entry of the export menu and reads what comes of it. */
async function exported(page: Page, name: RegExp): Promise<{ name: string; bytes: Buffer }> {
  const panel = page.getByRole("group", { name: "Export" });
  if (!(await panel.isVisible())) await page.getByRole("button", { name: "Export", exact: true }).click();
  const [download] = await Promise.all([page.waitForEvent("download", { timeout: 120_000 }), panel.getByRole("button", { name }).click()]) as [Download, void];
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** The exported SVG, counted. */
async function inSvg(page: Page): Promise<{ broken: number; grounds: number; texts: number; pictures: number; embedded: boolean; different: number; words: string }> {
  return page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
    const part = (name: string, tag: string): number => parsed.querySelectorAll(`g[data-part="${name}"] ${tag}`).length;
    const pictures = [...parsed.querySelectorAll("image")].map((image) => image.getAttribute("href") ?? "");
    return {
      broken: parsed.querySelectorAll("parsererror").length, grounds: part("grounds", "circle"), texts: part("texts", "circle"), pictures: part("pictures", "image"),
      embedded: pictures.every((href) => href.startsWith("data:image/png;base64,")), different: new Set(pictures).size, words: parsed.documentElement.textContent ?? "",
    };
  }, (await exported(page, /^SVG/)).bytes.toString("utf8"));
}

/** Size, number of different colours, the corner and, of a film, its frames, as the browser decodes them. */
async function decoded(page: Page, bytes: Buffer, type: string): Promise<{ size: number[]; frames: number; colours: number; corner: number[]; moves: boolean }> {
  return page.evaluate(async ([base64, kind]) => {
    const data = Uint8Array.from(atob(base64!), (character) => character.charCodeAt(0));
    const decoder = new ImageDecoder({ data, type: kind! });
    await decoder.completed;
    await decoder.tracks.ready;
    const frames = decoder.tracks.selectedTrack!.frameCount;
    const pixels = async (frameIndex: number): Promise<[number[], Uint32Array]> => {
      const { image } = await decoder.decode({ frameIndex });
      const size = [image.displayWidth, image.displayHeight] as const;
      const context = new OffscreenCanvas(...size).getContext("2d")!;
      context.drawImage(image, 0, 0);
      image.close();
      return [[...size], new Uint32Array(context.getImageData(0, 0, ...size).data.buffer)];
    };
    const [size, last] = await pixels(frames - 1);
    const first = frames > 1 ? (await pixels(0))[1] : last;
    decoder.close();
    const corner = last[3 * size[0]! + 3]!;
    return { size, frames, colours: new Set(last).size, corner: [corner & 255, (corner >> 8) & 255, (corner >> 16) & 255], moves: first.some((pixel, i) => pixel !== last[i]) };
  }, [bytes.toString("base64"), type]);
}

/** Plays a video where no policy of ours forbids it. */
async function videoSize(page: Page, bytes: Buffer): Promise<number[]> {
  const empty = await page.context().newPage();
  const size = await empty.evaluate(async (base64) => {
    const video = Object.assign(document.createElement("video"), { muted: true, src: URL.createObjectURL(new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], { type: "video/webm" })) });
    document.body.append(video);
    await video.play();
    return [video.videoWidth, video.videoHeight];
  }, bytes.toString("base64"));
  await empty.close();
  return size;
}

/** Share of pixels of two pictures (base64) that differ visibly. */
async function differing(page: Page, a: string, b: string): Promise<number> {
  return page.evaluate(async (pictures) => {
    const [one, other] = await Promise.all(pictures.map(async (base64) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], { type: "image/png" }));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
      context.drawImage(bitmap, 0, 0);
      return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    }));
    let differ = 0;
    for (let i = 0; i < one!.length; i += 4) if (Math.abs(one![i]! - other![i]!) + Math.abs(one![i + 1]! - other![i + 1]!) + Math.abs(one![i + 2]! - other![i + 2]!) > 60) differ++;
    return differ / (one!.length / 4);
  }, [a, b]);
}
