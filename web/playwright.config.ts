// How the dashboard is tested in Debian's Chromium, against the server of e2e/world.py. Start it by e2e/run.sh.
import { defineConfig } from "@playwright/test";
import { world } from "./e2e/world";

export default defineConfig({
  testDir: "e2e",
  // One world for all that runs here, which some journeys change: one at a time. `make test` runs two halves (`--shard`),
  // each in a world of its own.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    // While working, a Vite server that shows the sources (see README.md).
    baseURL: process.env.DASHBOARD_URL ?? world().url,
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--no-proxy-server"],
    },
    viewport: { width: 1280, height: 800 },
    permissions: ["clipboard-read", "clipboard-write"],
    timezoneId: "Europe/Berlin",
    locale: "en-GB",
    screenshot: "only-on-failure",
    // It shows the page at every step; pictures besides would take a seventh more of the processor.
    trace: { mode: "retain-on-failure", screenshots: false },
  },
});
