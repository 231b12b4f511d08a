// The engine and its peers in one browser, one after the other: `cargo xtask bench` says what is measured (BENCH_PLAN, a JSON
// file: folders by the first part of their address, versions of the peers, jobs) and where the rows go (BENCH_OUT). No page
// of ours: an empty one, on a server of its own.
import { expect, test } from "@playwright/test";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import ts from "typescript";

interface Plan {
  /** `node_modules`, `inputs`, `engine`, and `""` for the peers' own files. */
  folders: Record<string, string>;
  /** The engine's bundles, and the jobs of the threaded one. */
  engines: { cpu: string; threads: string };
  kernels: Record<"cpu" | "threads", string[]>;
  threaded: Plan["jobs"];
  threads: number;
  versions: { jaxjs: string; tfjs: string };
  batches: number[];
  repeat: number;
  jobs: { job: Record<string, unknown>; repeat: number }[];
}
interface Peers {
  ours(jobs: Plan["jobs"], threads: number, kernels: string[]): Promise<Record<string, unknown>[]>;
  jaxjs(version: string, batches: number[], repeat: number): Promise<Record<string, unknown>[]>;
  tfjs(version: string, batches: number[], repeat: number): Promise<Record<string, unknown>[]>;
}

const TYPES: Record<string, string> = { ".js": "text/javascript", ".wasm": "application/wasm" };

/** What lets a page share memory between its threads. */
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/**
 * Serves an empty page, and the plan's folders below its address; TypeScript in them comes as JavaScript. A server, as the
 * browser asks for the scripts of a worker's workers past whatever stands in for one.
 */
async function serve(folders: Plan["folders"], headers: Record<string, string>): Promise<Server> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, type: string, body: string | Buffer): void => void response.writeHead(status, { ...headers, "Content-Type": type }).end(body);
    const path = normalize(decodeURIComponent(new URL(request.url!, "http://localhost").pathname)).slice(1);
    if (!path) return answer(200, "text/html", "<!doctype html><title>bench</title>");
    const [first, ...rest] = path.split("/");
    const inside = folders[first!];
    const file = inside ? join(inside, ...rest) : join(folders[""]!, path);
    const body = await readFile(file).catch(() => readFile(`${file}.ts`)).catch(() => null);
    if (!body) return answer(404, "text/plain", "");
    if (!file.endsWith(".ts") && extname(file)) return answer(200, TYPES[extname(file)] ?? "application/octet-stream", body);
    const { outputText } = ts.transpileModule(body.toString(), { compilerOptions: { module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2022 } });
    answer(200, TYPES[".js"]!, outputText);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

test("the engine and its peers", async ({ browser }) => {
  test.skip(!process.env.BENCH_PLAN, "`cargo xtask bench` runs it");
  test.setTimeout(3_600_000);
  const plan = JSON.parse(await readFile(process.env.BENCH_PLAN!, "utf8")) as Plan;
  const rows: Record<string, unknown>[] = [];
  for (const who of ["ours", "threads", "jaxjs", "tfjs"] as const) {
    const key = who === "ours" ? "browser" : who;
    const engine = who === "threads" ? "threads" : "cpu";
    // Each in a tab of its own, so that nobody inherits another's memory.
    const page = await browser.newPage();
    const server = await serve({ ...plan.folders, engine: plan.engines[engine] }, who === "threads" ? ISOLATED : {});
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    try {
      const measured = await page.evaluate(async ({ who, plan }) => {
        const file = "./browser.js";
        // Where memory could be shared, jax-js would compute with several threads.
        if (crossOriginIsolated !== (who === "threads")) throw new Error("whether this page may use threads is not as asked");
        const peers = (await import(file)) as Peers;
        if (who === "ours") return peers.ours(plan.jobs, 1, plan.kernels.cpu);
        if (who === "threads") return peers.ours(plan.threaded, plan.threads, plan.kernels.threads);
        return peers[who](plan.versions[who], plan.batches, plan.repeat);
      }, { who, plan });
      rows.push(...measured.map((row) => ({ ...row, key })));
    } catch (error) {
      rows.push({ key, error: error instanceof Error ? error.message : String(error) });
    }
    await page.close();
    server.close();
  }
  await writeFile(process.env.BENCH_OUT!, JSON.stringify({ browser: browser.version(), rows }, null, 1));
  expect(rows.length).toBeGreaterThan(0);
});
