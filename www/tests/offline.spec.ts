// After one visit the page needs no server: whatever it can do, it does without one; and a new build is never hidden.
import { expect, test, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { found, state, TINY, train, until } from "./page";

test.use({ serviceWorkers: "allow" });

/** The site of the other tests at another sub-path, on a server that can go away and whose files can be changed. */
class Host {
  asked: string[] = [];
  edit: (file: string, body: Buffer) => Buffer = (_, body) => body;
  url = "";
  readonly #from = process.env.SITE_URL ?? "http://127.0.0.1:8080/";
  #server: Server | null = null;
  #port = 0;

  async start(): Promise<void> {
    const path = "/any/sub-path/";
    this.#server = createServer((request, response) => {
      const address = request.url ?? "";
      if (!address.startsWith(path)) return void response.writeHead(404).end();
      const file = address.slice(path.length).split("?")[0]!;
      this.asked.push(address.slice(path.length));
      const upstream = file === "assets/index-newer.js" ? this.entry : file;
      fetch(new URL(upstream, this.#from))
        .then(async (answer) => {
          const body = this.edit(file || "index.html", Buffer.from(await answer.arrayBuffer()));
          // As GitHub Pages: a type, and ten minutes for everything.
          response.writeHead(answer.status, { "Content-Type": answer.headers.get("Content-Type") ?? "application/octet-stream", "Cache-Control": "max-age=600" }).end(body);
        })
        .catch(() => response.writeHead(502).end());
    });
    await new Promise<void>((done) => this.#server!.listen(this.#port, "127.0.0.1", done));
    this.#port = (this.#server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.#port}${path}`;
  }

  /** The built page's own script. */
  entry = "";
  async know(): Promise<void> {
    this.entry = /assets\/index-[\w-]+\.js/.exec(await (await fetch(this.#from)).text())![0];
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise<void>((done) => (this.#server ? this.#server.close(() => done()) : done()));
    this.#server = null;
  }
}

const stands = async (page: Page): Promise<void> => {
  await expect.poll(() => page.evaluate(() => "__lab" in window)).toBe(true);
  await until(page, "a run stands", ({ phase }) => phase === "ready");
};

let host: Host;
test.beforeEach(async () => {
  host = new Host();
  await host.know();
  await host.start();
});
test.afterEach(async () => host.stop());

/** A first visit, until everything is kept. */
async function visit(page: Page, parameters = ""): Promise<void> {
  await page.goto(host.url + parameters);
  await stands(page);
  // The first screen first: nothing of this is fetched for it.
  expect(host.asked.filter((address) => /sw\.js|twemoji|openmoji|fluent|encoder|bundles\/(gpu|files)|-b\./.test(address))).toEqual([]);
  await expect(page.getByText("works offline")).toBeVisible({ timeout: 120_000 });
}

test("after one visit everything works without a server: training, words, a picture, another style, another language", async ({ page }) => {
  await visit(page);
  // Every part is asked for once; the GPU's engine is not, as it was not used.
  const parts = host.asked.filter((address) => address.startsWith("packs/") && address.includes("?v="));
  expect(new Set(parts.map((address) => address.split("?")[0])).size).toBeGreaterThan(25);
  expect(host.asked.filter((address) => address.startsWith("bundles/gpu"))).toEqual([]);
  expect(host.asked.filter((address) => address.startsWith("bundles/files")).map((address) => /\w+$/.exec(address.split("?")[0]!)![0]).sort()).toEqual(["js", "wasm"]);
  await host.stop();

  await page.goto(`${host.url}?epochs=3`);
  await stands(page);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await page.getByRole("searchbox").fill("cat");
  await expect.poll(async () => (await found(page, "images")).some((title) => /cat/i.test(title))).toBe(true);
  await page.setInputFiles("input[type=file]", { name: "photo.png", mimeType: "image/png", buffer: readFileSync(new URL("./apple.png", import.meta.url)) });
  await expect(page.getByText("what resembles photo.png")).toBeVisible({ timeout: 120_000 });
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByLabel("Data", { exact: true }).selectOption("emoji-4");
  await page.getByRole("button", { name: "Start over with them" }).click();
  await expect(page.getByText("1,249 pairs to learn from, 313 held out")).toBeVisible({ timeout: 120_000 });
  await page.getByRole("combobox", { name: "Language", exact: true }).selectOption({ label: "Deutsch" });
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await stands(page);
  await expect(page.getByRole("button", { name: "Trainieren", exact: true })).toBeVisible();
  await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
});

test("what is called of an engine's second file before a run stands is there without a server too", async ({ page }) => {
  await visit(page, `?${TINY}`);
  await host.stop();
  // Shapes are made there: the engine's worker stops until it has that file, with a request that cannot be waited for.
  await page.goto(`${host.url}?${TINY}&data=shapes`);
  await stands(page);
  await expect(page.getByText(/pairs to learn from/)).toBeVisible();
});

test("a new build is taken up at the next visit, and said to a page that stands open", async ({ page }) => {
  await visit(page, `?${TINY}`);
  const script = (): Promise<string> => page.evaluate(() => document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src ?? "");
  expect(await script()).toContain(host.entry);
  host.edit = (file, body) => (/^(index\.html|sw\.js)$/.test(file) ? Buffer.from(body.toString().replaceAll(host.entry, "assets/index-newer.js").replace(/SITE_VERSION ?= ?"\w+"/, 'SITE_VERSION="newer"')) : body);
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  await expect(page.getByRole("alert")).toContainText("A new version of this page is ready.");
  await page.getByRole("button", { name: "Reload" }).click();
  await expect.poll(script).toContain("assets/index-newer.js");
  await stands(page);
  await expect(page.getByText("works offline")).toBeVisible({ timeout: 120_000 });
  await expect(page.getByRole("alert")).toBeEmpty();
  expect(await kept(page)).toEqual({ sites: 2, newest: true });

  // Also with nobody to say so: the network's page and list of engines come first.
  host.edit = (file, body) => {
    if (file === "index.html") return Buffer.from(body.toString().replace("</title>", " (newest)</title>"));
    return file === "bundles.json" ? Buffer.from(JSON.stringify({ ...(JSON.parse(body.toString()) as object), cpu: null })) : body;
  };
  const [answer] = await Promise.all([page.waitForResponse((response) => response.url().endsWith("/bundles.json")), page.goto(`${host.url}?${TINY}`)]);
  expect(await page.evaluate(async () => (await fetch("./")).text())).toContain("(newest)");
  expect(((await answer.json()) as { cpu: unknown }).cpu).toBeNull();
});

/** What the browser keeps: builds of the site, and whether the one it answers with is the newest. */
async function kept(page: Page): Promise<{ sites: number; newest: boolean }> {
  return page.evaluate(async () => {
    const sites = (await caches.keys()).filter((name) => name.startsWith("mtls-lab/site/"));
    return { sites: sites.length, newest: sites.at(-1) === "mtls-lab/site/newer" };
  });
}

test("the worker that trains has the page's policy also where the host sends none", async ({ page }) => {
  await visit(page, `?${TINY}`);
  const [answer] = await Promise.all([page.waitForResponse((response) => /assets\/worker-[\w-]+\.js$/.test(response.url())), page.reload()]);
  expect(answer.headers()["content-security-policy"]).toContain("default-src 'self'");
  await stands(page);
  expect((await state(page)).step).toBe(0);
});

test("from the second visit on threads share memory also where the host sends no headers", async ({ page }) => {
  const isolated = (): Promise<boolean> => page.evaluate(() => crossOriginIsolated);
  await visit(page, `?${TINY}&threads=2`);
  expect(await isolated()).toBe(false);
  await page.goto(`${host.url}?${TINY}&threads=2`);
  await stands(page);
  expect(await isolated()).toBe(true);
  await until(page, "two threads", ({ threads }) => threads === 2);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
});

test("the manifest and its icons are there: the page can be installed", async ({ page }) => {
  await visit(page, `?${TINY}`);
  const inspector = await page.context().newCDPSession(page);
  const { errors, url } = await inspector.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  expect(url).toBe(`${host.url}manifest.webmanifest`);
  const { installabilityErrors } = await inspector.send("Page.getInstallabilityErrors");
  expect(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
  const icons = await page.evaluate(async (address) => {
    const { icons } = (await (await fetch(address)).json()) as { icons: { src: string; sizes: string; type: string }[] };
    return Promise.all(icons.filter(({ type }) => type === "image/png").map(async ({ src, sizes }) => {
      const bitmap = await createImageBitmap(await (await fetch(new URL(src, address))).blob());
      return sizes === `${bitmap.width}x${bitmap.height}`;
    }));
  }, url);
  expect(icons).toEqual([true, true, true, true]);
});
