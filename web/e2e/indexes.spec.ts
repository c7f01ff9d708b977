// Indexes and videos: making an index and ending one, watching and reading a video, correcting what was heard.
import type { Page } from "@playwright/test";
import { call, expect, expectAccessible, keepScreenshot, tabTo, test, world } from "./test";

const SPEECH = "speech.mp4";
const videoPath = () => `/dashboard/indexes/${world().index}/videos/${world().videos[SPEECH]}`;
const videoApi = () => `/v1.3/indexes/${world().index}/videos/${world().videos[SPEECH]}`;

interface Line {
  start: number;
  end: number;
  value: string;
}

/** An index of the test's own; the same name is free again afterwards. */
async function makeIndex(page: Page, name: string, options = ["visual"]): Promise<string> {
  const engines = [{ engine_name: "marengo2.7", engine_options: options }];
  const made = await call<{ _id: string }>(page, "POST", "/v1.3/indexes", {
    index_name: name,
    engines,
    addons: ["thumbnail"],
  });
  return made._id;
}

async function removeIndexes(page: Page, ...names: string[]) {
  for (const name of names) {
    const { data } = await call<{ data: { _id: string }[] }>(page, "GET", `/v1.3/indexes?index_name=${name}`);
    for (const index of data) await call(page, "DELETE", `/v1.3/indexes/${index._id}`);
  }
}

const currentTime = (page: Page) =>
  page.locator("video.screen").evaluate((video: HTMLVideoElement) => video.currentTime);

/** The player has the stream. */
async function expectReady(page: Page) {
  await expect
    .poll(() => page.locator("video.screen").evaluate((video: HTMLVideoElement) => video.readyState), {
      timeout: 30_000,
    })
    .toBeGreaterThanOrEqual(2);
}

/** The player's time comes to lie there. */
async function expectTime(page: Page, from: number, to: number) {
  await expect.poll(() => currentTime(page)).toBeGreaterThanOrEqual(from);
  expect(await currentTime(page)).toBeLessThanOrEqual(to);
}

test("an index is made by mouse, with what each option needs, and renamed", async ({ signedIn: page }) => {
  await removeIndexes(page, "pier", "quay");
  await page.goto("/dashboard/indexes");
  await expect(page.getByRole("row", { name: /harbour/ })).toContainText("Written");
  await keepScreenshot(page, "indexes");
  await expectAccessible(page);
  await page.getByRole("link", { name: "Create index" }).click();
  await expect(page.getByRole("heading", { name: "Create an index" })).toBeVisible();
  await expect(page.getByText("videos without one are refused")).toBeVisible();
  await page.getByRole("button", { name: "Create index" }).click();
  await expect(page.getByText("Give it a name.")).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Name", { exact: true }).fill("pier");
  await page.getByText("Written: text in the picture").click();
  await page.getByText(/^Text about videos:/).click();
  await page.getByRole("button", { name: /Name of the engine/ }).click();
  await page.getByRole("option", { name: "marengo2.6" }).click();
  await keepScreenshot(page, "index-new");
  await page.getByRole("button", { name: "Create index" }).click();
  await expect(page.getByRole("heading", { name: "pier", level: 1 })).toBeVisible();
  await expect(page.getByRole("row", { name: /^Written/ })).toContainText("not chosen");
  await expect(page.getByRole("row", { name: /^Seen/ })).toContainText("nothing yet");
  await expect(page.getByRole("heading", { name: "No videos yet" })).toBeVisible();
  await expectAccessible(page);

  const id = page.url().split("/").at(-1);
  const made = await call(page, "GET", `/v1.2/indexes/${id}`);
  expect(made).toMatchObject({
    index_name: "pier",
    engines: [
      { engine_name: "marengo2.6", engine_options: ["visual", "conversation"] },
      { engine_name: "pegasus1.2", engine_options: ["visual", "conversation"] },
    ],
    addons: ["thumbnail"],
  });

  await page.getByRole("button", { name: "More of pier" }).click();
  await page.getByRole("menuitem", { name: "Rename…" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("quay");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("heading", { name: "quay", level: 1 })).toBeVisible();
  await removeIndexes(page, "quay");
});

test("a name that is taken is refused beside its field", async ({ signedIn: page }) => {
  await page.goto("/dashboard/indexes/new");
  await page.getByLabel("Name", { exact: true }).fill(world().index_name);
  await page.getByRole("button", { name: "Create index" }).click();
  await expect(page.getByText("There is an index of this name")).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveAttribute("aria-invalid", "true");
});

test("an index is made and deleted by keyboard only", async ({ signedIn: page }) => {
  await removeIndexes(page, "mole");
  await page.goto("/dashboard/indexes");
  await tabTo(page, "Create index");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Name", { exact: true })).toBeFocused();
  await page.keyboard.type("mole");
  await tabTo(page, /^Said/);
  await page.keyboard.press("Space");
  await tabTo(page, "Create index");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "mole", level: 1 })).toBeFocused();
  await expect(page.getByRole("row", { name: /^Said/ })).toContainText("not chosen");

  await tabTo(page, /^More/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Rename…" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("alertdialog", { name: "Delete the index “mole”?" });
  await expect(dialog).toContainText("0 videos");
  await expect(dialog).toContainText("the files in your buckets");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("button", { name: "Keep it" })).toBeFocused();
  await tabTo(page, "Delete for good");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/dashboard\/indexes$/);
  await expect(page.getByRole("row", { name: /harbour/ })).toBeVisible();
  await expect(page.getByRole("row", { name: /mole/ })).toHaveCount(0);
});

test("an index tells what is searchable now, what failed and why; filters are in the address", async ({
  signedIn: page,
}) => {
  await page.goto("/dashboard/indexes");
  await page.getByRole("link", { name: world().index_name }).click();
  await expect(page.getByRole("row", { name: /^Seen/ })).toContainText(/\d+ videos?/);
  await expect(page.getByRole("row", { name: /^Said/ })).toContainText("moonshine");
  const counts = await call<{ failed: number }>(page, "GET", `/v1.3/tasks/status?index_id=${world().index}`);
  await page.getByText(`${counts.failed} videos could not be taken`).click();
  await expect(page.getByText("320x180 pixels")).toBeVisible();
  await expectAccessible(page);
  await page.getByText(`${counts.failed} videos could not be taken`).click();
  await expect(page.getByRole("link", { name: new RegExp(SPEECH) })).toBeVisible();
  await keepScreenshot(page, "index");

  await page.getByText("by name, length, day and size").click();
  await page.getByLabel("Whole file name").fill(SPEECH);
  await page.getByLabel("At most minutes").fill("soon");
  await expect(page.getByText("A number, such as 2.5.")).toBeVisible();
  await page.getByLabel("At most minutes").fill("2");
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await expect(page.getByText("1 video", { exact: true })).toBeVisible();
  await expect(page).toHaveURL(/filename=speech\.mp4.*shorterThan=2/);
  await page.reload();
  await expect(page.getByText("1 video", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: /Show as/ }).click();
  await page.getByRole("option", { name: "List" }).click();
  await expect(page.getByRole("row", { name: /speech\.mp4/ })).toContainText("848×360");
  await expectAccessible(page);
  await page.getByLabel("At least minutes").fill("100");
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await expect(page.getByRole("heading", { name: "No video is like that" })).toBeVisible();
  await page.getByRole("button", { name: "Show all videos" }).click();
  await expect(page.getByRole("row", { name: /copy-of-trailer\.mp4|trailer\.mp4/ })).toBeVisible();
});

test("a picture plays while the pointer is over it, and not for readers who want less motion", async ({
  signedIn: page,
}) => {
  await page.goto(`/dashboard/indexes/${world().index}`);
  const card = page.getByRole("link", { name: new RegExp(SPEECH) });
  await card.hover();
  const moving = card.locator("video");
  await expect
    .poll(() => moving.evaluate((video: HTMLVideoElement) => video.currentTime), { timeout: 20_000 })
    .toBeGreaterThan(1.2);
  expect(await moving.evaluate((video: HTMLVideoElement) => video.muted)).toBe(true);
  await page.mouse.move(0, 0);
  await expect(moving).toHaveCount(0);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.reload();
  await card.hover();
  await page.waitForTimeout(1000);
  await expect(moving).toHaveCount(0);
});

test("a video plays; a word of the transcript, the timeline and a link to a moment jump", async ({
  signedIn: page,
}) => {
  const { data: lines } = await call<{ data: Line[] }>(page, "GET", `${videoApi()}/transcription`);
  const line = lines[2];
  if (!line) throw new Error("the speech has lines");
  await page.goto(videoPath());
  await expectReady(page);
  await page.getByLabel(SPEECH).focus();
  await page.keyboard.press("k");
  await expect.poll(() => currentTime(page), { timeout: 20_000 }).toBeGreaterThan(0.5);
  await page.keyboard.press("k");
  expect(await page.locator("video.screen").evaluate((video: HTMLVideoElement) => video.paused)).toBe(true);

  // The last word of the line, and then the line itself by its time.
  const shown = page.getByRole("list", { name: "Transcript" }).getByRole("listitem").nth(2);
  await shown.locator(".word").last().click();
  await expectTime(page, (line.start + line.end) / 2, line.end);
  await shown.getByRole("button").click();
  await expectTime(page, line.start, line.start + 0.1);
  await expect(shown).toHaveAttribute("aria-current", "true");
  await expectAccessible(page);
  await keepScreenshot(page, "video");

  const lane = page.getByRole("slider", { name: /^Said/ });
  const box = await lane.boundingBox();
  if (!box) throw new Error("the lane is there");
  const duration = await page.locator("video.screen").evaluate((video: HTMLVideoElement) => video.duration);
  const last = lines.at(-1) ?? line;
  await page.mouse.click(box.x + (box.width * (last.start + last.end)) / 2 / duration, box.y + box.height / 2);
  await expectTime(page, last.start, last.end);

  await page.getByRole("button", { name: /^Copy link to/ }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(/\?t=\d+/);
  await page.goto(link);
  await expectReady(page);
  await expectTime(page, last.start, last.end);
});

test("a video is watched and read by keyboard only", async ({ signedIn: page }) => {
  const { data: lines } = await call<{ data: Line[] }>(page, "GET", `${videoApi()}/transcription`);
  await page.goto(`/dashboard/indexes/${world().index}`);
  await tabTo(page, new RegExp(SPEECH));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: SPEECH, level: 1 })).toBeFocused();
  await expectReady(page);
  await tabTo(page, SPEECH);
  await page.keyboard.press("k");
  await expect.poll(() => currentTime(page), { timeout: 20_000 }).toBeGreaterThan(0.3);
  await page.keyboard.press("k");

  // Steps of a lane are its marks.
  await tabTo(page, /^Said/);
  await page.keyboard.press("End");
  await expectTime(page, (lines.at(-1)?.start ?? 0) - 0.1, (lines.at(-1)?.start ?? 0) + 0.1);
  await page.keyboard.press("ArrowLeft");
  await expectTime(page, (lines.at(-2)?.start ?? 0) - 0.1, (lines.at(-2)?.start ?? 0) + 0.1);
  await page.keyboard.press("Home");
  await expectTime(page, (lines[0]?.start ?? 0) - 0.1, (lines[0]?.start ?? 0) + 0.1);
  await expect(page.getByRole("slider", { name: /^Said/ })).toHaveAttribute(
    "aria-valuetext",
    new RegExp(`mark 1 of ${lines.length}`),
  );

  // The transcript is one stop; down to the second line, right to its second word.
  await tabTo(page, /^Jump to/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const [start, end] = [lines[1]?.start ?? 0, lines[1]?.end ?? 0];
  await expectTime(page, start + 0.01, (start + end) / 2);

  // Words looked for within the video become the marks.
  await tabTo(page, /^Find in this video/, "Shift+Tab");
  await page.keyboard.type("season of light");
  await page.keyboard.press("Enter");
  await expect(page.getByText(/hits? for “season of light” in this video/)).toBeVisible();
  await expect(page).toHaveURL(/q=season/);
  await expect(page.locator(".transcript mark", { hasText: "season" }).first()).toBeVisible();
  await tabTo(page, /^Said/);
  await page.keyboard.press("Home");
  await expect.poll(() => currentTime(page)).toBeGreaterThan(8);
});

test("shots, on-screen text and details are in tabs that the address keeps", async ({ signedIn: page }) => {
  await page.goto(videoPath());
  await page.getByRole("tab", { name: "Shots" }).click();
  const shot = page.getByRole("button", { name: /^Jump to shot 3,/ });
  await expect(shot).toBeVisible();
  await expectReady(page);
  await shot.click();
  await expect(shot).toHaveAttribute("aria-current", "true");
  await expect(page).toHaveURL(/tab=shots/);
  await expectAccessible(page);
  await page.reload();
  await expect(page.getByRole("tab", { name: "Shots" })).toHaveAttribute("aria-selected", "true");
  await page.getByRole("tab", { name: "On screen" }).click();
  await expect(page.getByText("No text was read in the picture.")).toBeVisible();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByText(`s3://${world().bucket}/${SPEECH}`)).toBeVisible();
  await expectAccessible(page);
});

test("a line that was heard wrongly is corrected, found by its new words, and put back", async ({ signedIn: page }) => {
  const find = async (words: string) => {
    const found = await call<{ data: { video_id: string; transcription?: string }[] }>(page, "POST", "/v1.3/search", {
      index_id: world().index,
      query_text: words,
      search_options: ["transcription"],
      transcription_options: ["lexical"],
    });
    return found.data.map((clip) => clip.transcription);
  };
  await call(page, "DELETE", `${videoApi()}/transcription`);
  expect(await find("zeppelin")).toEqual([]);
  await page.goto(videoPath());
  await page.getByRole("button", { name: "Edit the transcript" }).click();
  const words = page.getByLabel("Words of line 2");
  await words.fill("A zeppelin crosses the harbour.");
  await page.getByLabel("Line 2 ends").fill("0:02");
  await page.getByRole("button", { name: "Save and index anew" }).click();
  await expect(page.getByText("It must end after it begins.")).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Line 2 ends").fill("0:13");
  await keepScreenshot(page, "video-edit-transcript");
  await page.getByRole("button", { name: "Save and index anew" }).click();
  await expect(page.getByText("The new words can be searched now.")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole("button", { name: "Edit the transcript" })).toBeFocused();
  await expect(page.getByRole("list", { name: "Transcript" })).toContainText("zeppelin");
  expect(await find("zeppelin")).toEqual(["A zeppelin crosses the harbour."]);
  await page.reload();
  await page.getByRole("button", { name: "Put back what was heard…" }).click();
  const dialog = page.getByRole("alertdialog", { name: "Put back what was heard?" });
  await dialog.getByRole("button", { name: "Put back what was heard" }).click();
  await expect(page.getByRole("list", { name: "Transcript" })).not.toContainText("zeppelin", { timeout: 30_000 });
  expect(await find("zeppelin")).toEqual([]);
});

test("a line is added and removed by keyboard only", async ({ signedIn: page }) => {
  await call(page, "DELETE", `${videoApi()}/transcription`);
  const before = await call<{ data: Line[] }>(page, "GET", `${videoApi()}/transcription`);
  await page.goto(videoPath());
  await tabTo(page, "Edit the transcript");
  await page.keyboard.press("Enter");
  await tabTo(page, "Add a line after line 1");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Words of line 2")).toBeFocused();
  await page.keyboard.type("Ahoy there.");
  await tabTo(page, "Remove line 3");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Words of line 3")).toBeFocused();
  await tabTo(page, "Save and index anew");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("list", { name: "Transcript" })).toContainText("Ahoy there.", { timeout: 30_000 });
  const after = await call<{ data: Line[] }>(page, "GET", `${videoApi()}/transcription`);
  expect(after.data.length).toBe(before.data.length);
  expect(after.data[1]?.value).toBe("Ahoy there.");
  await call(page, "DELETE", `${videoApi()}/transcription`);
});

test("a video gets metadata of one's own; what is measured cannot be set", async ({ signedIn: page }) => {
  await call(page, "PUT", videoApi(), { user_metadata: {} });
  await page.goto(`${videoPath()}?tab=details`);
  await page.getByRole("button", { name: "Edit your metadata" }).click();
  const form = page.getByRole("form", { name: "Edit your metadata" });
  await form.getByLabel("Name", { exact: true }).fill("width");
  await expect(form.getByText("“width” is measured and cannot be set")).toBeVisible();
  await expectAccessible(page);
  await form.getByLabel("Name", { exact: true }).fill("category");
  await form.getByLabel("Value", { exact: true }).fill("harbour");
  await form.getByRole("button", { name: "Add a field" }).click();
  await form.getByLabel("Name", { exact: true }).nth(1).fill("rating");
  await form.getByRole("button", { name: /Type/ }).nth(1).click();
  await page.getByRole("option", { name: "Number" }).click();
  await form.getByLabel("Value", { exact: true }).nth(1).fill("4.5");
  await form.getByRole("button", { name: "Save your metadata" }).click();
  await expect(page.getByRole("button", { name: "Edit your metadata" })).toBeFocused();
  await expect(page.getByRole("definition").filter({ hasText: "4.5" })).toBeVisible();
  const video = await call<{ user_metadata: unknown }>(page, "GET", videoApi());
  expect(video.user_metadata).toEqual({ category: "harbour", rating: 4.5 });
  await call(page, "PUT", videoApi(), { user_metadata: {} });
});

test("texts about a video are written when they are asked for", async ({ signedIn: page }) => {
  await page.goto(`${videoPath()}?tab=about`);
  await page.getByRole("button", { name: "Write chapters" }).click();
  const chapters = page.getByRole("region", { name: "Chapters" });
  await expect(chapters.getByRole("listitem").first()).toBeVisible({ timeout: 30_000 });
  await expect(chapters).toContainText(/Written by the model|word by word/);
  await page.getByRole("button", { name: "Write title and topics" }).click();
  await expect(page.getByRole("region", { name: "Title, topics and hashtags" })).toContainText("#", {
    timeout: 30_000,
  });
  await expectAccessible(page);
});

test("where a video could not be taken, its page says why and what to do, and tries again", async ({
  signedIn: page,
}) => {
  await removeIndexes(page, "reef");
  const index = await makeIndex(page, "reef");
  const task = await call<{ _id: string }>(page, "POST", "/v1.3/tasks", {
    index_id: index,
    video_url: `${world().links}/small.mp4`,
  });
  await page.goto(`/dashboard/indexes/${index}/videos/${task._id}`);
  // Without a reload it comes to be known that it failed.
  await expect(page.getByText("320x180 pixels")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText(/^Next: /)).toBeVisible();
  await expectAccessible(page);
  const retried = page.waitForResponse((answer) => answer.url().endsWith(`/tasks/${task._id}/retry`));
  await page.getByRole("button", { name: "Try this video again" }).click();
  expect((await retried).status()).toBe(200);
  await expect(page.getByText("320x180 pixels")).toBeVisible({ timeout: 30_000 });
  await page.goto(`/dashboard/indexes/${index}/videos/${"0".repeat(24)}`);
  await expect(page.getByRole("heading", { name: "There is no such video" })).toBeVisible();
  await removeIndexes(page, "reef");
});

test("a video under way is announced; one without a stream is told by pictures; it is deleted, and its index with it", async ({
  signedIn: page,
}) => {
  test.slow();
  await removeIndexes(page, "slip");
  const index = await makeIndex(page, "slip", ["visual", "conversation", "text_in_video"]);
  await page.goto(`/dashboard/indexes/${index}`);
  await expect(page.getByRole("heading", { name: "No videos yet" })).toBeVisible();
  const task = await call<{ _id: string }>(page, "POST", "/v1.3/tasks", {
    index_id: index,
    video_url: `${world().links}/${SPEECH}`,
    enable_video_stream: false,
  });
  await page.reload();
  await expect(page.getByText("1 video cannot be found yet")).toBeVisible();
  // Without a reload the video comes to be there.
  await page.getByRole("link", { name: /speech\.mp4/ }).click({ timeout: 120_000 });
  expect(page.url()).toContain(task._id);
  await expect(page.getByText("It cannot be played:")).toBeVisible();
  await expect(page.getByText(/^Next: /)).toBeVisible();
  await expect(page.getByRole("img", { name: /What is seen at about/ })).toBeVisible();
  await page.getByRole("slider", { name: /^Seen/ }).press("End");
  await expect(page.getByRole("img", { name: /What is seen at about 0:4/ })).toBeVisible();
  await expectAccessible(page);

  // Messages are alert dialogs, too.
  const dialog = page.getByRole("alertdialog", { name: /^Delete / });
  await page.getByRole("button", { name: "More of speech.mp4" }).click();
  await page.getByRole("menuitem", { name: "Delete this video…" }).click();
  await dialog.getByRole("button", { name: "Delete for good" }).click();
  await expect(page.getByRole("heading", { name: "No videos yet" })).toBeVisible();
  await page.getByRole("button", { name: "More of slip" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await expect(dialog).toContainText("1 task of this index");
  await dialog.getByRole("button", { name: "Delete for good" }).click();
  await expect(page).toHaveURL(/\/dashboard\/indexes$/);
  const left = await call<{ data: unknown[] }>(page, "GET", "/v1.3/indexes?index_name=slip");
  expect(left.data).toEqual([]);
});
