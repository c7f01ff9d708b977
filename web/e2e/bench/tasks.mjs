// How the list of tasks bears 100,000 of them: paging and filtering in Chromium, beside the same with 100. Prints a table for
// docs/BENCHMARKS.md. Never part of a test: it measures the machine, too.
//
//   TELECINE_WORLD=../var/world/world.json [DASHBOARD_URL=…] [ROUNDS=5] [TASKS=100000] node e2e/bench/tasks.mjs
//
// The world (e2e/world.py) gets two indexes whose tasks name objects that are not there, paused before they are fetched; a
// second run finds them. Both lists are measured in turns, so that what else the machine does meets both.
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { chromium } from "@playwright/test";

const world = JSON.parse(readFileSync(process.env.TELECINE_WORLD, "utf8"));
const site = process.env.DASHBOARD_URL ?? world.url;
const rounds = Number(process.env.ROUNDS ?? 5);
const sizes = [100, Number(process.env.TASKS ?? 100_000)];
const PAGES = 5;

async function call(method, path, body) {
  const isForm = body instanceof FormData;
  const answer = await fetch(`${world.url}/v1.2${path}`, {
    method,
    headers: { "x-api-key": world.key, ...(body && !isForm && { "content-type": "application/json" }) },
    body: body && !isForm ? JSON.stringify(body) : body,
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** The index with so many tasks; made when it is not there. */
async function filled(size) {
  const index_name = `bench of ${size} tasks`;
  const found = await call("GET", `/indexes?index_name=${encodeURIComponent(index_name)}`);
  const known = found.data.find((index) => index.index_name === index_name);
  if (known) return known._id;
  const engines = [{ engine_name: "marengo2.6", engine_options: ["visual"] }];
  const { _id } = await call("POST", "/indexes", { index_name, engines });
  const object = (at) => `s3://${world.bucket}/bench/reel-${String(at).padStart(6, "0")}.mp4`;
  const entries = Array.from({ length: size }, (_, at) => ({ index_id: _id, object: object(at) }));
  const form = new FormData();
  form.append("file", new Blob([JSON.stringify(entries)]), "manifest.json");
  const { transfer_id } = await call("POST", "/tasks/transfers", form);
  await call("POST", `/transfers/${transfer_id}/pause`);
  return _id;
}

/** In the page: does something, and waits until other rows are shown. Milliseconds, and what kept the page busy. */
async function timed(page, what) {
  return page.evaluate(
    ([selector, text]) =>
      new Promise((done) => {
        const rows = () =>
          document.querySelector(".tr-tasks-table[data-waiting=false]") &&
          `${document.querySelector(".pager")?.textContent} ${document.querySelector(".tr-tasks-table tbody th")?.textContent}`;
        const before = rows();
        const target = [...document.querySelectorAll(selector)].find((each) =>
          each.textContent.trim().startsWith(text),
        );
        const begun = performance.now();
        window.benched.length = 0;
        target.click();
        const look = () => {
          const now = rows();
          if ((now && now !== before) || document.querySelector(".empty")) {
            const ms = performance.now() - begun;
            // A busy stretch is told when it is over.
            setTimeout(() => done({ ms, busy: [...window.benched] }), 120);
          } else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }),
    what,
  );
}

async function measure(page, index) {
  const found = {};
  const note = async (name, step) => {
    const before = await cpu();
    const { ms, busy } = await step();
    found[name] ??= { ms: [], busy: [], cpu: [] };
    found[name].ms.push(ms);
    found[name].busy.push(...busy);
    found[name].cpu.push((await cpu()) - before);
  };
  await page.goto(`${site}/dashboard/tasks?index_id=${index}`);
  await page.locator(".tr-tasks-table tbody th").first().waitFor();
  // The page after is asked for in advance, while the reader looks at this one.
  await page.waitForTimeout(1_000);
  // A hundred tasks have two pages: there and back again. It ends on another page than the first, so that a filter shows.
  for (let step = 0; step < PAGES; step += 1) {
    const isLast = await page.locator(".pager button", { hasText: "Next" }).isDisabled();
    await note("another page", () => timed(page, [".pager button", isLast ? "Previous" : "Next"]));
    await page.waitForTimeout(500);
  }
  await page.getByRole("button", { name: /State/ }).click();
  await note("filter by state", () => timed(page, ['[role="option"]', "Failed"]));
  await page.getByRole("button", { name: /State/ }).click();
  await note("filter without result", () => timed(page, ['[role="option"]', "Indexing"]));
  await page.locator("button", { hasText: "Clear all filters" }).first().click();
  const shifts = await page.evaluate(() => window.shifted);
  return { found, shifts };
}

const middle = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
const range = (values) =>
  `${Math.round(middle(values))} (${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))})`;

const indexes = [];
for (const size of sizes) indexes.push(await filled(size));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--no-proxy-server"],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
await context.request.post(`${site}/v1.3/session`, { data: { key: world.key }, headers: { origin: world.url } });
const page = await context.newPage();
const devtools = await context.newCDPSession(page);
await devtools.send("Performance.enable", { timeDomain: "threadTicks" });

/** Milliseconds for which the page's thread was on a processor: other programs do not lengthen them. */
async function cpu() {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return metrics.find((metric) => metric.name === "TaskDuration").value * 1000;
}

await page.addInitScript(() => {
  window.benched = [];
  window.shifted = 0;
  new PerformanceObserver((list) => window.benched.push(...list.getEntries().map((each) => each.duration))).observe({
    type: "longtask",
  });
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.shifted += each.hadRecentInput ? 0 : each.value;
  }).observe({ type: "layout-shift" });
});
await measure(page, indexes[0]);
const all = sizes.map(() => ({}));
const shifts = sizes.map(() => []);
const loads = [];
for (let round = 0; round < rounds; round += 1) {
  loads.push(loadavg()[0]);
  for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
    const measured = await measure(page, indexes[which]);
    shifts[which].push(measured.shifts);
    for (const [name, values] of Object.entries(measured.found)) {
      all[which][name] ??= { ms: [], busy: [], cpu: [] };
      for (const of of Object.keys(values)) all[which][name][of].push(...values[of]);
    }
  }
}
await browser.close();
const busyOf = ({ busy }) =>
  busy.length === 0 ? "none" : `${busy.length}, longest ${Math.round(Math.max(...busy))} ms`;
const [few, many] = sizes.map((size) => size.toLocaleString("en"));
const told = `load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`;
console.log(`Rounds: ${rounds}; ${told}; ms, median (least–most)\n`);
console.log(
  `| | ${few}: until shown | ${many}: until shown | Ratio | ${few}: CPU | ${many}: CPU | Ratio | Busy over 50 ms |`,
);
console.log("|---|---:|---:|---:|---:|---:|---:|---|");
for (const name of Object.keys(all[1])) {
  const [one, other] = [all[0][name], all[1][name]];
  const ratio = (of) => (middle(other[of]) / middle(one[of])).toFixed(2);
  const busy = `${busyOf(one)}; ${busyOf(other)}`;
  console.log(
    `| ${name} | ${range(one.ms)} | ${range(other.ms)} | ${ratio("ms")} | ${range(one.cpu)} | ${range(other.cpu)} | ${ratio("cpu")} | ${busy} |`,
  );
}
console.log(
  `\nLayout shifts (CLS, worst round): ${shifts.map((values) => Math.max(...values).toFixed(3)).join(" and ")}.`,
);
