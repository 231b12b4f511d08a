// Takes an engine through a first visit of the page and writes what it called, for wasm-split:
//   node first-visit.mjs FOLDER PROFILE
//   node first-visit.mjs FOLDER PROFILE PROFILE BROWSER
// FOLDER holds the engine, instrumented as counting.wasm. In Node it runs on the CPU; in BROWSER twice, on WebGPU.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";

const PACK = "packs/emoji";
const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * As the page does it (www/src/worker/worker.ts): opens an engine, starts the run that the page begins with, trains to its
 * end, and looks for what is written in the search field. `read(path)`: bytes of a file. It is sent to a browser as text: it
 * uses nothing of this module. `which`: the run on the "cpu" or the "gpu", or "auto": begun on the one, moved to the other.
 */
async function visit(glue, read, pack, which) {
  const wasm = await glue.default({ module_or_path: await read("counting.wasm") });
  const memory = wasm.memory;
  const { instance } = await WebAssembly.instantiate(await read("kernels.wasm"), { env: { memory } });
  const run = (job, parts, scratch) => {
    for (let part = 0; part < parts; part++) instance.exports.run(job, part, parts, scratch);
  };
  glue.join({ threads: 1, run });
  glue.scratch();
  glue.about();
  glue.default_config();
  glue.presets();
  glue.objectives();
  glue.retunable();
  const manifest = await read(`${pack}/manifest.json`);
  const opened = async (open = new glue.Pack(manifest)) => {
    const { parts } = open.manifest();
    for (const name of open.parts_for("emoji-1k", ["noto"], ["en"])) {
      if (!open.has_part(name)) open.add_part(name, await read(`${pack}/${parts.find((part) => part.name === name).file}`));
    }
    return open;
  };
  const began = async (engine, begin, kept) => {
    engine.device();
    const open = await opened(kept);
    const data = glue.Data.from_pack(open, { subset: "emoji-1k", views: ["noto"] });
    const info = await begin(data);
    data.free();
    const { pages } = engine.sheet();
    for (let page = 0; page < pages; page++) engine.sheet_page(page);
    engine.items();
    await engine.projection();
    await engine.evaluate();
    return info;
  };
  const trained = async (engine, steps) => {
    for (let step = 0; step < steps; ) {
      const events = await engine.step(5);
      step = events.findLast((event) => event.type === "step")?.step ?? steps;
      await engine.projection();
      await engine.search_text("red fruit", 12, "now");
    }
  };
  const engine = await glue.Engine.create(which === "gpu" ? "gpu" : "cpu", null);
  // What is called depends on chance as well (the order of a hash table, of a sort's input): several runs, most of them short.
  const started = (seed, epochs) => began(engine, (data) => engine.start(data, { seed, train: { epochs } }));
  for (let seed = 1; which !== "gpu" && seed <= 5; seed++) await trained(engine, (await started(seed, 2)).total_steps);
  // The same run twice: what is kept of the first is used again.
  const kept = await opened();
  await began(engine, (data) => engine.start(data, {}), kept);
  const info = await began(engine, (data) => engine.start(data, {}), kept);
  // Where the GPU is emulated a step takes a second.
  await trained(engine, which === "cpu" ? info.total_steps : info.steps_per_epoch);
  if (which !== "cpu") {
    // The page trains on the CPU first and moves the run when the GPU's engine is there and faster.
    const snapshot = await engine.snapshot();
    const next = which === "gpu" ? engine : await glue.Engine.create("auto", info.workload);
    await began(next, (data) => next.resume(data, snapshot));
    await trained(next, 2 * info.steps_per_epoch);
  }
  const length = wasm.__write_profile(0, 0);
  const at = memory.grow(Math.ceil(length / 65536)) * 65536;
  wasm.__write_profile(at, length);
  return new Uint8Array(memory.buffer, at, length).slice();
}

async function inNode(folder) {
  // Node 20 has relaxed SIMD behind a flag.
  v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  const at = (path) => (path.startsWith(PACK) ? join(ROOT, path) : join(folder, path));
  // The folder says nothing about the kind of its modules.
  const glue = await import(`data:text/javascript;base64,${readFileSync(join(folder, "mtls_lab.js")).toString("base64")}`);
  return visit(glue, async (path) => readFileSync(at(path)), PACK, "cpu");
}

async function inBrowser(folder, executablePath, which) {
  const { chromium } = createRequire(join(ROOT, "www/"))("@playwright/test");
  const { args } = JSON.parse(readFileSync(join(ROOT, "webdriver.json"), "utf8"))["goog:chromeOptions"];
  const browser = await chromium.launch({ args, executablePath });
  try {
    const page = await browser.newPage();
    await page.route("**/*", (route) => {
      const path = new URL(route.request().url()).pathname.slice(1);
      if (path === "") return route.fulfill({ contentType: "text/html", body: "" });
      return route.fulfill({ path: path.startsWith(PACK) ? join(ROOT, path) : join(folder, path) });
    });
    await page.goto("http://localhost/");
    const profile = await page.evaluate(
      async ([text, pack, which]) => {
        const visit = (0, eval)(`(${text})`);
        const read = async (path) => new Uint8Array(await (await fetch(`/${path}`)).arrayBuffer());
        return Array.from(await visit(await import("/mtls_lab.js"), read, pack, which));
      },
      [visit.toString(), PACK, which],
    );
    return Uint8Array.from(profile);
  } finally {
    await browser.close();
  }
}

const [folder, ...profiles] = process.argv.slice(2);
const browser = profiles.length > 1 ? profiles.pop() : null;
if (browser) {
  for (const [n, which] of ["auto", "gpu"].entries()) writeFileSync(profiles[n], await inBrowser(folder, browser, which));
} else {
  writeFileSync(profiles[0], await inNode(folder));
}
