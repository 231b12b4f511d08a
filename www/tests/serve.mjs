// A static host as plain as they come: files of ../dist under a sub-path, loopback only. For the tests.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../dist", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".wasm": "application/wasm", ".svg": "image/svg+xml", ".png": "image/png" };
const port = Number(process.argv[2] ?? 4173);

createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
  const inside = path.startsWith("/sub/path/") ? normalize(path.slice("/sub/path".length)) : null;
  const file = inside === null ? "" : join(root, inside.endsWith("/") ? `${inside}index.html` : inside);
  if (!file.startsWith(root) || !existsSync(file) || !statSync(file).isFile()) {
    response.writeHead(404).end("not found");
    return;
  }
  response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-length": statSync(file).size, "cache-control": "no-cache" });
  createReadStream(file).pipe(response);
}).listen(port, "127.0.0.1");
