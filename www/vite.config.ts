import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { offline } from "./offline-plugin";

// `base: "./"`: the built folder works from any sub-path of any static host.
// The wasm bundles and the packs are not Vite's business: they lie beside index.html at run time
// (`bundles/`, `packs/`, `bundles.json`) and `emptyOutDir` must not remove them.
export default defineConfig({
  base: "./",
  plugins: [svelte(), offline()],
  worker: { format: "es" },
  build: {
    outDir: "../dist",
    emptyOutDir: false,
    target: "es2022",
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      input: { index: "index.html", sw: "src/offline/service-worker.ts" },
      // Its address must stay: browsers ask there for a new version.
      output: { entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
});
