// Tells the service worker which files the built site consists of.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Plugin } from "vite";

export function offline(): Plugin {
  let publicDir = "";
  let page = "";
  return {
    name: "mtls-lab-offline",
    apply: "build",
    configResolved(config) {
      publicDir = config.publicDir;
      page = `${config.root}/index.html`;
    },
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const worker = bundle["sw.js"];
        if (worker?.type !== "chunk") this.error("the build has no service worker (sw.js)");
        if (worker.imports.length > 0) this.error(`the service worker must stand alone, but imports ${worker.imports.join(", ")}`);
        // The trained run is data: the page asks for it to be kept.
        const own = readdirSync(publicDir, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && !entry.parentPath.endsWith("trained"))
          .map((entry) => relative(publicDir, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
        const built = Object.keys(bundle).filter((file) => file !== "sw.js" && !file.endsWith(".map"));
        const files = [...new Set(["index.html", ...own, ...built])].sort();
        // Names of built files hold their hash already.
        const hash = createHash("sha256").update(files.join("\n")).update(worker.code).update(readFileSync(page));
        for (const file of own) hash.update(readFileSync(`${publicDir}/${file}`));
        const version = hash.digest("hex").slice(0, 12);
        worker.code = `const SITE_FILES = ${JSON.stringify(files)}, SITE_VERSION = ${JSON.stringify(version)};\n${worker.code}`;
      },
    },
  };
}
