// "Copy as code": what is copied does the very search of the page, by curl and by the official SDKs.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect as anyExpect, expectAccessible, keepScreenshot, tabTo, test, world } from "./test";

const expect = anyExpect.configure({ timeout: 30_000 });

/** Where tests/clients/setup.sh puts the official SDKs; their versions are those of tests/clients. */
const CLIENTS = join(process.env.TELECINE_CACHE ?? join(homedir(), ".cache/telecine"), "clients");
const PYTHON = join(CLIENTS, "twelvelabs-1.3.6/bin/python");
const MODULES = join(CLIENTS, "twelvelabs-js-1.3.4/node_modules");

/** `video start end`, in the order of the page. */
type Hits = string[];

const open = (page: Page, query = "") => page.goto(`/dashboard/search?index=${world().index}${query}`);

async function hitsOfPage(page: Page): Promise<Hits> {
  const links = await page.locator(".search-hit").getByRole("link").all();
  const read = async (link: (typeof links)[number]) => {
    const { searchParams } = new URL((await link.getAttribute("href")) ?? "", page.url());
    return `${searchParams.get("video")} ${Number(searchParams.get("t"))}`;
  };
  return Promise.all(links.map(read));
}

/** The code of a tab. */
async function codeOf(page: Page, tab: string): Promise<string> {
  await page.getByRole("tab", { name: tab }).click();
  const code = page.getByRole("group", { name: `The search in ${tab}` });
  await code.getByRole("button", { name: "Copy" }).click();
  await expect(code.getByRole("button", { name: "Copied" })).toBeVisible();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** Runs a program in a folder with the picture; the page's origin may be a proxy that takes no keys. */
function run(program: string, args: string[], folder: string): string {
  const env = { ...process.env, TELECINE_API_KEY: world().key, no_proxy: "*", FORCE_COLOR: "0" };
  return execFileSync(program, args, { cwd: folder, env, encoding: "utf8", timeout: 60_000 });
}

/** What programs print, without ends and ranks. */
const printed = (text: string): Hits =>
  text
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => `${line.split(" ")[0]} ${Number(line.split(" ")[1])}`);

const filter = encodeURIComponent('{"width":{"gte":100}}');
const SEARCHES: Record<string, () => string> = {
  "words in all senses": () => "&q=a+film",
  "exact words, said": () => "&q=the+best+of+times&in=said&words=exact",
  "seen and said, but not written": () => "&q=a+film&in=seen,said",
  "written, with quotes": () => `&q=${encodeURIComponent(`peach's "open movie"`)}&in=written`,
  "by video, with a filter and a threshold": () => `&q=a+film&group=video&sort=clips&sure=medium&filter=${filter}`,
  "a picture by its URL": () => `&picture=${encodeURIComponent(`${world().links}/trailer.jpg`)}`,
  "like a moment, and words": () => `&like=${world().videos["speech.mp4"]}@12&q=a+street&sure=none`,
};

for (const [name, query] of Object.entries(SEARCHES)) {
  test(`${name}: each program finds what the page found`, async ({ signedIn: page }) => {
    test.setTimeout(180_000);
    await open(page, query());
    await expect(page.locator(".search-hit").first()).toBeVisible();
    const hits = await hitsOfPage(page);
    await page.getByRole("button", { name: "Copy as code" }).click();
    const folder = mkdtempSync(join(tmpdir(), "search-code-"));

    const shell = await codeOf(page, "curl");
    const answer = JSON.parse(run("bash", ["-euc", shell], folder));
    const clips = answer.data.flatMap((item: { clips?: unknown[] }) => item.clips ?? [item]);
    expect(clips.map((clip: { video_id: string; start: number }) => `${clip.video_id} ${clip.start}`)).toEqual(hits);

    const python = await codeOf(page, "Python");
    writeFileSync(join(folder, "found.py"), python);
    const js = await codeOf(page, "JavaScript");
    writeFileSync(join(folder, "found.mjs"), js);
    expect(existsSync(PYTHON), `${PYTHON}: run tests/clients/setup.sh`).toBe(true);
    // Programs go on to all pages; the page shows the first.
    expect(printed(run(PYTHON, ["found.py"], folder)).slice(0, hits.length)).toEqual(hits);
    symlinkSync(MODULES, join(folder, "node_modules"));
    expect(printed(run(process.execPath, ["found.mjs"], folder)).slice(0, hits.length)).toEqual(hits);
  });
}

test("a picture of the reader's is expected in the folder", async ({ signedIn: page }) => {
  const file = join(world().samples, "trailer.jpg");
  await open(page);
  await page.getByRole("button", { name: "Search by a picture" }).click();
  await page.locator('input[type="file"]').setInputFiles(file);
  await expect(page.locator(".search-hit").first()).toBeVisible();
  const hits = await hitsOfPage(page);
  await page.getByRole("button", { name: "Copy as code" }).click();
  await expect(page.getByText("It expects your picture in the folder")).toBeVisible();
  const folder = mkdtempSync(join(tmpdir(), "search-code-"));
  copyFileSync(file, join(folder, "trailer.jpg"));
  const answer = JSON.parse(run("bash", ["-euc", await codeOf(page, "curl")], folder));
  expect(answer.data.map((clip: { video_id: string; start: number }) => `${clip.video_id} ${clip.start}`)).toEqual(
    hits,
  );
  writeFileSync(join(folder, "found.py"), await codeOf(page, "Python"));
  expect(printed(run(PYTHON, ["found.py"], folder)).slice(0, hits.length)).toEqual(hits);
  writeFileSync(join(folder, "found.mjs"), await codeOf(page, "JavaScript"));
  symlinkSync(MODULES, join(folder, "node_modules"));
  expect(printed(run(process.execPath, ["found.mjs"], folder)).slice(0, hits.length)).toEqual(hits);
});

test("the code is reached by keyboard, and its tab is in the address", async ({ signedIn: page }) => {
  await open(page, "&q=a+bunny");
  await expect(page.locator(".search-hit").first()).toBeVisible();
  await tabTo(page, "Copy as code");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "This search as code" })).toBeVisible();
  await tabTo(page, "curl");
  await page.keyboard.press("ArrowRight");
  await expect(page).toHaveURL(/code=python/);
  await expectAccessible(page);
  await keepScreenshot(page, "search-code");
  await page.reload();
  await expect(page.getByText("client.search.query(")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page).not.toHaveURL(/code=/);
});
