// Searching: by words and by pictures, filters, opened hits and steps between them, addresses that restore, copy as code.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect as anyExpect, call, expectAccessible, keepScreenshot, tabTo, test, world } from "./test";

// Videos are played and searched by models, on two cores that others may need, too.
test.describe.configure({ timeout: 120_000 });

const expect = anyExpect.configure({ timeout: 30_000 });

const SEARCH = "/dashboard/search";
const words = (page: Page) => page.getByRole("searchbox");
const cards = (page: Page) => page.locator(".search-hit");
const found = (page: Page) => page.locator(".search-found [role=status]");
const time = (page: Page) => page.getByTestId("time");

/** Opens a search; of the world's index, unless the query names another. */
async function open(page: Page, query = "") {
  const params = new URLSearchParams(query);
  if (!params.has("index")) params.set("index", world().index);
  await page.goto(`${SEARCH}?${params}`);
  await expect(page.getByRole("heading", { name: "Search", exact: true })).toBeVisible();
}

/** Drops a file of this machine, as the browser itself does it. */
async function drop(page: Page, onto: string, file: string) {
  const box = await page.locator(onto).boundingBox();
  if (!box) throw new Error(`${onto} is not there`);
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await devtools.send("Input.dispatchDragEvent", { type, x, y, data });
  }
}

/** The address without what is only looked at. */
const asked = (page: Page) => decodeURIComponent(new URL(page.url()).search.replaceAll("+", " "));

test("words find what is seen, said and written, at a glance", async ({ signedIn: page }) => {
  await open(page);
  await words(page).fill("a bunny");
  await expect(cards(page)).toHaveCount(0);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(found(page)).toHaveText(/^\d+ moments found; 2 videos were searched$/);
  const best = cards(page).first();
  await expect(best).toContainText("trailer.mp4");
  await expect(best).toContainText("Seen");
  await expect(best).toContainText("Written");
  await expect(best).toContainText(/high · \d+/);
  await expect(best).toContainText(/0:15.0–0:25.0/);
  await expect(best.locator("mark")).toHaveText("bunny");
  await expect.poll(() => best.locator("img").evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(9);
  await expectAccessible(page);
  await keepScreenshot(page, "search");

  await words(page).fill("the best of times");
  // Nothing moves while it is typed.
  await page.waitForTimeout(300);
  await expect(best).toContainText("trailer.mp4");
  await page.keyboard.press("Enter");
  await expect(best).toContainText("speech.mp4");
  await expect(words(page)).toBeFocused();
  await expect(best).toContainText("Said");
  await expect(best.locator("mark").first()).toHaveText("best");

  await words(page).fill("Peach open movie project");
  await page.keyboard.press("Enter");
  await expect(best.locator("mark").first()).toHaveText("Peach Project");
  await expect(best).toContainText("Written");
});

test("a result plays from its moment while it is pointed at or has the focus", async ({ signedIn: page }) => {
  await open(page, "?q=season+of+light&in=said");
  const card = cards(page).first();
  const start = Number(
    new URL((await card.getByRole("link").getAttribute("href")) ?? "", page.url()).searchParams.get("t"),
  );
  const playing = () =>
    card.locator("video").evaluate((video: HTMLVideoElement) => (video.paused ? -1 : video.currentTime));
  await card.getByRole("link").hover();
  await expect.poll(playing, { timeout: 20_000 }).toBeGreaterThan(start);
  await page.mouse.move(0, 0);
  await expect(card.locator("video")).toHaveCount(0);
  await words(page).focus();
  await tabTo(page, /speech.mp4, result 1$/);
  await expect.poll(playing, { timeout: 20_000 }).toBeGreaterThan(start);
});

test("by keyboard only: ask, open a hit, step between hits, come back", async ({ signedIn: page }) => {
  await open(page);
  await expect(words(page)).toBeVisible();
  await page.keyboard.press("/");
  await expect(words(page)).toBeFocused();
  await page.keyboard.type("bicycles in a street");
  await page.keyboard.press("Enter");
  await expect(found(page)).toContainText("found");
  await expect(words(page)).toBeFocused();
  await tabTo(page, /speech.mp4, result \d+$/);
  const chosen = await page.locator(":focus").getAttribute("id");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "speech.mp4" })).toBeFocused();
  await expect(page.getByRole("region", { name: "Timeline" })).toBeVisible();
  const at = () => Number(new URL(page.url()).searchParams.get("t"));
  const video = page.locator("video.screen");
  await expect
    .poll(() => video.evaluate((shown: HTMLVideoElement) => shown.readyState), { timeout: 20_000 })
    .toBeGreaterThan(0);
  const begun = at();
  const forward = (await page.getByRole("button", { name: "Next hit" }).isEnabled()) ? ["n", "p"] : ["p", "n"];
  await page.keyboard.press(forward[0] as string);
  await expect.poll(at).not.toBe(begun);
  const stepped = at();
  expect(Math.sign(stepped - begun)).toBe(forward[0] === "n" ? 1 : -1);
  await expect.poll(() => video.evaluate((shown: HTMLVideoElement) => shown.currentTime)).toBeCloseTo(stepped, 1);
  await expect(page.getByRole("status").filter({ hasText: /^Hit \d+ of \d+/ })).toBeAttached();
  await page.keyboard.press(forward[1] as string);
  await expect.poll(at).not.toBe(stepped);
  await tabTo(page, "Back to the results");
  await page.keyboard.press("Enter");
  await expect(page.locator(`[id="${chosen}"]`)).toBeFocused();
  // Who does not want single keys has none.
  await tabTo(page, /^Single keys/);
  await page.keyboard.press("Space");
  await page.keyboard.press("/");
  await expect(words(page)).not.toBeFocused();
});

test("an opened hit: lanes, steps, transcript, links", async ({ signedIn: page, context }) => {
  await open(page, "?q=the+season+of+light");
  await cards(page).first().getByRole("link").click();
  await expect(page.getByRole("slider", { name: /^Said/ })).toBeVisible();
  await expect(page.getByRole("slider", { name: /^Seen/ })).toBeVisible();
  await expect(page.getByRole("slider", { name: /^Written/ })).toBeVisible();
  const transcript = page.getByRole("list", { name: "Transcript" });
  await expect(transcript.locator("mark").first()).toHaveText("season");
  await expectAccessible(page);
  await keepScreenshot(page, "search-hit");

  const next = page.getByRole("button", { name: "Next hit" });
  const before = page.getByRole("button", { name: "Previous hit" });
  const step = (await next.isEnabled()) ? next : before;
  const shown = await time(page).textContent();
  await step.click();
  await expect(time(page)).not.toHaveText(shown ?? "");
  await page.getByRole("button", { name: /^Jump to 0:21/ }).click();
  await expect(time(page)).toContainText("0:21.0");
  await page.getByRole("button", { name: "Link to this moment" }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const other = await context.newPage();
  await other.goto(link);
  await expect(time(other)).toContainText("0:21.0");
  await expect(other.getByText("“the season of light”")).toBeVisible();
  await other.getByRole("link", { name: "See full video" }).click();
  await expect(other).toHaveURL(new RegExp(`/indexes/${world().index}/videos/${world().videos["speech.mp4"]}\\?t=21`));
  await other.close();
});

test("filters are chips that can be removed, and are part of the address", async ({ signedIn: page }) => {
  await open(page, "?q=a+film");
  await expect(cards(page).filter({ hasText: "speech.mp4" }).first()).toBeVisible();
  await expect(cards(page).filter({ hasText: "trailer.mp4" }).first()).toBeVisible();
  await page.getByRole("button", { name: "Add a filter" }).click();
  await page.getByRole("button", { name: /Videos whose/ }).click();
  await page.getByRole("option", { name: "Height" }).click();
  await page.getByLabel("From").fill("many");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("not a number");
  await page.getByLabel("From").fill("700");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(found(page)).toContainText("1 video was searched");
  await expect(cards(page).filter({ hasText: "speech.mp4" })).toHaveCount(0);
  expect(asked(page)).toContain('filter={"height":{"gte":700}}');
  await page.reload();
  await expect(found(page)).toContainText("1 video was searched");
  await page.getByRole("button", { name: "Remove: Height at least 700" }).click();
  await expect(cards(page).filter({ hasText: "speech.mp4" }).first()).toBeVisible();

  // By the day that videos were brought in: of the reader's zone, in the words of the API.
  const bounds = { gte: "2020-01-01T00:00:00+01:00", lte: "2020-12-31T23:59:59+01:00" };
  await open(page, `q=a+film&filter=${encodeURIComponent(JSON.stringify({ created_at: bounds }))}`);
  await expect(page.getByText("No video was searched")).toBeVisible();
  await expect(page.getByText(/Day it was brought in 1 Jan 2020 to 31 Dec 2020/).first()).toBeVisible();
  await page.getByRole("button", { name: /^Remove: Day/ }).click();
  await expect(found(page)).toContainText("2 videos were searched");
  await page.getByRole("button", { name: "Add a filter" }).click();
  await page.getByRole("button", { name: /Videos whose/ }).click();
  await page.getByRole("option", { name: "Day it was brought in" }).click();
  await page.getByLabel("From").fill("2020-01-01");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page).toHaveURL(/2019-12-31T23%3A00%3A00.000Z/);
  await expect(found(page)).toContainText("2 videos were searched");
  await page.getByRole("button", { name: /^Remove: Day/ }).click();

  // By keyboard, by a field of the users' own.
  const speech = world().videos["speech.mp4"];
  await call(page, "PATCH", `/v1.3/indexes/${world().index}/videos/${speech}`, {
    user_metadata: { reader: "librivox" },
  });
  await tabTo(page, "Add a filter");
  await page.keyboard.press("Enter");
  await tabTo(page, /Videos whose/);
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await tabTo(page, /^Field/);
  await page.keyboard.type("reader");
  await page.keyboard.press("Tab");
  await page.keyboard.type("librivox");
  await page.keyboard.press("Enter");
  await expect(found(page)).toContainText("1 video was searched");
  await expect(cards(page).filter({ hasText: "trailer.mp4" })).toHaveCount(0);
  await tabTo(page, "Remove: reader is librivox", "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(cards(page).filter({ hasText: "trailer.mp4" }).first()).toBeVisible();
});

test("options narrow the search, and going back widens it again", async ({ signedIn: page }) => {
  await open(page, "?q=the+age+of+wisdom");
  await expect(cards(page).first()).toContainText("Said");
  await page.getByText("said", { exact: true }).click();
  await expect(page).toHaveURL(/in=seen%2Cwritten/);
  await expect(cards(page).filter({ hasText: "Said" })).toHaveCount(0);
  await page.goBack();
  await expect(cards(page).first()).toContainText("Said");
  await page.getByRole("button", { name: /Spoken words match/ }).click();
  await page.getByRole("option", { name: "Exactly" }).click();
  await expect(page).toHaveURL(/words=exact/);
  await expect(cards(page).first().locator("mark")).toHaveText("the age of wisdom");
  await page.getByRole("button", { name: /Show/ }).click();
  await page.getByRole("option", { name: "Best videos" }).click();
  await expect(found(page)).toHaveText(/^\d+ moments? in \d videos? found/);
  await expect(page.getByRole("link", { name: "speech.mp4", exact: true })).toBeVisible();
  await expectAccessible(page);
});

test("a picture finds where it is: chosen, pasted or dropped", async ({ signedIn: page }) => {
  const file = join(world().samples, "trailer.jpg");
  const bytes = readFileSync(file).toString("base64");
  // The picture was taken at 20 s.
  const isFound = async () => {
    await expect(cards(page).first()).toContainText("trailer.mp4");
    await expect(cards(page).first()).toContainText("0:15.0–0:25.0");
  };
  const byPicture = page.getByRole("button", { name: "Search by a picture" });
  const remove = page.getByRole("button", { name: "Search without the picture" });

  await open(page);
  await byPicture.click();
  await expectAccessible(page);
  await page.locator('input[type="file"]').setInputFiles(file);
  await isFound();
  expect(asked(page)).toContain("file=trailer.jpg");
  await expect(page.getByRole("checkbox", { name: "said" })).toBeDisabled();
  await expectAccessible(page);
  await keepScreenshot(page, "search-picture");
  await page.reload();
  await expect(page.getByText("an address cannot hold it")).toBeVisible();
  await remove.click();
  await expect(words(page)).toBeFocused();

  await byPicture.click();
  await page.evaluate((data) => {
    const clipboardData = new DataTransfer();
    const raw = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    clipboardData.items.add(new File([raw], "pasted.jpg", { type: "image/jpeg" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, bytes);
  await expect(page.getByText("pasted.jpg")).toBeVisible();
  await isFound();
  await remove.click();

  await byPicture.click();
  await drop(page, ".search-drop", file);
  await expect(page.getByText("trailer.jpg")).toBeVisible();
  await isFound();
  await remove.click();
});

test("a picture is named by its URL by keyboard only, and found from the address alone", async ({ signedIn: page }) => {
  await open(page);
  await tabTo(page, "Search by a picture");
  await page.keyboard.press("Enter");
  await tabTo(page, /URL of a picture/);
  await page.keyboard.type(`${world().links}/speech.jpg`);
  await page.keyboard.press("Enter");
  await expect(cards(page).first()).toContainText("speech.mp4");
  await page.reload();
  await expect(cards(page).first()).toContainText("speech.mp4");
  // More like this: the picture of a moment is told by its video and time.
  await cards(page)
    .first()
    .getByRole("button", { name: /^More like this/ })
    .click();
  await expect(page).toHaveURL(/like=[0-9a-f]{24}%40/);
  await expect(page.getByText(/like speech.mp4 at/)).toBeVisible();
  await expect(cards(page).first()).toContainText("speech.mp4");
  await page.reload();
  await expect(cards(page).first()).toContainText("speech.mp4");

  await open(page, "?picture=http%3A%2F%2F127.0.0.1%3A1%2Fx.jpg");
  await expect(page.getByRole("alert")).toContainText("Next:");
});

test("where nothing is found it says what to relax, and does it", async ({ signedIn: page }) => {
  const filter = encodeURIComponent('{"width":{"gte":1000}}');
  await open(page, `?q=the+best+of+times&in=said&words=exact&sure=high&filter=${filter}`);
  await expect(page.getByRole("heading", { name: "Nothing was found" })).toBeVisible();
  await expect(page.getByText("1 video was searched. It may help")).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, "search-empty");
  await page.getByRole("button", { name: "Without the 1 filter" }).click();
  await expect(cards(page).first()).toContainText("speech.mp4");
});

test("more results come page by page, also when their token is too old", async ({ signedIn: page }) => {
  // The pages of a search are longer than this world: three at a time.
  await page.route("**/v1.3/search", async (route) => {
    const body = route.request().postDataJSON();
    await route.continue({ postData: JSON.stringify({ ...body, page_limit: 3 }) });
  });
  await open(page, "?q=a+film&sure=none");
  await expect(cards(page)).toHaveCount(3);
  await page.getByRole("button", { name: "More results" }).click();
  await expect(cards(page)).toHaveCount(6);
  await expect(page.getByRole("link", { name: /result 4$/ })).toBeFocused();
  // The next token has expired: the server says so.
  const refusals: number[] = [];
  page.on("response", (response) => {
    if (response.status() === 400) refusals.push(response.status());
  });
  let isFirst = true;
  await page.route("**/v1.3/search/*", async (route) => {
    const url = route
      .request()
      .url()
      .replace(/[^/]+$/, "0f7a2c1e-1111-4222-8333-444455556666-1");
    await (isFirst ? route.continue({ url }) : route.continue());
    isFirst = false;
  });
  await tabTo(page, "More results");
  await page.keyboard.press("Enter");
  await expect(cards(page)).toHaveCount(9);
  expect(refusals).toEqual([400]);
  const ranks = await cards(page).getByRole("link").allTextContents();
  expect(ranks.map((text) => Number(/result (\d+)$/.exec(text)?.[1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

/** An index of a test's own, for other tests to find no more. */
let made: string | undefined;
test.afterEach(async ({ page }) => {
  if (made) await call(page, "DELETE", `/v1.3/indexes/${made}`);
  made = undefined;
});

test("videos that are still being indexed are announced", async ({ signedIn: page }) => {
  test.setTimeout(240_000);
  const models = [{ model_name: "marengo2.7", model_options: ["visual", "audio"] }];
  const name = `search-${Date.now()}`;
  const index = await call<{ _id: string }>(page, "POST", "/v1.3/indexes", { index_name: name, models });
  made = index._id;
  const video_url = `${world().links}/speech.mp4`;
  await call(page, "POST", "/v1.3/tasks", { index_id: index._id, video_url });
  await open(page, `?index=${index._id}&q=the+best+of+times`);
  await expect(page.getByText("1 video of this index is still being indexed")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Nothing was found" })).toBeVisible();
  await expectAccessible(page);
  await expect(page.getByText("is still being indexed")).toBeHidden({ timeout: 150_000 });
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(cards(page).first()).toContainText("speech.mp4");
});
