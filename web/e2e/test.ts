// The test of every file here: signed in; whatever the console says is wrong (errors, refused by the CSP) fails the test; and
// helpers that each page's tests use.
import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { world } from "./world";

export { expect, world };

/** Where screenshots are kept: written with UPDATE_DOCS=1 only, since each run differs by a pixel. */
const SHOTS = new URL("../../docs/screenshots/", import.meta.url).pathname;

/** Refusals that a test provokes are answers with such a status, or its switching the network off; the browser logs them, too. */
const LOGGED_REFUSAL =
  /Failed to load resource: (the server responded with a status of 4\d\d|net::ERR_INTERNET_DISCONNECTED)/;

export const test = base.extend<{ signedIn: Page }>({
  page: async ({ page }, use) => {
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(`${error}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !LOGGED_REFUSAL.test(message.text())) wrong.push(message.text());
    });
    await use(page);
    expect(wrong, "the console is quiet").toEqual([]);
  },
  /** A page whose session is there. */
  signedIn: async ({ page }, use) => {
    const answer = await page.request.post("/v1.3/session", {
      data: { key: world().key },
      headers: { origin: world().url },
    });
    expect(answer.status()).toBe(200);
    await use(page);
  },
});

/** Calls the API with the key, as other programs do. */
export async function call<T = unknown>(
  page: Pick<Page, "request">,
  method: string,
  path: string,
  data?: unknown,
): Promise<T> {
  const headers = { "x-api-key": world().key };
  const answer = await page.request.fetch(path, { method, headers, ...(data === undefined ? {} : { data }) });
  expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
  return (await answer.body()).length > 0 ? answer.json() : (undefined as T);
}

/** No page may break a rule of WCAG 2.2 A and AA, in either theme; nor be wider than 320 px where the window is. */
export async function expectAccessible(page: Page) {
  for (const theme of ["light", "dark"] as const) {
    await page.evaluate((name) => {
      document.documentElement.dataset.theme = name;
    }, theme);
    const found = await new AxeBuilder({ page })
      // What React Aria has read aloud: it stays some seconds, also when the button that it was about is gone.
      .exclude("[data-live-announcer]")
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
      .analyze();
    const told = found.violations.map(
      (violation) =>
        `${violation.id}: ${violation.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`,
    );
    expect(told, `axe in the ${theme} theme`).toEqual([]);
  }
  await page.evaluate(() => {
    delete document.documentElement.dataset.theme;
  });
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, "no sideways scrolling at 320 px").toBeLessThanOrEqual(0);
  if (size) await page.setViewportSize(size);
}

/** Keeps a picture of the page for the documentation. */
export async function keepScreenshot(page: Page, name: string) {
  if (process.env.UPDATE_DOCS) await page.screenshot({ path: `${SHOTS}${name}.png`, animations: "disabled" });
}

/** What the focused element is called: by what labels it, or by its text. */
function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const focused = document.activeElement;
    if (!(focused instanceof HTMLElement) || focused === document.body) return "";
    const labels = (focused.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id));
    const label = "labels" in focused ? (focused.labels as NodeListOf<HTMLElement> | null) : null;
    const texts = [...new Set([...labels, ...(label ?? [])])].map((each) => each?.textContent ?? "").filter(Boolean);
    return (focused.getAttribute("aria-label") ?? (texts.join(" ") || focused.textContent) ?? "").trim();
  });
}

/** Presses a key, Tab unless told otherwise, until what has the focus has this name: that of its label, or its text. */
export async function tabTo(page: Page, name: string | RegExp, key = "Tab", most = 80) {
  const passed: string[] = [];
  for (let presses = 0; presses < most; presses += 1) {
    await page.keyboard.press(key);
    const focused = await focusedName(page);
    if (typeof name === "string" ? focused === name : name.test(focused)) return;
    passed.push(focused);
  }
  throw new Error(`${name} is not reached by ${most} presses of ${key}; passed: ${[...new Set(passed)].join(" | ")}`);
}
