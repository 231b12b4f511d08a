// The views of the large area, and the switch between the run and its twin.
import { expect, test } from "@playwright/test";
import { open, state, train, until, watch, workers } from "./page";

test("the twin is the same run without transfer, step for step, and both are drawn", async ({ page }) => {
  const watched = watch(page);
  await open(page, "seed=3&epochs=6");
  await page.getByRole("button", { name: "Both", exact: true }).click();
  await until(page, "the twin stands", ({ twin }) => twin.ready);
  await train(page);
  const done = await until(page, "both at the end", ({ finished, step, twin }) => finished && twin.step === step && twin.metrics !== null);
  await expect(page.getByTestId("plot")).toHaveAttribute("data-drawn", "true");
  await expect(page.getByTestId("plot-twin")).toHaveAttribute("data-drawn", "true");
  await expect(page.getByTestId("recall-twin")).toContainText("without");
  expect(workers(page).length).toBe(2);
  expect(page.url()).toContain("show=both");
  await until(page, "the twin's last metrics", ({ twin }) => twin.metrics?.["ami_image"] !== null);
  const twin = (await state(page)).twin.metrics!;
  expect(twin["mr"]).not.toBe(done.metrics!["mr"]);

  // What the twin came to is, to the last digit, what a run of its own with the same seed comes to.
  await open(page, "preset=retrieval&seed=3&epochs=6");
  await train(page);
  const alone = await until(page, "the run without transfer", ({ finished }) => finished);
  for (const metric of ["mr", "i2t_r1", "ami_image", "order_agreement"]) expect(alone.metrics![metric], metric).toBe(twin[metric]);
  expect(watched.errors).toEqual([]);
});

test("neighbourhoods before training, now and in the twin, and what is taught about an item", async ({ page }) => {
  await open(page, "seed=3&epochs=8&view=neighbourhoods");
  await train(page);
  await until(page, "both at the end", ({ finished, step, twin }) => finished && twin.step === step);
  const view = page.getByTestId("neighbourhoods");
  await expect(view.getByRole("columnheader", { name: /overlap \d+ %/ })).toHaveCount(3);
  const lists = view.locator("tbody ol");
  await expect(lists).toHaveCount(6);
  const titles = async (list: number): Promise<string[]> => lists.nth(list).locator("button span:last-child").allTextContents();
  for (let list = 0; list < 6; list++) expect(await titles(list)).toHaveLength(8);
  // Pictures: before training and now differ; so do now and without transfer.
  expect(await titles(1)).not.toEqual(await titles(0));
  expect([await titles(1), await titles(4)]).not.toEqual([await titles(2), await titles(5)]);
  await expect(view.getByRole("heading", { name: "Texts teach the pictures λ 3" })).toBeVisible();
  await expect(view.getByText(/\d+ of \d+ triplets stand the wrong way round/).first()).toBeVisible();

  // A neighbour becomes the item, and the link leads back here.
  // Read and pressed in one turn: between two the list may be another one.
  const next = await lists.nth(1).locator("button").first().evaluate((one: HTMLElement) => {
    const name = one.querySelector("span:last-child")!.textContent!;
    one.click();
    return name;
  });
  await expect(view.getByRole("heading", { level: 2 })).toHaveText(next);
  expect(page.url()).toMatch(/view=neighbourhoods/);
  expect(page.url()).toMatch(/item=\d+/);
  await page.reload();
  await until(page, "the page is back", ({ phase }) => phase === "ready");
  await expect(page.getByTestId("neighbourhoods").getByRole("heading", { level: 2 })).toHaveText(next);

  // Tabs by keyboard.
  await page.getByRole("tab", { name: "Neighbourhoods" }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByRole("tab", { name: "Space" })).toBeFocused();
  await expect(page.getByTestId("plot")).toBeVisible();
});

test("similarities: the diagonal wins, a cell says what it is, the keyboard moves it", async ({ page }) => {
  await open(page, "epochs=8&view=matrix");
  const view = page.getByTestId("matrix");
  await expect(view.getByTestId("firsts")).toContainText(/\d+ of 202 pictures/);
  // The pairs of the next batch: a third of the 813 that are trained on.
  await view.getByRole("button", { name: "Next batch" }).click();
  await expect(view.getByTestId("firsts")).toContainText(/\d+ of 271 pictures/);
  await view.getByRole("button", { name: "Held out" }).click();
  await train(page);
  await until(page, "the end", ({ finished }) => finished);
  await view.getByRole("application").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  // Row 1, column 1: a picture and its own text.
  await expect(view.getByText(/Its own text: -?0\.\d\d, rank \d+\./)).toBeVisible();
  await page.keyboard.press("ArrowRight");
  await expect(view.getByText(/its own text has -?0\.\d\d/)).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("selected")).toContainText("Nearest texts");
  expect(page.url()).toContain("view=matrix");
  // Pictures that were trained on know their texts better than held-out ones do.
  const share = async (): Promise<number> => {
    const [, firsts, all] = /(\d+) of (\d+)/.exec((await view.getByTestId("firsts").textContent()) ?? "")!;
    return Number(firsts) / Number(all);
  };
  const heldOut = await share();
  await view.getByRole("button", { name: "Trained on" }).click();
  await expect(view.getByTestId("firsts")).toContainText("of 320 pictures");
  expect(await share()).toBeGreaterThan(heldOut);
});

test("clusters are named, counted against the labels, and follow the space", async ({ page }) => {
  await open(page, "epochs=8&view=clusters&eval_every=2");
  await train(page);
  const { metrics, evaluations } = await until(page, "the end", ({ finished }) => finished);
  const view = page.getByTestId("clusters");
  const agreement = view.getByTestId("agreement");
  await expect(agreement).toContainText(/AMI 0\.\d{3}/);
  // As many as there are labels, and every item is in one of them.
  await expect(view.locator(".groups > li")).toHaveCount(6);
  const counts = async (): Promise<number[]> => (await view.locator("tbody td").allTextContents()).map(Number);
  const all = async (): Promise<number> => (await counts()).reduce((sum, count) => sum + count, 0);
  expect(await all()).toBe(1015);
  expect((await view.locator("h2").allTextContents()).join()).toMatch(/animal|face|food/);
  // Standard groups are followed by every evaluation: the curve ends where the last one does.
  const overTime = view.getByTestId("agreement-over-time");
  expect(evaluations).toBe(5);
  for (const index of ["ami", "nmi", "ari"]) await expect(overTime).toContainText(new RegExp(`${index.toUpperCase()}: 0\\.\\d{3} → ${metrics![`${index}_image`]!.toFixed(3)}`));
  const pictures = await agreement.textContent();
  await view.getByRole("button", { name: "texts" }).click();
  await expect(agreement).not.toHaveText(pictures!);
  await view.getByLabel("Number of clusters").fill("12");
  await expect(view.locator(".groups > li")).toHaveCount(12);
  await expect(overTime).toContainText("since these groups are looked at");

  // HDBSCAN: groups by density, the rest is noise, and none is smaller than asked for.
  await view.getByRole("button", { name: "pictures" }).click();
  await view.getByRole("button", { name: "HDBSCAN" }).click();
  await expect(view).toHaveAttribute("aria-busy", "false");
  const noise = view.getByTestId("noise");
  await expect(noise).toContainText(/^\d+ groups?, \d+ % noise$/);
  const sizes = async (): Promise<{ name: string; size: number }[]> => view.locator(".groups h2").evaluateAll((heads) => heads.map((head) => ({ name: head.querySelector("button")!.textContent!, size: Number(head.querySelector("span")!.textContent) })));
  for (const least of [3, 20]) {
    await view.getByLabel("Fewest members of a group").fill(String(least));
    await expect(view.locator(".tools label .number")).toHaveText(String(least));
    await expect(view).toHaveAttribute("aria-busy", "false");
    expect(Math.min(...(await sizes()).filter(({ name }) => name !== "Noise").map(({ size }) => size))).toBeGreaterThanOrEqual(least);
    expect(await all()).toBe(1015);
    const found = await sizes();
    const groups = found.filter(({ name }) => name !== "Noise");
    const strays = found.find(({ name }) => name === "Noise")?.size ?? 0;
    await expect(noise).toHaveText(new RegExp(`^${groups.length} groups?, ${Math.round((100 * strays) / 1015)} % noise$`));
  }

  // A group is shown in the space.
  const [group] = await sizes();
  await view.locator(".groups h2 button").first().click();
  await expect(page.getByRole("tab", { name: "Space" })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByText(`${group!.size.toLocaleString("en")} items: ${group!.size.toLocaleString("en")} pictures`)).toBeVisible();
});
