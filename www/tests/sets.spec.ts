// The data sets beside the emoji: each is chosen, trained, searched, credited, and comes back by its link.
import { expect, test } from "@playwright/test";
import { found, open, state, train, until, watch } from "./page";

/** Short, and enough: a run begins from a fit in closed form. */
const SHORT = "epochs=2&eval_every=2";

test("shapes: chosen in the settings, trained, and a combination that was never trained on is found", async ({ page }) => {
  const watched = watch(page);
  // A low screen keeps the explanation back, for the settings' sake.
  await page.setViewportSize({ width: 1360, height: 1000 });
  await open(page, "epochs=4");
  await page.getByLabel("Data", { exact: true }).selectOption("shapes");
  await expect(page.getByText("Scenes whose truth is known")).toBeVisible();
  await until(page, "shapes are on show", ({ phase, data }) => phase === "ready" && data === "shapes");
  // What was only suggested makes room for what fits.
  await expect(page.getByLabel("Search pictures and texts")).toHaveValue("a small red circle above a large blue square");
  await train(page);
  await until(page, "four epochs are over", ({ finished }) => finished, 240_000);
  const before = await state(page);
  expect(before.metrics?.i2t_r10 ?? 0).toBeGreaterThan(40);

  await page.getByRole("button", { name: "a red triangle", exact: true }).click();
  await expect.poll(async () => (await found(page, "images")).filter((title) => title.includes("red triangle")).length).toBeGreaterThanOrEqual(6); // Of 12; one in 24 scenes shows a red triangle.
  await expect(page).toHaveURL(/data=shapes/);
  await expect(page.getByTestId("credits")).toContainText("CC0-1.0");

  await until(page, "it is saved", ({ savedStep }) => savedStep === before.step);
  await page.reload();
  const again = await until(page, "the run is back", ({ phase, step }) => phase === "ready" && step === before.step);
  expect(again.data).toBe("shapes");
  expect(watched.outside).toEqual([]);
  expect(watched.errors).toEqual([]);
});

test("shapes: a drawing of one's own finds scenes of its colour, without an encoder", async ({ page }) => {
  const watched = watch(page);
  await open(page, `data=shapes&${SHORT}`);
  const canvas = await page.evaluate(async () => {
    const drawn = new OffscreenCanvas(64, 64);
    const pen = drawn.getContext("2d")!;
    pen.fillStyle = "white";
    pen.fillRect(0, 0, 64, 64);
    pen.fillStyle = "rgb(40 160 70)";
    pen.fillRect(24, 24, 17, 17);
    return [...new Uint8Array(await (await drawn.convertToBlob()).arrayBuffer())];
  });
  await page.getByLabel("Search by a picture of yours").setInputFiles({ name: "green.png", mimeType: "image/png", buffer: Buffer.from(canvas) });
  // Of 12 scenes three would show something green by chance.
  await expect.poll(async () => (await found(page, "images")).filter((title) => title.includes("green")).length).toBeGreaterThanOrEqual(6);
  expect(watched.requests.filter((url) => url.includes("encoder"))).toEqual([]);
});

test("clipart: by its link, with its artists' titles, credits and licence", async ({ page }) => {
  const watched = watch(page);
  await open(page, `data=clipart&${SHORT}&q=violin`);
  await train(page);
  await until(page, "two epochs are over", ({ finished }) => finished, 240_000);
  await expect.poll(async () => (await found(page, "images")).slice(0, 6).some((title) => /violin/i.test(title))).toBe(true);
  await expect(page.getByTestId("credits")).toContainText("Open Clip Art Library");
  await expect(page.getByTestId("credits")).toContainText("public domain");
  await expect(page.getByTestId("credits")).not.toContainText("Noto");
  expect(watched.requests.some((url) => url.includes("packs/clipart/clipart-a.png"))).toBe(true);
  expect(watched.requests.some((url) => url.includes("packs/emoji/"))).toBe(false);
  expect(watched.errors).toEqual([]);
});

test("clipart: a picture of one's own is encoded by the emoji pack's encoder", async ({ page }) => {
  await open(page, `data=clipart&${SHORT}`);
  await page.getByLabel("Search by a picture of yours").setInputFiles("tests/apple.png");
  await expect.poll(async () => (await found(page, "images")).join(" ")).toMatch(/apple|fruit|tomato|cherr/i);
});

test("a preset that is made for a data set brings it along, and other data leave it behind", async ({ page }) => {
  await open(page);
  await page.getByLabel("Preset", { exact: true }).selectOption("combinations");
  await until(page, "shapes are on show", ({ phase, data }) => phase === "ready" && data === "shapes");
  await expect(page).toHaveURL(/data=shapes&preset=combinations/);
  await page.getByLabel("Data", { exact: true }).selectOption("emoji-1k");
  await expect(page.getByLabel("Preset", { exact: true })).toHaveValue("mtls");
  await until(page, "emoji are back", ({ phase, data }) => phase === "ready" && data === "emoji-1k");
  await expect(page.getByLabel("Search pictures and texts")).toHaveValue("red fruit");
});
