// What holds on every page, whoever made it: accessible in both themes and at 320 px, a heading and a title, words with every
// wait, the API calls behind it, a quiet console, nothing from elsewhere.
import { expect, expectAccessible, test, world } from "./test";

/** Every page: its address below /dashboard and its heading. Ids are the world's. */
const PLACES: readonly (readonly [string, string | RegExp])[] = [
  ["/integrations", "Connected Integrations"],
  ["/integrations/{integration}", /./],
  ["/integrations/{integration}/setup", /./],
  ["/integrations/{integration}/objects", /./],
  ["/transfers", "Transfers"],
  ["/transfers/new", /./],
  ["/transfers/{transfer}", /./],
  ["/tasks", "Tasks"],
  ["/tasks?status=failed", "Tasks"],
  ["/indexes", "Indexes"],
  ["/indexes/new", /./],
  ["/indexes/{index}", /./],
  ["/indexes/{index}/videos/{video}", /./],
  ["/search", "Search"],
  ["/search?index={index}&q=harbour", "Search"],
  ["/keys", "API keys"],
  ["/webhooks", "Webhooks"],
  ["/settings", "Settings"],
  ["/system", "System"],
  ["/integrations/000000000000000000000000", /./],
  ["/transfers/000000000000000000000000", /./],
  ["/tasks/000000000000000000000000", /./],
  ["/indexes/000000000000000000000000", /./],
  ["/nowhere", "There is no such page"],
];

/** Pages that ask the server for nothing. */
const SILENT = new Set(["/nowhere"]);

function addressOf(path: string): string {
  const { integration, transfer, index, videos } = world();
  const ids: Record<string, string | undefined> = { integration, transfer, index, video: Object.values(videos)[0] };
  return `/dashboard${path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name)}`;
}

for (const [path, heading] of PLACES) {
  test(`everywhere: ${path}`, async ({ signedIn: page, baseURL }) => {
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(`${baseURL}/`) && !/^(blob|data):/.test(request.url())) foreign.push(request.url());
    });
    await page.goto(addressOf(path));
    const title = page.getByRole("heading", { level: 1 });
    await expect(title).toHaveText(heading);
    // While it waits, it says for what; soon it waits no more.
    const wordless = await page
      .locator(".wheel")
      .evaluateAll((wheels) => wheels.filter((wheel) => !/\w/.test(wheel.parentElement?.textContent ?? "")).length);
    expect(wordless, "spinners without words").toBe(0);
    await expect(page.locator("main .busy")).toHaveCount(0, { timeout: 20_000 });
    await expect(title).toHaveCount(1);
    await expect.poll(async () => `${await title.textContent()} · Telecine` === (await page.title())).toBe(true);
    await expectAccessible(page);
    if (!SILENT.has(path)) {
      const opener = page.getByRole("button", { name: "API calls of this screen" });
      await opener.click();
      await expect(page.getByRole("dialog")).toContainText("curl ");
      await page.keyboard.press("Escape");
      await expect(opener).toBeFocused();
    }
    expect(foreign, "nothing is asked of other servers").toEqual([]);
  });
}

test("where the reader's own colours hold, what is chosen is still seen", async ({ signedIn: page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await page.goto("/dashboard/keys");
  const current = page.getByRole("link", { name: "API keys" });
  await expect(current).toHaveCSS("outline-style", "solid");
  await expect(page.getByText("Works", { exact: true }).first()).toHaveCSS("border-top-style", "solid");
});

test("who wants no motion sees none", async ({ signedIn: page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto("/dashboard/keys");
  const lengths = await page.evaluate(() =>
    document.getAnimations().map((animation) => animation.effect?.getComputedTiming().duration),
  );
  expect(lengths.filter((length) => Number(length) > 1)).toEqual([]);
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByRole("dialog")).toHaveCSS("animation-name", "none");
});

test("a failure has a cause, a next step and a reference, and can be tried again", async ({ signedIn: page }) => {
  let isBroken = true;
  await page.route("**/v1.3/keys", (route) =>
    isBroken
      ? route.fulfill({ status: 400, json: { code: "parameter_invalid", message: "It broke.", request_id: "r-42" } })
      : route.continue(),
  );
  await page.goto("/dashboard/keys");
  const failure = page.getByRole("alert");
  await expect(failure).toContainText("It broke.");
  await expect(failure).toContainText("Next:");
  await expect(failure).toContainText("r-42");
  await expectAccessible(page);
  isBroken = false;
  await failure.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("table", { name: "API keys" })).toBeVisible();
});
