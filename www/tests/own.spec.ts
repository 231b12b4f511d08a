// Own data: every format in, good and bad, checked, corrected, trained on, and there after a reload.
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { deflateSync } from "node:zlib";
import { found, open, train, until, watch } from "./page";

const CRC = Uint32Array.from({ length: 256 }, (_, n) => Array.from({ length: 8 }).reduce<number>((c) => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n));
const crc = (bytes: Buffer): number => ~bytes.reduce((c, byte) => CRC[(c ^ byte) & 255]! ^ (c >>> 8), ~0) >>> 0;

/** A PNG of one colour with a bar whose place tells one picture from another. */
function png(red: number, green: number, blue: number, bar: number): Buffer {
  const side = 24;
  const rows = Buffer.concat(Array.from({ length: side }, (_, y) => Buffer.from([0, ...Array.from({ length: side }, (_, x) => ((x * 3 + y * 5 + bar * 7) % 24 < 3 || (x === bar % side) ? [255, 255, 255] : [red, green, blue])).flat()])));
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

const COLOURS = [["red", 220, 30, 30], ["green", 30, 180, 40], ["blue", 40, 60, 220], ["grey", 120, 120, 120]] as const;
interface File { name: string; mimeType: string; buffer: Buffer }
const file = (name: string, buffer: Buffer | string): File => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(buffer) });

/** `n` pictures in four colours, and a table that says so. */
function set(n: number): File[] {
  const rows = Array.from({ length: n }, (_, i) => `${i}.png,a ${COLOURS[i % 4]![0]} card number ${i},${COLOURS[i % 4]![0]}`);
  const pictures = Array.from({ length: n }, (_, i) => file(`${i}.png`, png(COLOURS[i % 4]![1], COLOURS[i % 4]![2], COLOURS[i % 4]![3], i)));
  return [file("metadata.csv", `file_name,text,label\n${rows.join("\n")}\n`), ...pictures];
}

/** Stored, not compressed. */
function tar(files: File[]): Buffer {
  const blocks = files.flatMap(({ name, buffer }) => {
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write("0000644\0", 100);
    head.write(`${buffer.length.toString(8).padStart(11, "0")}\0`, 124);
    head.write("        ", 148);
    head.write("0", 156);
    head.write("ustar\x0000", 257);
    head.write(`${head.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
    return [head, buffer, Buffer.alloc((512 - (buffer.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Stored, not compressed. */
function zip(files: File[]): Buffer {
  const [local, central]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const { name, buffer } of files) {
    const label = Buffer.from(name);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt32LE(crc(buffer), 14);
    head.writeUInt32LE(buffer.length, 18);
    head.writeUInt32LE(buffer.length, 22);
    head.writeUInt16LE(label.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 4);
    head.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(at, 42);
    local.push(head, label, buffer);
    central.push(entry, label);
    at += 30 + label.length + buffer.length;
  }
  const size = central.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, ...central, end]);
}

const FAST = "preset=retrieval&hidden=16&dim=8&batch=16&text_dim=32&epochs=4";

async function dialog(page: Page): Promise<void> {
  await page.getByLabel("Data", { exact: true }).selectOption({ label: "Your own pictures…" });
  await expect(page.getByRole("dialog", { name: "Your own pictures" })).toBeVisible();
}

/** Gives the files to the dialog, without the encoder. */
async function give(page: Page, files: File[]): Promise<void> {
  await page.getByRole("radio", { name: /By shape and colour/ }).check();
  await page.getByLabel("Choose files or an archive").setInputFiles(files);
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
  };
  for (const [form, given] of Object.entries(forms)) {
    await dialog(page);
    await give(page, given);
    await expect(page.getByText("Learn from these 12 pairs"), form).toBeVisible();
    const first = page.getByRole("textbox", { name: /^Captions of/ }).first();
    await expect(first, form).toHaveValue(/a red card/);
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
  const { step } = await until(page, "still there", ({ step }) => step > 3);
  await until(page, "the run went on", (state) => state.step > step);
  expect(watched.errors).toEqual([]);
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
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)).toEqual([]);
  }
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(page.url()).not.toContain("own");
  await until(page, "the old run", ({ phase }) => phase === "ready");
});
