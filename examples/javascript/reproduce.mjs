// node reproduce.mjs EXPORT...: recomputes every embedding of an export from its features and texts, and compares.
// Each EXPORT is a folder written by `mtls-lab export RUN --out EXPORT --what weights,features,jsonl`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Model, readSafetensors } from "./mtls-lab.mjs";

const MOST = 1e-5;

function buffer(folder, name) {
  const bytes = readFileSync(join(folder, name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function difference(rows, embed) {
  let most = 0;
  for (const row of rows) {
    const found = embed(row);
    // Written so that a number that is no number counts as a difference.
    row.vector.forEach((wanted, j) => (most = Math.abs(found[j] - wanted) <= most ? most : Math.abs(found[j] - wanted)));
  }
  return most;
}

let failed = process.argv.length < 3;
if (failed) console.error("usage: node reproduce.mjs EXPORT...");
for (const folder of process.argv.slice(2)) {
  const model = new Model(buffer(folder, "weights.safetensors"));
  const { about, tensors } = readSafetensors(buffer(folder, "features.safetensors"));
  const images = tensors.get(`image/${about.view}`), texts = tensors.get("text");
  const of = ({ shape, data }, item) => data.subarray(item * shape[1], (item + 1) * shape[1]);
  const rows = readFileSync(join(folder, "vectors.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const pictures = rows.filter((row) => row.modality === "image"), captions = rows.filter((row) => row.modality === "text");
  const found = {
    "image features": difference(pictures, (row) => model.embedImage(of(images, row.item))),
    "text features": difference(captions, (row) => model.text.embed(of(texts, row.item))),
    "raw texts": difference(captions, (row) => model.embedText(row.text)),
  };
  for (const [name, most] of Object.entries(found)) {
    const good = most <= MOST && pictures.length > 0;
    failed ||= !good;
    console.log(`${good ? "ok" : "FAILED"} ${folder}: ${name}, ${pictures.length} rows, largest difference ${most.toExponential(1)}`);
  }
}
process.exit(failed ? 1 : 0);
