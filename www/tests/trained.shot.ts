// Trains the run that ships with the page (www/public/trained) and writes it down, when the format of snapshots or the
// default changes: build the site, serve it, `SITE_URL=… npm run screenshots trained`.
import { expect, test } from "@playwright/test";
import { mkdirSync, writeFileSync } from "node:fs";
import { open, train, until } from "./page";

const FOLDER = new URL("../public/trained/", import.meta.url);
/** Linear towers: a tenth of the default's weights to load, and nearly what those reach. */
const RUN = "tower=linear";

test("the run that ships", async ({ page }) => {
  await open(page, `${RUN}&device=cpu`);
  await train(page);
  const done = await until(page, "the end", ({ finished, step, snapshotStep }) => finished && snapshotStep === step);
  const kept = (): Promise<{ run: string; base64: string } | null> =>
    page.evaluate(async () => {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const asked = indexedDB.open("mtls-lab");
        asked.onsuccess = () => resolve(asked.result);
        asked.onerror = () => reject(asked.error);
      });
      const [saved] = await new Promise<{ run: string; step: number; total: number; snapshot: Uint8Array }[]>((resolve, reject) => {
        const asked = db.transaction("runs").objectStore("runs").getAll();
        asked.onsuccess = () => resolve(asked.result);
        asked.onerror = () => reject(asked.error);
      });
      if (!saved || saved.step !== saved.total) return null;
      let binary = "";
      for (const byte of saved.snapshot) binary += String.fromCharCode(byte);
      return { run: saved.run, base64: btoa(binary) };
    });
  await expect.poll(kept).not.toBeNull();
  const { run, base64 } = (await kept())!;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(new URL("run.safetensors", FOLDER), Buffer.from(base64, "base64"));
  writeFileSync(new URL("run.json", FOLDER), `${JSON.stringify({ run, step: done.step })}\n`);
});
