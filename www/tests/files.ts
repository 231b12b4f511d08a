// Files that tests make: pictures, archives, and a data set of cards; and how they are given to the page.
import { expect, type Page } from "@playwright/test";
import { deflateSync } from "node:zlib";

const CRC = Uint32Array.from({ length: 256 }, (_, n) => Array.from({ length: 8 }).reduce<number>((c) => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n));
/** CRC-32, as PNG and zip have it. */
export const crc = (bytes: Buffer): number => ~bytes.reduce((c, byte) => CRC[(c ^ byte) & 255]! ^ (c >>> 8), ~0) >>> 0;

/** A PNG whose pixels are `at(x, y)`. */
export function pngOf(side: number, at: (x: number, y: number) => readonly number[]): Buffer {
  const rows = Buffer.concat(Array.from({ length: side }, (_, y) => Buffer.from([0, ...Array.from({ length: side }, (_, x) => at(x, y)).flat()])));
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

/** One of one colour with a bar whose place tells one picture from another. */
export const png = (red: number, green: number, blue: number, bar: number): Buffer =>
  pngOf(24, (x, y) => ((x * 3 + y * 5 + bar * 7) % 24 < 3 || x === bar % 24 ? [255, 255, 255] : [red, green, blue]));

export const COLOURS = [["red", 220, 30, 30], ["green", 30, 180, 40], ["blue", 40, 60, 220], ["grey", 120, 120, 120]] as const;
export interface File { name: string; mimeType: string; buffer: Buffer }
export const file = (name: string, buffer: Buffer | string): File => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(buffer) });

/** `n` pictures in four colours, and a table that says so. */
export function set(n: number): File[] {
  const rows = Array.from({ length: n }, (_, i) => `${i}.png,a ${COLOURS[i % 4]![0]} card number ${i},${COLOURS[i % 4]![0]}`);
  const pictures = Array.from({ length: n }, (_, i) => file(`${i}.png`, png(COLOURS[i % 4]![1], COLOURS[i % 4]![2], COLOURS[i % 4]![3], i)));
  return [file("metadata.csv", `file_name,text,label\n${rows.join("\n")}\n`), ...pictures];
}

/** Stored, not compressed. */
export function tar(files: File[]): Buffer {
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

/** Stored; with `method` 8 what is given is deflated already, and unpacks to `size` bytes. `entries`: how many the end announces. */
export function zip(files: (File & { size?: number })[], method = 0, entries = files.length): Buffer {
  const [local, central]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const { name, buffer, size = buffer.length } of files) {
    const label = Buffer.from(name);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt16LE(method, 8);
    head.writeUInt32LE(method === 0 ? crc(buffer) : 0, 14);
    head.writeUInt32LE(buffer.length, 18);
    head.writeUInt32LE(size, 22);
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
  // More than 65,535 entries are announced by a record of their own.
  const long = Buffer.alloc(entries > 65_535 ? 56 + 20 : 0);
  if (long.length > 0) {
    long.writeUInt32LE(0x06064b50, 0);
    long.writeBigUInt64LE(44n, 4);
    long.writeBigUInt64LE(BigInt(entries), 24);
    long.writeBigUInt64LE(BigInt(entries), 32);
    long.writeBigUInt64LE(BigInt(size), 40);
    long.writeBigUInt64LE(BigInt(at), 48);
    long.writeUInt32LE(0x07064b50, 56);
    long.writeBigUInt64LE(BigInt(at + size), 64);
    long.writeUInt32LE(1, 72);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries, 65_535), 8);
  end.writeUInt16LE(Math.min(entries, 65_535), 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, ...central, long, end]);
}

export const FAST = "preset=retrieval&hidden=16&dim=8&batch=16&text_dim=32&epochs=4";

/** Opens the dialog for own data. */
export async function dialog(page: Page): Promise<void> {
  await page.getByLabel("Data", { exact: true }).selectOption({ label: "Your own pictures…" });
  await expect(page.getByRole("dialog", { name: "Your own pictures" })).toBeVisible();
}

/** Gives the files to the dialog, without the encoder. */
export async function give(page: Page, files: File[]): Promise<void> {
  await page.getByRole("radio", { name: /By shape and colour/ }).check();
  await page.getByLabel("Choose files or an archive").setInputFiles(files);
}
