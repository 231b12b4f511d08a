// Own data: every format in, good and bad, checked, corrected, trained on, and there after a reload.
import { expect, test } from "@playwright/test";
import { nothingFound } from "./axe";
import { deflateRawSync } from "node:zlib";
import { COLOURS, crc, file, give, dialog, FAST, png, pngOf, set, tar, zip, type File } from "./files";
import { found, open, train, until, watch } from "./page";

/** A red picture with a white bar, 24 pixels a side. */
const AVIF = "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAdwAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAGAAAABgAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAf21kYXQSAAoJGBEvdogIaDQgMmgXh4eGIYSSSSZBAADQWOVFseNbeLtSVxegf/ONuXCoR+fccvg+aSSvm6L941gF995uhD4fzZ/4SdvKunXKGflBNZcqoRdHPG7LvO9ni1SW4LzsL4n1fSpYU3oQ3zEl8I6gt2Y/ohHjQA==";

/** A green picture, 24 bits a pixel. */
function bmp(side: number): Buffer {
  const head = Buffer.alloc(54);
  head.write("BM");
  head.writeUInt32LE(54 + 3 * side * side, 2);
  head.writeUInt32LE(54, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(side, 18);
  head.writeInt32LE(side, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(24, 28);
  return Buffer.concat([head, Buffer.from(Array.from({ length: side * side }, (_, i) => (i % side < 3 ? [255, 255, 255] : [40, 180, 30])).flat())]);
}

test("a folder of pictures is checked, trained on, searched, and there after a reload; nothing leaves the tab", async ({ page }) => {
  const watched = watch(page);
  await open(page, FAST);
  await dialog(page);
  const before = watched.requests.length;
  await give(page, set(48));
  await expect(page.getByText("Learn from these 48 pairs")).toBeVisible();
  await expect(page.getByText("48 captions name their label")).toBeVisible();
  // A caption is typed over.
  await page.getByRole("textbox", { name: "Captions of 3.png" }).fill("a zebra crossing");
  await page.getByRole("textbox", { name: "Captions of 4.png" }).focus();
  await page.getByRole("button", { name: /Learn from these/ }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await until(page, "a run on own data", ({ phase }) => phase === "ready");
  await expect(page.getByText(/\d+ pairs to learn from, \d+ held out/)).toBeVisible();
  expect(page.url()).toMatch(/data=own%3A[0-9a-f]{16}/);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await page.getByRole("searchbox").fill("zebra");
  await expect.poll(async () => (await found(page, "texts"))[0]).toBe("a zebra crossing");
  await expect.poll(() => page.url()).toContain("q=zebra");
  await until(page, "the end is stored", ({ step, savedStep }) => savedStep === step);
  await page.reload();
  await expect.poll(() => page.evaluate(() => "__lab" in window)).toBe(true);
  await until(page, "the run is back", ({ finished }) => finished);
  await expect.poll(async () => (await found(page, "texts"))[0]).toBe("a zebra crossing");
  expect(watched.outside).toEqual([]);
  expect(watched.errors).toEqual([]);
  // The importer fetched its engine, and no request carried anything.
  expect(watched.requests.slice(before).filter((url) => /zebra|own|blob:.*png/.test(decodeURIComponent(new URL(url).pathname)))).toEqual([]);
});

test("every format gives the same pairs", async ({ page }) => {
  await open(page, FAST);
  const files = set(12);
  const [table, ...pictures] = files;
  const caption = (i: number): string => `a ${COLOURS[i % 4]![0]} card number ${i}`;
  const npy = (): Buffer => {
    const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (12, 6), }";
    const numbers = Float32Array.from({ length: 72 }, (_, i) => Math.sin(i * i));
    const length = Buffer.alloc(2);
    length.writeUInt16LE(head.length);
    return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), length, Buffer.from(head), Buffer.from(numbers.buffer)]);
  };
  const jsonl = pictures.map(({ name }, i) => JSON.stringify({ file_name: name, caption: caption(i), label: COLOURS[i % 4]![0] })).join("\n");
  const forms: Record<string, File[]> = {
    "zip of a folder": [file("cards.zip", zip(files.map((one) => ({ ...one, name: `cards/${one.name}` }))))],
    "table of another name": [{ ...table!, name: "cards.csv" }, ...pictures],
    "JSON lines": [file("metadata.jsonl", jsonl), ...pictures],
    "WebDataset": [file("cards.tar", tar(pictures.flatMap((one, i) => [one, file(`${i}.txt`, caption(i))])))],
    "two shards": [0, 1].map((half) => file(`cards-${half}.tar`, tar(pictures.slice(half * 6, half * 6 + 6).flatMap((one, i) => [one, file(one.name.replace("png", "json"), JSON.stringify({ caption: caption(half * 6 + i) }))])))),
    "names": pictures.map((one, i) => ({ ...one, name: `${caption(i).replaceAll(" ", "_")} card${"abcdefghijkl"[i]}.png` })),
    "features": [file("features.npy", npy()), file("texts.txt", Array.from({ length: 12 }, (_, i) => caption(i)).join("\n"))],
    // What the engine does not decode, the browser does.
    "AVIF and BMP": [file("metadata.csv", table!.buffer.toString().replace(/^0\.png/m, "0.avif").replace(/^1\.png/m, "1.bmp")), file("0.avif", Buffer.from(AVIF, "base64")), file("1.bmp", bmp(24)), ...pictures.slice(2)],
  };
  for (const [form, given] of Object.entries(forms)) {
    await dialog(page);
    await give(page, given);
    await expect(page.getByText("Learn from these 12 pairs"), form).toBeVisible();
    const first = page.getByRole("textbox", { name: /^Captions of/ }).first();
    await expect(first, form).toHaveValue(/a red card/);
    await expect(page.getByText(/with a problem/), form).toHaveCount(0);
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
});

test("hostile and broken data gets one sentence each, and the run goes on", async ({ page }) => {
  const watched = watch(page);
  await open(page, `${FAST}&epochs=2000`);
  await train(page);
  await until(page, "under way", ({ step }) => step > 3);
  const good = set(8);
  const cases: [File[], RegExp][] = [
    [[file("cut.zip", zip(good).subarray(0, 900))], /cut\.zip.*cut off/],
    [[file("nothing.zip", zip([]))], /no pictures/],
    [[file("x.7z", Buffer.from("7z\xbc\xaf", "latin1"))], /no zip and no tar|not read/],
    [[file("readme.md", "hello")], /no pictures/],
    [[file("metadata.csv", "picture,words\na,b\n")], /file_name/],
    [[file("metadata.jsonl", '{"file_name":"a.png","text":"\\ud800"}'), file("a.png", "x")], /row 1/],
    [[file("many.zip", zip(good, 0, 1_000_000))], /more than 250000 files/],
    [[file("cut.tar", tar(good).subarray(0, 1500))], /cut off|ends in the middle|no pictures/],
    [[file("x.npy", Buffer.from("\x93NUMPY", "latin1")), file("texts.txt", "one")], /middle/],
  ];
  await dialog(page);
  for (const [files, sentence] of cases) {
    await give(page, files);
    const said = page.getByRole("dialog").getByRole("alert");
    await expect(said).toHaveText(sentence);
    await expect(said).not.toHaveText(/panicked|unreachable|RuntimeError/);
  }
  // What can be read goes on; markup is text.
  const rows = ["0.png,<img src=x onerror=alert(1)>", "1.png,two", "2.png,three", "3.png,four", "../../etc/passwd,out", "broken.png,five", "huge.gif,six", `4.png,${"x".repeat(1 << 20)}`];
  const huge = Buffer.from("GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\0\0;", "latin1");
  await give(page, [file("metadata.csv", `file_name,text\n${rows.join("\n")}\n`), ...good.slice(1, 6), file("broken.png", good[1]!.buffer.subarray(0, 40)), file("huge.gif", huge)]);
  await expect(page.getByText("Learn from these 5 pairs")).toBeVisible();
  await expect(page.getByText("4 rows with a problem")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Captions of 0.png" })).toHaveValue("<img src=x onerror=alert(1)>");
  await page.getByText("Which ones").click();
  for (const words of ["leads out of the folder", "65535 x 65535", "cannot be read", "longer than 2000"]) await expect(page.getByText(words)).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  // A bomb: 300 MiB of zeros in 300 kB, and a header that announces 60,000 pixels a side.
  await dialog(page);
  const wide = Buffer.from(good[1]!.buffer);
  wide.writeUInt32BE(60_000, 16);
  wide.writeUInt32BE(60_000, 20);
  wide.writeUInt32BE(crc(wide.subarray(12, 29)), 29);
  const bomb = { ...file("bomb.png", deflateRawSync(Buffer.alloc(300 << 20))), size: 1000 };
  const told = file("bomb.txt", deflateRawSync("a bomb"));
  await give(page, [file("bomb.zip", zip([bomb, { ...told, size: 6 }], 8))]);
  await expect(page.getByText(/rows? with a problem/)).toBeVisible();
  await expect(page.getByText("At least four pictures")).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await dialog(page);
  await give(page, [file("metadata.csv", "file_name,text\nwide.png,a wide one\n0.png,nul\0 and bell\x07\n1.png,two\n2.png,three\n3.png,four\n"), file("wide.png", wide), ...good.slice(1, 5)]);
  await expect(page.getByText("Learn from these 4 pairs")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Captions of 0.png" })).toHaveValue(/^nul ?and bell$/);
  await page.getByText("Which ones").click();
  await expect(page.getByText(/wide\.png.*64 megapixels/)).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  // Too few, and nothing to tell apart.
  for (const few of [[file("metadata.csv", "file_name,text\n"), good[1]!], set(1), set(2)]) {
    await dialog(page);
    await give(page, few);
    await expect(page.getByText("At least four pictures")).toBeVisible();
    await expect(page.getByRole("button", { name: /Learn from these/ })).toBeDisabled();
    await page.getByRole("button", { name: "Cancel" }).click();
  }
  await dialog(page);
  const equal = set(8);
  await give(page, equal.map((one, i) => (i === 0 ? one : { ...one, buffer: equal[1]!.buffer })));
  await expect(page.getByText("8 pictures are there more than once")).toBeVisible();
  await page.getByRole("button", { name: /Learn from these/ }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toHaveText(/nothing to tell apart/);
  await page.getByRole("button", { name: "Cancel" }).click();
  const { step } = await until(page, "still there", ({ step }) => step > 3);
  await until(page, "the run went on", (state) => state.step > step);
  expect(watched.errors).toEqual([]);
});

test("more pictures than one page of thumbnails holds: each is shown as itself", async ({ page }) => {
  const count = 4_200;
  // Eight by eight fields, drawn by the number: no two look alike.
  const field = (i: number, x: number, y: number, c: number): number => {
    const hash = Math.imul(i * 192 + y * 24 + x * 3 + c + 1, 2_654_435_761);
    return 30 + ((Math.imul(hash ^ (hash >>> 15), 2_246_822_519) >>> 9) % 200);
  };
  const pictures = Array.from({ length: count }, (_, i) => file(`${i}.png`, pngOf(16, (x, y) => [0, 1, 2].map((c) => field(i, x >> 1, y >> 1, c)))));
  const rows = pictures.map(({ name }, i) => `${name},picture number ${i}`);
  await open(page, "preset=retrieval&tower=linear&init=random&dim=8&text_dim=32&batch=256&epochs=1");
  await dialog(page);
  await give(page, [file("many.zip", zip([file("metadata.csv", `file_name,text\n${rows.join("\n")}\n`), ...pictures]))]);
  await expect(page.getByText("Learn from these 4,200 pairs")).toBeVisible({ timeout: 120_000 });
  await page.getByRole("button", { name: /Learn from these/ }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0, { timeout: 120_000 });
  await until(page, "a run on them", ({ phase, data }) => phase === "ready" && data === "many");
  // One of the second page: its own text finds itself.
  await page.getByRole("searchbox").fill("picture number 4195");
  const text = page.getByTestId("found-texts").getByRole("button").filter({ hasText: "picture number 4195" });
  await text.click();
  const chosen = page.getByTestId("selected");
  await expect(chosen.locator(".title")).toHaveText("picture number 4195");
  const shown = await page.locator("[data-testid=found-images] li, [data-testid=selected] .head").evaluateAll(async (entries) => {
    const seen: { item: number; colours: number[][] }[] = [];
    for (const entry of entries) {
      const style = getComputedStyle(entry.querySelector(".thumb")!);
      const image = new Image();
      image.src = /url\("(.*)"\)/.exec(style.backgroundImage)![1]!;
      await image.decode();
      const scale = image.width / Number.parseFloat(style.backgroundSize);
      const [left, top] = style.backgroundPosition.split(" ").map((part) => -Number.parseFloat(part) * scale) as [number, number];
      const side = Number.parseFloat(style.width) * scale;
      const context = new OffscreenCanvas(image.width, image.height).getContext("2d")!;
      context.drawImage(image, 0, 0);
      const colours = Array.from({ length: 64 }, (_, n) => [...context.getImageData(Math.round(left + ((n % 8) + 0.5) * (side / 8)), Math.round(top + (Math.floor(n / 8) + 0.5) * (side / 8)), 1, 1).data.slice(0, 3)]);
      seen.push({ item: Number(/number (\d+)/.exec(entry.textContent ?? "")?.[1]), colours });
    }
    return seen;
  });
  expect(shown.map(({ item }) => item)).toContain(4195);
  expect(shown.length).toBeGreaterThan(8);
  for (const { item, colours } of shown) {
    const apart = colours.flatMap((colour, n) => colour.map((value, c) => Math.abs(value - field(item, n % 8, Math.floor(n / 8), c))));
    expect(apart.reduce((a, b) => a + b) / apart.length, `picture ${item}`).toBeLessThan(25);
  }
});

test("findings have remedies that can be taken back, and cancelling leaves everything as it was", async ({ page }) => {
  await open(page, FAST);
  await dialog(page);
  const files = set(8);
  // A copy under another name, and a picture without a caption.
  files.push({ ...files[1]!, name: "copy.png" }, { ...file("untold.png", png(250, 250, 20, 3)) });
  files[0] = file("metadata.csv", `${files[0]!.buffer.toString()}copy.png,a crimson card,red\nuntold.png,,red\n`);
  await give(page, files);
  await expect(page.getByText("2 pictures are there more than once")).toBeVisible();
  await expect(page.getByText("1 pictures without a caption")).toBeVisible();
  await page.getByRole("button", { name: "Merge copies" }).click();
  await expect(page.getByText("Learn from these 8 pairs")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Captions of 0.png" })).toHaveValue("a red card number 0\na crimson card");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText("Learn from these 9 pairs")).toBeVisible();
  await page.getByRole("listitem").filter({ hasText: "without a caption" }).getByRole("button", { name: "Show them" }).click();
  await page.getByRole("textbox", { name: "Captions of untold.png" }).fill("a yellow card");
  await page.getByRole("heading", { name: "Pictures and captions" }).or(page.getByRole("heading", { name: "without a caption" })).click();
  await expect(page.getByText("Learn from these 10 pairs")).toBeVisible();
  await nothingFound(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(page.url()).not.toContain("own");
  await until(page, "the old run", ({ phase }) => phase === "ready");
});
