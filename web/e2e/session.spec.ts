// Signing in and out, and what holds on every page.
import { expect, expectAccessible, keepScreenshot, tabTo, test, world } from "./test";

test("a key signs in, and the page never sees it again", async ({ page }) => {
  await page.goto("/dashboard/");
  await expect(page.getByRole("heading", { name: "Sign in to Telecine" })).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, "sign-in");
  await page.getByLabel("API key").fill("tlk_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("Next:");
  await page.getByLabel("API key").fill(world().key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  expect(await page.evaluate(() => document.cookie)).toBe("");
  const cookie = (await page.context().cookies()).find((each) => each.name === "telecine_session");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
  await page.reload();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in to Telecine" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Sign in to Telecine" })).toBeVisible();
});

test("the address of `telecine dashboard` signs in by one click, once", async ({ page, browser, baseURL }) => {
  const made = await page.request.post("/v1.3/session/codes", { headers: { "x-api-key": world().key } });
  const { url } = await made.json();
  const { pathname, hash, origin } = new URL(url);
  expect(origin).toBe(world().url);
  await page.goto(pathname + hash);
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  expect(page.url()).not.toContain("code=");
  const other = await (await browser.newContext()).newPage();
  await other.goto(new URL(pathname + hash, baseURL).href);
  await expect(other.getByRole("alert")).toContainText("Next:");
});

test("signing in works by keyboard only", async ({ page }) => {
  await page.goto("/dashboard/");
  await expect(page.getByLabel("API key")).toBeFocused();
  await page.keyboard.type(world().key);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  await tabTo(page, "Skip to the page");
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
});

test("nothing is loaded from elsewhere, and the policy forbids it", async ({ signedIn: page, baseURL }) => {
  const foreign: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(`${baseURL}/`) && !/^(blob|data):/.test(request.url())) foreign.push(request.url());
  });
  const answer = await page.goto("/dashboard/");
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  const policy = answer?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
  expect(foreign).toEqual([]);
});

test("every screen tells the API calls behind it", async ({ signedIn: page }) => {
  await page.goto("/dashboard/");
  await page.getByRole("button", { name: "API calls of this screen" }).click();
  await expect(page.getByRole("dialog")).toContainText('curl -H "x-api-key: $TELECINE_API_KEY"');
});
