// The page without a network. Built as one classic script, `sw.js`, beside index.html; by hand, because its rules
// are fewer than what a library for them would need to be told:
//  - a file whose address changes with its content (assets/…, bundles and pack parts with ?v=) is taken from the cache first;
//  - everything else (the page itself, bundles.json, a pack's manifest) from the network first, so that nothing kept
//    here ever hides a new build; the cache answers where there is no network;
//  - worker scripts get the policy of the page, which they do not inherit and many static hosts cannot send; and the page
//    and its workers get the two headers with which memory may be shared between threads (from the second visit on).
import type { FromKeeper, ToKeeper } from "./messages";

/** Paths of the built site, from the folder of this file; the build puts them in (offline-plugin.ts). */
declare const SITE_FILES: string[];
/** Changes with any of them. */
declare const SITE_VERSION: string;

const scope = self as unknown as ServiceWorkerGlobalScope;
const home = new URL("./", scope.location.href);
const SITE = "mtls-lab/site/";
/** Bundles and pack parts: what the run needs beside the site. */
const PARTS = "mtls-lab/parts";
/** A network that does not answer for so long counts as none, where the cache has an answer. */
const PATIENCE_MS = 4_000;
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; worker-src 'self'; object-src 'none'; base-uri 'none'";

const isPart = (url: URL): boolean => /^(bundles|packs)\//.test(url.pathname.slice(home.pathname.length)) && url.searchParams.has("v");
const isFixed = (url: URL): boolean => isPart(url) || url.pathname.startsWith(`${home.pathname}assets/`);

scope.addEventListener("install", (event) => {
  event.waitUntil(keepSite());
});
scope.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});
scope.addEventListener("message", (event) => {
  const { keep } = event.data as ToKeeper;
  event.waitUntil(keepAll(keep).then((kept) => (event.source as Client | null)?.postMessage({ type: "kept", ...kept } satisfies FromKeeper)));
});
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== home.origin || !url.pathname.startsWith(home.pathname)) return;
  const found = isFixed(url) ? cacheFirst(request, url) : networkFirst(request, url);
  const ours = request.mode === "navigate" || request.destination === "worker";
  event.respondWith(ours ? found.then((response) => withPolicy(response, request.destination === "worker")) : found);
});

/** A whole site or none: its index.html and the files that it names are of one build. */
async function keepSite(): Promise<void> {
  const cache = await caches.open(SITE + SITE_VERSION);
  await Promise.all(
    SITE_FILES.map(async (file) => {
      const url = new URL(file, home);
      const known = isFixed(url) ? await caches.match(url.href) : undefined;
      // Some hosts send index.html to the folder, and a redirected answer is refused for a page.
      const response = known ?? (await fetch(file === "index.html" ? home : url, { cache: isFixed(url) ? "default" : "no-cache" }));
      if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
      await cache.put(url.href, response);
    }),
  );
  await scope.skipWaiting();
}

async function takeOver(): Promise<void> {
  // The site before this one stays: a page of it may still be open and want a part that it has not loaded yet.
  const sites = (await caches.keys()).filter((name) => name.startsWith(SITE) && name !== SITE + SITE_VERSION);
  await Promise.all(sites.slice(0, -1).map((name) => caches.delete(name)));
  await scope.clients.claim();
  for (const client of await scope.clients.matchAll()) client.postMessage({ type: "site", files: SITE_FILES } satisfies FromKeeper);
}

async function cacheFirst(request: Request, url: URL): Promise<Response> {
  const known = await caches.match(request, { ignoreVary: true });
  if (known) return known;
  const response = await fetch(request);
  if (response.ok && isPart(url)) await keep(url, response.clone());
  return response;
}

/** The newest version of a part takes the place of the ones before. */
async function keep(url: URL, response: Response): Promise<void> {
  const cache = await caches.open(PARTS);
  await cache.put(url.href, response).catch(() => undefined);
  for (const { url: other } of await cache.keys()) {
    if (other !== url.href && new URL(other).pathname === url.pathname) await cache.delete(other);
  }
}

async function networkFirst(request: Request, url: URL): Promise<Response> {
  const page = request.mode === "navigate" && (url.pathname === home.pathname || url.pathname === `${home.pathname}index.html`);
  const address = page ? new URL("index.html", home).href : url.href;
  const list = url.pathname.endsWith(".json");
  // Whatever the host lets the browser keep for a while: asked for again.
  const fresh = fetch(request, { cache: "no-cache" }).then(async (response) => {
    // What the site is made of is kept by `keepSite` alone, so that all of it is of one build.
    if (response.ok && list) await (await caches.open(PARTS)).put(address, response.clone()).catch(() => undefined);
    return response;
  });
  const known = await newest(address);
  if (!known) return fresh;
  const late = new Promise<Response>((resolve) => setTimeout(() => resolve(known), PATIENCE_MS));
  // A server that is down behind its own front answers, but not with the page.
  return Promise.race([fresh.then((response) => (response.status >= 500 ? known : response)).catch(() => known), late]);
}

async function newest(address: string): Promise<Response | undefined> {
  return (await (await caches.open(SITE + SITE_VERSION)).match(address)) ?? (await (await caches.open(PARTS)).match(address));
}

function withPolicy(response: Response, worker: boolean): Response {
  // A redirected or an opaque answer cannot be made anew.
  if (response.type === "opaqueredirect" || response.status === 0) return response;
  const headers = new Headers(response.headers);
  // The body here is the decoded one.
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
  if (worker) headers.set("Content-Security-Policy", POLICY);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/** One after the other, so that a page that is in use keeps its share of the network. */
async function keepAll(addresses: string[]): Promise<{ all: boolean; bytes: number }> {
  let all = true;
  let bytes = 0;
  for (const address of addresses) {
    const url = new URL(address, home);
    try {
      const known = await caches.match(url.href);
      if (known) continue;
      const response = await fetch(url);
      if (!response.ok) throw new Error(String(response.status));
      bytes += Number(response.headers.get("Content-Length") ?? 0);
      if (isPart(url)) await keep(url, response);
      else await (await caches.open(PARTS)).put(url.href, response);
    } catch {
      all = false;
    }
  }
  return { all, bytes };
}
