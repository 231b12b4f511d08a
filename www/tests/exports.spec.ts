// The run leaves the page as files, and each of them can be opened: arrays, tables, tensors, and a search page of its own.
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inflateRawSync } from "node:zlib";
import { found, open, state, TINY, train, until, watch } from "./page";

const DIM = 8;
/** Items of Emoji-1k. */
const N = 1_015;

async function exported(page: Page, id: string): Promise<{ name: string; bytes: Buffer }> {
  const waiting = page.waitForEvent("download");
  await page.locator(`[data-export="${id}"]`).click();
  const download = await waiting;
  await expect(page.getByRole("dialog").getByRole("status")).toContainText(download.suggestedFilename());
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** The files of a zip, by the list at its end. */
function unzip(zip: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const end = zip.lastIndexOf("PK\x05\x06", undefined, "latin1");
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
    const [method, size, name, extra, comment, start] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32), zip.readUInt32LE(at + 42)];
    const body = start + 30 + zip.readUInt16LE(start + 26) + zip.readUInt16LE(start + 28);
    const packed = zip.subarray(body, body + size);
    files.set(zip.toString("utf8", at + 46, at + 46 + name), method === 8 ? inflateRawSync(packed) : packed);
    at += 46 + name + extra + comment;
  }
  return files;
}

/** A numpy array: what its header says, and its bytes. */
function array(files: Map<string, Buffer>, name: string): { head: string; body: Buffer } {
  const file = files.get(`${name}.npy`)!;
  expect(file.toString("latin1", 0, 8)).toBe("\x93NUMPY\x01\x00");
  const length = file.readUInt16LE(8);
  return { head: file.toString("latin1", 10, 10 + length), body: file.subarray(10 + length) };
}

const floats = (bytes: Buffer): number[] => Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
const lines = (file: Buffer): string[] => file.toString("utf8").replace(/\n$/, "").split("\n");

async function trained(page: Page): Promise<void> {
  await open(page, `${TINY}&data=emoji-1k`);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await page.getByRole("button", { name: "Export run", exact: true }).click();
}

test("every file can be opened, and all say the same", async ({ page }) => {
  const watched = watch(page);
  await trained(page);
  const { step } = await state(page);

  const jsonl = await exported(page, "jsonl");
  expect(jsonl.name).toContain(`step-${step}`);
  const rows = lines(jsonl.bytes).map((line) => JSON.parse(line) as { item: number; modality: string; title: string; vector: number[] });
  expect(rows).toHaveLength(2 * N);
  expect(rows.map(({ modality }) => modality)).toEqual([...Array<string>(N).fill("image"), ...Array<string>(N).fill("text")]);
  for (const { vector } of rows) expect(vector).toHaveLength(DIM);

  const npz = unzip((await exported(page, "npz")).bytes);
  for (const [name, first] of [["image", 0], ["text", N]] as const) {
    const { head, body } = array(npz, name);
    expect(head).toContain(`'shape': (${N}, ${DIM},)`);
    const numbers = floats(body);
    expect(numbers.slice(0, DIM)).toEqual(rows[first]!.vector.map(Math.fround));
    expect(numbers.slice(-DIM)).toEqual(rows[first + N - 1]!.vector.map(Math.fround));
  }
  expect(array(npz, "titles").head).toMatch(new RegExp(`'<U\\d+'.*\\(${N},\\)`));

  const tsv = unzip((await exported(page, "tsv")).bytes);
  const vectors = lines(tsv.get("vectors.tsv")!);
  expect(vectors).toHaveLength(2 * N);
  expect(vectors[7]!.split("\t").map(Number)).toEqual(rows[7]!.vector);
  const metadata = lines(tsv.get("metadata.tsv")!);
  expect(metadata).toHaveLength(2 * N + 1);
  expect(metadata[8]!.split("\t").slice(0, 2)).toEqual([rows[7]!.title, "image"]);

  for (const [id, format] of [["weights", "mtls-lab-weights"], ["features", "mtls-lab-features"]] as const) {
    const { bytes } = await exported(page, id);
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE(0)))) as { __metadata__: { "mtls-lab": string } };
    expect(JSON.parse(header.__metadata__["mtls-lab"])).toMatchObject({ format, version: 1 });
  }

  const csv = lines((await exported(page, "csv")).bytes).map((line) => line.split(","));
  const json = JSON.parse((await exported(page, "json")).bytes.toString("utf8")) as { step: number; history: { type: string }[] };
  expect(json.step).toBe(step);
  expect(csv.at(-1)![csv[0]!.indexOf("step")]).toBe(String(step));
  // A row an iteration, and the state before training.
  expect(csv).toHaveLength(step + 2);
  expect(json.history.filter(({ type }) => type === "step")).toHaveLength(step);
  expect([watched.outside, watched.errors]).toEqual([[], []]);
});

/** Serves files below a path, as a project site would. */
async function served(files: Map<string, Buffer>): Promise<{ server: Server; url: string }> {
  const TYPES: Record<string, string> = { html: "text/html", js: "text/javascript", css: "text/css", json: "application/json", jpg: "image/jpeg" };
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0]!.replace(/^\/some\/place\//, "");
    const file = files.get(`page/${path || "index.html"}`);
    if (!file) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.split(".").pop()!] ?? (path ? "application/octet-stream" : "text/html") }).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/place/` };
}

test("the exported page searches both ways, by keyboard too, in both themes, and asks nobody else", async ({ page, context }) => {
  await trained(page);
  const { server, url } = await served(unzip((await exported(page, "page")).bytes));
  // What the lab finds for the same words.
  await page.keyboard.press("Escape");
  await page.getByRole("searchbox").fill("red fruit");
  await expect.poll(async () => (await found(page, "images")).length).toBeGreaterThan(3);
  try {
    const search = await context.newPage();
    const requests: string[] = [], errors: string[] = [];
    search.on("request", (request) => requests.push(request.url()));
    search.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    search.on("pageerror", (error) => errors.push(error.message));
    await search.goto(url);
    await expect(search.getByRole("searchbox")).toBeEnabled();
    await expect(search.locator("#pictures li")).toHaveCount(24);
    await search.keyboard.press("Tab");
    await expect(search.getByRole("searchbox")).toBeFocused();
    await search.keyboard.type("red fruit");
    await expect(search).toHaveURL(/#q=red\+fruit$/);
    await expect(search.getByRole("status")).toContainText("best first");
    const first = (await search.locator("#pictures .title").first().textContent())!;
    // 8 bits a number may exchange two that are as good.
    await expect.poll(async () => (await found(page, "images")).slice(0, 3)).toContain(first);
    for (const colorScheme of ["light", "dark"] as const) {
      await search.emulateMedia({ colorScheme });
      expect((await new AxeBuilder({ page: search }).analyze()).violations).toEqual([]);
    }
    // To a picture of the set by keyboard: its texts, and the pictures like it; Back leads back.
    await search.keyboard.press("Tab");
    await search.keyboard.press("Enter");
    await expect(search.getByRole("heading", { name: first, exact: true })).toBeFocused();
    await expect(search.locator("#texts li")).toHaveCount(8);
    await expect(search.locator("#pictures .title")).not.toHaveCount(0);
    expect((await new AxeBuilder({ page: search }).analyze()).violations).toEqual([]);
    await search.goBack();
    await expect(search.locator("#pictures .title").first()).toHaveText(first);
    await expect(search.getByRole("searchbox")).toHaveValue("red fruit");
    // A picture is drawn: its sheet was loaded.
    expect(requests.some((request) => request.endsWith("pictures-0.jpg"))).toBe(true);
    expect(requests.filter((request) => !request.startsWith(url) && !request.startsWith("data:"))).toEqual([]);
    await search.setViewportSize({ width: 360, height: 740 });
    expect(await search.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(errors).toEqual([]);
  } finally {
    server.close();
  }
});

test("the dialog is reached and left by keyboard, and says where pictures and films are", async ({ page }) => {
  await open(page, TINY);
  const button = page.getByRole("button", { name: "Export run", exact: true });
  await button.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Export this run" });
  await expect(dialog).toBeVisible();
  for (const theme of ["light", "dark"]) {
    await page.evaluate((name) => (document.documentElement.dataset["theme"] = name), theme);
    expect((await new AxeBuilder({ page }).include("dialog").analyze()).violations).toEqual([]);
  }
  await expect(dialog.locator("[data-export=weights]")).toBeEnabled();
  await expect(dialog).toContainText("a film of the training");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(button).toBeFocused();
});
