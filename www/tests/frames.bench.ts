// How long a frame of the space takes with 6,248 pictures and as many texts (four styles of 1,562 concepts), in the plot
// itself and without an engine: `BENCH=1 npx playwright test`. The frames are drawn by whatever draws WebGL here.
import { expect, test } from "@playwright/test";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { createServer, type ViteDevServer } from "vite";

const COUNT = 6_248;
const FRAMES = 40;

let server: ViteDevServer;
test.beforeAll(async () => {
  server = await createServer({ root: fileURLToPath(new URL("..", import.meta.url)), configFile: false, plugins: [svelte({ configFile: false })], logLevel: "error", server: { port: 0, hmr: false }, appType: "mpa" });
  await server.listen();
});
test.afterAll(() => server.close());

test(`frames of ${COUNT} pairs`, async ({ page }) => {
  test.setTimeout(600_000);
  await page.setViewportSize({ width: 1000, height: 700 });
  await page.goto(new URL("tests/frames.html", server.resolvedUrls!.local[0]).href);
  const results = await page.evaluate(async ({ count, frames }) => {
    const path = "/src/draw/deck-plot.ts";
    const { DeckPlot } = (await import(/* @vite-ignore */ path)) as typeof import("../src/draw/deck-plot");
    // In software a picture is drawn aside and then copied: the frame lasts until that is done.
    const probe = "/src/draw/webgl.ts";
    const aside = ((await import(/* @vite-ignore */ probe)) as typeof import("../src/draw/webgl")).drawsInSoftware();
    let copies = 0;
    const copy = WebGL2RenderingContext.prototype.blitFramebuffer;
    WebGL2RenderingContext.prototype.blitFramebuffer = function (...way) {
      if (this.getParameter(this.DRAW_FRAMEBUFFER_BINDING) === null) copies++;
      return copy.apply(this, way);
    };
    const tile = 32;
    const columns = Math.ceil(Math.sqrt(count));
    const canvas = new OffscreenCanvas(columns * tile, columns * tile);
    const context = canvas.getContext("2d")!;
    for (let i = 0; i < count; i++) {
      context.fillStyle = `hsl(${(i * 47) % 360} 70% 55%)`;
      context.fillRect((i % columns) * tile + 4, Math.floor(i / columns) * tile + 4, tile - 8, tile - 8);
    }
    const holder = document.createElement("div");
    holder.style.cssText = "position:absolute;inset:0";
    document.body.append(holder);
    const plot = new DeckPlot(holder, { pages: [canvas.transferToImageBitmap()], layout: { size: tile, columns, per_page: count, pages: 1 }, count }, { hover() {}, click() {} }, () => undefined, () => false);
    const gauss = (): number => Math.sqrt(-2 * Math.log(Math.random() + 1e-9)) * Math.cos(6.283 * Math.random());
    const centres = Array.from({ length: 40 }, () => [gauss() * 0.35, gauss() * 0.35, gauss() * 0.35]);
    const home = new Float32Array(6 * count);
    for (let i = 0; i < home.length; i++) home[i] = centres[Math.floor(i / 3) % 40]![i % 3]! + 0.08 * gauss();
    const colours = new Uint8ClampedArray(4 * count).map(() => 60 + Math.random() * 190);
    const next = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
    const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
    const found: { what: string; frame: number; script: number }[] = [];
    for (const dims of [2, 3] as const) {
      for (const draw of ["dots", "zoom", "pictures"] as const) {
        for (const lines of [false, true]) {
          if (lines && draw !== "zoom") continue;
          const times: number[] = [];
          const scripts: number[] = [];
          let before = 0;
          for (let frame = 0; frame < frames + 10; frame++) {
            const moved = home.map((value, i) => (dims === 2 && i % 3 === 2 ? 0 : value + 0.01 * Math.sin(frame / 5 + i)));
            const began = performance.now();
            plot.show({
              image: moved.subarray(0, 3 * count), text: moved.subarray(3 * count), dims, points: "both", draw, colours: { image: colours, text: colours }, selected: null, hovered: null,
              found: [], near: null, lines, ink: [0, 0, 0], blue: [0, 0, 200], orange: [200, 100, 0],
            });
            const spent = performance.now() - began;
            const drawn = copies + 1;
            let now = await next();
            while (aside && copies < drawn) now = await next();
            // The first few build shaders and textures.
            if (frame >= 10) {
              times.push(now - before);
              scripts.push(spent);
            }
            before = now;
          }
          found.push({ what: `${dims}-D, ${draw}${lines ? ", pair lines" : ""}`, frame: median(times), script: median(scripts) });
        }
      }
    }
    const gl = document.createElement("canvas").getContext("webgl2")!;
    const renderer = String(gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
    plot.destroy();
    return { renderer, found };
  }, { count: COUNT, frames: FRAMES });
  console.log(`${results.renderer}, 1000 x 700\n${"".padEnd(24)} ms a frame  of it in plot.show`);
  for (const { what, frame, script } of results.found) console.log(`${what.padEnd(24)} ${frame.toFixed(1).padStart(10)}  ${script.toFixed(1).padStart(18)}`);
  // Usable on a software renderer, even on a machine that does other things: five frames a second of what is shown by default.
  expect(results.found.find(({ what }) => what === "2-D, zoom")!.frame).toBeLessThan(200);
});
