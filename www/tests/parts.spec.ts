// An engine is two files: a first visit needs the first, and whatever needs the second gets it, or says that it cannot.
import { expect, test, type Page } from "@playwright/test";
import { found, open, train, until, watch } from "./page";

const REST = "**/mtls_lab_rest.wasm*";

const askedFor = (requests: string[], file: string): string[] => requests.filter((url) => url.includes(file));

/** Fails at once, or is never answered. */
const without = (page: Page, how: "fails" | "hangs"): Promise<unknown> => page.route(REST, (route) => (how === "fails" ? route.abort() : undefined));

for (const [threads, how] of [[1, "fails"], [2, "hangs"]] as const) {
  test(`a first visit is trained and searched while the second file ${how}, ${threads} threads`, async ({ page }) => {
    const watched = watch(page);
    await without(page, how);
    await open(page, `device=cpu&epochs=4&threads=${threads}`);
    expect(askedFor(watched.requests, `bundles/${threads > 1 ? "threads" : "cpu"}/mtls_lab_bg.wasm`)).not.toEqual([]);
    await train(page);
    const { metrics } = await until(page, "the end", ({ finished }) => finished);
    expect(metrics?.i2t_r1).toBeGreaterThan(0);
    expect(await found(page, "images")).toHaveLength(12);
    // It was tried in the background, once a run stood.
    expect(askedFor(watched.requests, "mtls_lab_rest.wasm").length).toBeGreaterThan(0);
    await page.getByRole("button", { name: "Reset", exact: true }).click();
    await until(page, "a fresh run", ({ step, phase }) => phase === "ready" && step === 0);
    // Nothing failed, and no worker was replaced.
    await expect(page.getByText(/second part of the engine/)).toHaveCount(0);
  });
}

test("a saved run waits for the second file, and a failure does not forget it", async ({ page }) => {
  await open(page, "device=cpu&epochs=4");
  await train(page);
  const { step } = await until(page, "it is saved", ({ finished, savedStep, step: at }) => finished && savedStep === at);
  await without(page, "fails");
  await page.reload();
  const again = page.getByRole("button", { name: "Try again" });
  await expect(again).toBeVisible();
  await expect(page.getByText(/second part of the engine could not be loaded/)).toBeVisible();
  await page.unroute(REST);
  await again.click();
  expect((await until(page, "the run is back", ({ phase }) => phase === "ready")).step).toBe(step);
});

/** Asks for clusters, which no first visit does. */
const clusters = (page: Page): Promise<void> => page.getByRole("tab", { name: "Clusters" }).click();

test("what needs the second file says that it cannot be had; the run stays, and the next try gets it", async ({ page }) => {
  await page.route(REST, (route) => route.abort());
  await open(page, "device=cpu&epochs=4");
  await clusters(page);
  await expect(page.getByText(/second part of the engine could not be loaded/)).toBeVisible();
  await page.unroute(REST);
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await expect(async () => {
    for (const space of ["texts", "pictures"]) await page.getByTestId("clusters").getByRole("button", { name: space, exact: true }).click();
    await expect(page.getByTestId("clusters").getByRole("heading", { level: 2 }).first()).toBeVisible({ timeout: 2_000 });
  }).toPass();
});

test("a run that needs the second file before it has come waits for it", async ({ page }) => {
  const kinds: string[] = [];
  // What is loaded in the background never comes; a call that cannot wait asks in its own way.
  await page.route(REST, (route) => {
    kinds.push(route.request().resourceType());
    if (route.request().resourceType() === "xhr") return route.continue();
  });
  await open(page, "device=cpu&preset=paper&epochs=2");
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  expect(kinds).toContain("xhr");
});

test("a run that cannot have it says so and begins when it can", async ({ page }) => {
  await page.route(REST, (route) => route.abort());
  await page.goto("?device=cpu&preset=paper&epochs=2");
  const again = page.getByRole("button", { name: "Try again" });
  await expect(again).toBeVisible({ timeout: 120_000 });
  await expect(page.getByText(/second part of the engine could not be loaded/)).toBeVisible();
  await page.unroute(REST);
  await again.click();
  await until(page, "a run stands", ({ phase }) => phase === "ready");
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
});
