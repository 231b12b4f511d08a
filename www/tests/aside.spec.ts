// How the space gets to the screen: where the processor draws, no frame of the page waits for a picture; a graphics card draws straight to the canvas.
import { expect, test, type Page } from "@playwright/test";
import { open, painted, train, until, watch } from "./page";

interface Drawn { straight: number; aside: number; shown: number; unfinished: number; behind: number }

/** Counts draw calls and copies by where they go, with this name of whatever draws. */
async function counted(page: Page, renderer: string): Promise<() => Promise<Drawn>> {
  await page.addInitScript((name) => {
    const drawn: Drawn = { straight: 0, aside: 0, shown: 0, unfinished: 0, behind: 0 };
    (window as unknown as { __drawn: Drawn }).__drawn = drawn;
    const gl = WebGL2RenderingContext.prototype;
    const open = new Set<WebGLSync>();
    /** A canvas has its picture, and the browser has not fetched it yet. */
    let handed = false;
    const instead = <K extends keyof WebGL2RenderingContext>(key: K, does: (this: WebGL2RenderingContext, given: unknown[], usual: () => unknown) => unknown): void => {
      const usual = gl[key] as (...given: unknown[]) => unknown;
      Object.assign(gl, { [key](this: WebGL2RenderingContext, ...given: unknown[]) { return does.call(this, given, () => usual.apply(this, given)); } });
    };
    const onCanvas = (context: WebGL2RenderingContext): boolean => context.getParameter(context.DRAW_FRAMEBUFFER_BINDING) === null;
    instead("getParameter", (given, usual) => (given[0] === 0x9246 ? name : usual()));
    for (const key of ["drawArrays", "drawElements", "drawArraysInstanced", "drawElementsInstanced"] as const) {
      instead(key, function (_, usual) {
        drawn[onCanvas(this) ? "straight" : "aside"]++;
        if (handed) drawn.behind++;
        return usual();
      });
    }
    instead("fenceSync", (_, usual) => {
      const fence = usual() as WebGLSync;
      open.add(fence);
      return fence;
    });
    instead("getSyncParameter", function (given, usual) {
      const answer = usual();
      if (answer === this.SIGNALED) open.delete(given[0] as WebGLSync);
      return answer;
    });
    instead("deleteSync", (given, usual) => (open.delete(given[0] as WebGLSync), usual()));
    instead("blitFramebuffer", function (_, usual) {
      if (onCanvas(this)) {
        drawn.shown++;
        if (open.size > 0) drawn.unfinished++;
        handed = true;
        setTimeout(() => (handed = false));
      }
      return usual();
    });
  }, renderer);
  return () => page.evaluate(() => (window as unknown as { __drawn: Drawn }).__drawn);
}

test("in software, pictures of both plots are drawn aside, one at a time, and copied when they are finished", async ({ page }) => {
  const watched = watch(page);
  const drawn = await counted(page, "SwiftShader");
  await open(page, "epochs=3&show=both");
  await train(page);
  await until(page, "both at the end", ({ finished, step, twin }) => finished && twin.step === step);
  await expect(page.getByTestId("plot-twin")).toHaveAttribute("data-drawn", "true");
  // Neither plot keeps the other from drawing, and a new size goes the same way.
  for (const plot of ["plot", "plot-twin"]) await expect.poll(() => painted(page, plot), { message: plot }).toBeGreaterThan(50);
  await page.setViewportSize({ width: 1200, height: 800 });
  await expect.poll(() => page.locator("canvas#deckgl-overlay").evaluateAll((all) => all.every((one) => (one as HTMLCanvasElement).width === one.clientWidth && (one as HTMLCanvasElement).height === one.clientHeight))).toBe(true);
  for (const plot of ["plot", "plot-twin"]) await expect.poll(() => painted(page, plot), { message: plot }).toBeGreaterThan(50);
  // A plot that goes while it draws leaves the other one its turn.
  await page.getByTestId("plot").focus();
  await page.keyboard.press("+");
  await page.getByRole("button", { name: "Without", exact: true }).click();
  const before = (await drawn()).shown;
  await page.getByTestId("plot-twin").focus();
  await page.keyboard.press("+");
  await expect.poll(async () => (await drawn()).shown).toBeGreaterThan(before);
  const { straight, aside, shown, unfinished, behind } = await drawn();
  expect({ straight, unfinished, behind }).toEqual({ straight: 0, unfinished: 0, behind: 0 });
  expect(aside).toBeGreaterThan(shown);
  expect(shown).toBeGreaterThan(4);
  expect(watched.errors).toEqual([]);
});

test("a graphics card draws straight to the canvas", async ({ page }) => {
  const drawn = await counted(page, "a graphics card");
  await open(page, "epochs=1");
  await expect.poll(async () => (await drawn()).straight).toBeGreaterThan(0);
  expect(await drawn()).toMatchObject({ aside: 0, shown: 0 });
  await expect.poll(() => painted(page, "plot")).toBeGreaterThan(50);
});
