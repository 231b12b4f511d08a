// The built page in a real Chromium. `cargo xtask test` serves it and says where it is (SITE_URL, CHROMIUM).
import { availableParallelism } from "node:os";
import { defineConfig } from "@playwright/test";

const alone = Boolean(process.env.BENCH || process.env.SHOTS || process.env.SOAK);

export default defineConfig({
  testDir: "tests",
  testMatch: process.env.BENCH ? "*.bench.ts" : process.env.SHOTS ? "*.shot.ts" : process.env.SOAK ? "*.soak.ts" : "*.spec.ts",
  // Measured on two cores: two pages at a time take half as long as one after the other. More were not tried: each trains on
  // all cores. What measures, or is looked at, has the machine for itself.
  workers: alone ? 1 : Math.min(2, availableParallelism()),
  fullyParallel: false,
  // A machine that others use as well stalls at times. What passes only when it is tried again is named at the end ("flaky"): look at it.
  retries: 1,
  forbidOnly: true,
  // The tests' bundles are compiled for compile time, and the GPU is emulated: no measured times, and limits so generous that a
  // machine four times slower still passes.
  timeout: 480_000,
  expect: { timeout: 120_000 },
  reporter: [["list"]],
  use: {
    baseURL: process.env.SITE_URL ?? "http://127.0.0.1:8080/",
    viewport: { width: 1360, height: 860 },
    trace: "off",
    // The offline test allows it: everywhere else what a page asks for is seen, and nothing is kept from test to test.
    serviceWorkers: "block",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless=new", "--no-sandbox", "--enable-unsafe-webgpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic",
      ],
    },
  },
});
