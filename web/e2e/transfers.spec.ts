// Transfers: a manifest with mistakes to its end, live, by mouse and by keyboard only; pause, resume, cancel; a bucket's import;
// what happens when events do not come.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { call, expect, expectAccessible, keepScreenshot, tabTo, test, world } from "./test";

interface Made {
  _id: string;
}

/** An index that only looks is quick to fill; one that also listens and reads is not. */
async function newIndex(page: Page, name: string, engine_options = ["visual"]): Promise<string> {
  const engines = [{ engine_name: "marengo2.6", engine_options }];
  const index_name = `${name} ${Date.now()}`;
  return (await call<Made>(page, "POST", "/v1.2/indexes", { index_name, engines }))._id;
}

const entry = (index: string, file: string) => ({ index_id: index, object: `s3://${world().bucket}/${file}` });

/** Seven entries: three wrong ones, one that is there already, two to take, one that is not in the bucket. */
function manifest(index: string): string {
  const good = [
    entry(index, "captioned.mp4"),
    entry(index, "silent.mp4"),
    entry(index, "missing.mp4"),
    entry(world().index, "speech.mp4"),
  ].map((each) => `  ${JSON.stringify(each)}`);
  const wrong = [
    `  {"index_id": "${index}", "object": "ftp://harbour/pier.mp4"}`,
    `  {"index_id": "harbour", "object": "s3://${world().bucket}/trailer.mp4"}`,
    `  {"index_id": "${index}", "object": "s3://${world().bucket}/trailer.mp4`,
  ];
  return `[\n${[good[0], wrong[0], good[1], wrong[1], good[2], wrong[2], good[3]].join(",\n")}\n]\n`;
}

async function started(page: Page, entries: object[]): Promise<string> {
  const file = { name: "manifest.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(entries)) };
  const answer = await page.request.post("/v1.3/tasks/transfers", {
    headers: { "x-api-key": world().key },
    multipart: { file },
  });
  expect(answer.ok()).toBe(true);
  return (await answer.json()).transfer_id;
}

/** Begins a transfer that stays: it is paused long before so many objects were looked for. */
async function paused(page: Page, index: string): Promise<string> {
  const transfer = await started(
    page,
    Array.from({ length: 3_000 }, (_, at) => entry(index, `no-such-film-${at}.mp4`)),
  );
  await call(page, "POST", `/v1.3/transfers/${transfer}/pause`);
  return transfer;
}

/** The number below a label of the page's lists of numbers. */
const number = (page: Page, label: string) =>
  page.locator(".tr-numbers > div", { has: page.getByText(label, { exact: true }) }).locator("dd");

async function expectSum(page: Page, total: number) {
  const numbers = await page
    .locator("#numbers")
    .locator("xpath=ancestor::section")
    .locator(".tr-numbers dd")
    .allInnerTexts();
  const counts = numbers.map((text) => Number(text.replaceAll(/\D/g, "")));
  expect(counts.at(-1)).toBe(total);
  expect(counts.slice(0, -1).reduce((sum, count) => sum + count, 0)).toBe(total);
}

test("a manifest with mistakes is checked, planned, begun, watched to its end, and tried again", async ({
  signedIn: page,
}) => {
  test.setTimeout(180_000);
  const index = await newIndex(page, "by mouse");
  await page.goto("/dashboard/transfers");
  await expect(page.getByRole("table", { name: "Transfers" })).toContainText("Ended, ");
  await expectAccessible(page);
  await keepScreenshot(page, "transfers");
  await page.getByRole("link", { name: "New transfer" }).click();
  await expect(page.getByRole("heading", { name: "New transfer" })).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, "transfer-new");

  const start = page.getByRole("button", { name: /^Start the transfer/ });
  await page.getByLabel("Manifest", { exact: true }).fill(manifest(index));
  const wrong = page.getByRole("group", { name: "Wrong entries" });
  await expect(page.getByRole("heading", { name: "3 entries are wrong" })).toBeVisible();
  await expect(wrong).toContainText("Line 3");
  await expect(wrong).toContainText("ftp://harbour/pier.mp4");
  await expect(wrong).toContainText("`index_id` is not an id.");
  await expect(wrong).toContainText("A text does not end on its line");
  await expect(number(page, "Would be taken")).toContainText("2");
  await expect(number(page, "There already")).toContainText("1");
  await expect(number(page, "Would fail")).toContainText("1");
  await expect(page.getByRole("group", { name: "Planned videos" })).toContainText("There is no such object");
  await expect(start).toBeDisabled();
  await page.getByRole("button", { name: "Line 3" }).click();
  await expect(page.getByLabel("Manifest", { exact: true })).toBeFocused();
  await expectAccessible(page);
  await page.getByRole("heading", { name: "3 entries are wrong" }).scrollIntoViewIfNeeded();
  await page.evaluate(() => document.getElementById("problems")?.scrollIntoView());
  await keepScreenshot(page, "transfer-plan");

  await page.getByText("Leave the 3 wrong ones out").click();
  await page.getByText("Leave the 1 there already out").click();
  const sent = page.waitForRequest(
    (request) => request.method() === "POST" && request.url().endsWith("/tasks/transfers"),
  );
  await page.getByRole("button", { name: "Start the transfer of 3 videos" }).click();
  expect((await sent).headers()["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);

  await expect(page.getByRole("heading", { name: /^Transfer of / })).toBeVisible();
  await expectSum(page, 3);
  const address = page.url();
  await expect(page.getByRole("heading", { name: /^3 of 3 videos done/ })).toBeVisible({ timeout: 120_000 });
  await expect(page.getByText("Ended, 1 failed")).toBeVisible();
  await expectSum(page, 3);
  await expectAccessible(page);
  await keepScreenshot(page, "transfer-done");
  await page.reload();
  await expect(page.getByText("Ended, 1 failed")).toBeVisible();

  await page.getByRole("button", { name: /^Retry this one: / }).click();
  await expect(page.getByText("1 video will be tried again.")).toBeVisible();
  await expect(page.locator("#numbers")).toBeFocused();
  await expect(page.getByText("Ended, 1 failed")).toBeVisible({ timeout: 60_000 });
  await page.getByRole("link", { name: /^Show it/ }).click();
  await expect(page.getByRole("table", { name: "Tasks" }).getByRole("rowheader")).toHaveText(["missing.mp4"]);
  expect(page.url()).toContain("code=object_not_exists");

  await page.goto(address);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  const report = readFileSync((await (await download).path()) as string, "utf8")
    .trim()
    .split("\n");
  expect(report).toHaveLength(4);
  expect(report[0]).toContain("content_hash");
});

test("the same by keyboard only", async ({ signedIn: page }) => {
  test.setTimeout(180_000);
  const index = await newIndex(page, "by keyboard");
  await page.goto("/dashboard/transfers");
  await expect(page.getByRole("link", { name: "New transfer" })).toBeVisible();
  await tabTo(page, "New transfer");
  await page.keyboard.press("Enter");
  await tabTo(page, /^Manifest/);
  await page.keyboard.insertText(manifest(index));
  await expect(page.getByRole("heading", { name: "3 entries are wrong" })).toBeVisible();
  await expect(number(page, "Would fail")).toContainText("1");
  await tabTo(page, /^Leave the 3 wrong ones out/);
  await page.keyboard.press("Space");
  await tabTo(page, /^Leave the 1 that would fail out/);
  await page.keyboard.press("Space");
  await tabTo(page, "Start the transfer of 3 videos");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: /^3 of 3 videos done/ })).toBeVisible({ timeout: 120_000 });
  await expect(page.getByText("Complete", { exact: true })).toBeVisible();
  await tabTo(page, "JSON");
  const download = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  const report = JSON.parse(readFileSync((await (await download).path()) as string, "utf8"));
  expect(report.map((row: { status: string }) => row.status).sort()).toEqual(["ready", "ready", "skipped"]);
});

test("a transfer is paused, resumed and cancelled by keyboard; its numbers always add up", async ({
  signedIn: page,
}) => {
  test.setTimeout(180_000);
  const index = await newIndex(page, "live", ["visual", "conversation", "text_in_video"]);
  const files = ["trailer.mp4", "speech.mp4", "captioned.mp4", "small.mp4", "broken.mp4", "copy-of-trailer.mp4"];
  const transfer = await started(
    page,
    files.map((file) => entry(index, file)),
  );
  await page.goto(`/dashboard/transfers/${transfer}`);
  await expect(page.getByText("Under way", { exact: true })).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(page.getByRole("table", { name: "Videos that are worked on now" })).toContainText("Indexing", {
    timeout: 60_000,
  });
  await expectSum(page, files.length);
  await keepScreenshot(page, "transfer-live");
  await tabTo(page, "Pause");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Paused", { exact: true })).toBeVisible();
  await expect(page.getByText("Time left: paused")).toBeVisible();
  await expect(page.getByRole("button", { name: "Resume" })).toBeFocused();
  await expectSum(page, files.length);
  await expectAccessible(page);
  await page.keyboard.press("Enter");
  await expect(page.getByText("Under way", { exact: true })).toBeVisible();
  await call(page, "POST", `/v1.3/transfers/${transfer}/cancel`);
});

test("a transfer is cancelled by keyboard, after a second thought", async ({ signedIn: page }) => {
  test.setTimeout(120_000);
  const transfer = await paused(page, await newIndex(page, "cancelled"));
  await page.goto(`/dashboard/transfers/${transfer}`);
  await expect(page.getByText("Paused", { exact: true })).toBeVisible();
  await tabTo(page, "Cancel…");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("alertdialog", { name: "Cancel this transfer?" });
  await expect(dialog).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: "Cancel…" })).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page, /^Give up [\d,]+ videos?$/);
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByText("Cancelled", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expectSum(page, 3_000);
});

test("when events are refused, the page says so, asks instead, and is live again when they come", async ({
  signedIn: page,
}) => {
  test.setTimeout(120_000);
  const transfer = await paused(page, await newIndex(page, "not live"));
  const refusal = { code: "too_many_requests", message: "Too many requests.", request_id: "test" };
  await page.route("**/events", (route) => route.fulfill({ status: 429, json: refusal }));
  await page.goto(`/dashboard/transfers/${transfer}`);
  await expect(page.getByText("Not live: asked every 3 seconds").first()).toBeVisible();
  await expect(page.getByText("Paused", { exact: true })).toBeVisible();
  await call(page, "POST", `/v1.3/transfers/${transfer}/resume`);
  await expect(page.getByText("Under way", { exact: true })).toBeVisible({ timeout: 15_000 });
  await call(page, "POST", `/v1.3/transfers/${transfer}/pause`);
  await page.unroute("**/events");
  await expect(page.getByText("Live", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("Paused", { exact: true })).toBeVisible();
  await call(page, "POST", `/v1.3/transfers/${transfer}/cancel`);
  await expect(page.getByText("Cancelled", { exact: true })).toBeVisible({ timeout: 15_000 });
});

test("when the network goes, the page says so, and is live again when it is back", async ({ signedIn: page }) => {
  test.setTimeout(120_000);
  const transfer = await paused(page, await newIndex(page, "cut"));
  await page.goto(`/dashboard/transfers/${transfer}`);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.context().setOffline(true);
  // What flows already is not cut by the browser's switch: the page is hidden and shown, as that of a laptop that slept.
  await page.evaluate(() => {
    for (const value of ["hidden", "visible"]) {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }
  });
  await expect(page.getByText("Not live: asked every 3 seconds").first()).toBeVisible();
  await expect(page.getByText("The server cannot be reached.")).toBeVisible();
  await expect(page.getByText("Paused", { exact: true })).toBeVisible();
  await page.context().setOffline(false);
  await expect(page.getByText("Live", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("The server cannot be reached.")).toBeHidden();
  await call(page, "POST", `/v1.3/transfers/${transfer}/cancel`);
});

test("all that an index does not have of a bucket is imported", async ({ signedIn: page }) => {
  test.setTimeout(180_000);
  const index = await newIndex(page, "imported");
  await page.goto(`/dashboard/transfers/new?index=${index}&integration=${world().integration}`);
  await expect(number(page, "Videos to take")).toHaveText("7", { timeout: 30_000 });
  await expectAccessible(page);
  await page.getByRole("button", { name: "Start the import" }).click();
  await expect(page.getByRole("heading", { name: /^Transfer of / })).toBeVisible({ timeout: 60_000 });
  await expectSum(page, 7);
  const transfer = page.url().split("/").at(-1);
  await call(page, "POST", `/v1.3/transfers/${transfer}/cancel`);
  await expect(page.getByText("Cancelled", { exact: true })).toBeVisible({ timeout: 30_000 });
});

test("a transfer that is not there is told as such", async ({ signedIn: page }) => {
  await page.goto(`/dashboard/transfers/${"0".repeat(24)}`);
  await expect(page.getByRole("alert")).toContainText("reference");
  await expectAccessible(page);
});

test("a large file is read and planned without freezing the page", async ({ signedIn: page }) => {
  test.setTimeout(120_000);
  const index = await newIndex(page, "large");
  const lines = Array.from({ length: 30_000 }, (_, at) => JSON.stringify(entry(index, `no-such-film-${at}.mp4`)));
  lines[20_000] = '{"index_id": "x"}';
  await page.goto("/dashboard/transfers/new");
  await page.locator('input[type="file"]').setInputFiles({
    name: "large.jsonl",
    mimeType: "application/x-ndjson",
    buffer: Buffer.from(lines.join("\n")),
  });
  await expect(page.getByText("large.jsonl")).toBeVisible();
  await expect(page.getByRole("heading", { name: "1 entry is wrong" })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole("group", { name: "Wrong entries" })).toContainText("Line 20,001");
  await expect(page.getByRole("group", { name: "Planned videos" })).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: "Stop asking" }).click();
  await expect(page.getByText(/^Stopped after [\d,]+ of 29,999 videos/)).toBeVisible();
  expect(await page.getByRole("group", { name: "Planned videos" }).getByRole("listitem").count()).toBeLessThan(60);
});
