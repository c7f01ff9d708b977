// API keys, webhooks, settings and system: by mouse and by keyboard only.
import type { Page } from "@playwright/test";
import { call, expect, expectAccessible, keepScreenshot, tabTo, test, world } from "./test";

const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { name, level: 1 });

/** What the API answers to a key; the page's session stays out of it. */
async function statusWith(key: string) {
  return (await fetch(`${world().url}/v1.3/keys`, { headers: { "x-api-key": key } })).status;
}

test("a key is made, used, limited and revoked, by mouse", async ({ signedIn: page }) => {
  await page.goto("/dashboard/keys");
  await expect(heading(page, "API keys")).toBeVisible();
  const own = page.getByRole("row", { name: /You are signed in by it/ });
  await expect(own).toContainText("Works");
  await page.getByRole("button", { name: "Create key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Create key" }).click();
  await expect(dialog).toContainText("A key needs a name");
  const name = `harbour kiosk ${Date.now()}`;
  await dialog.getByLabel("Name").fill(name);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Create key" }).click();
  await expect(dialog).toContainText("it is shown only this once");
  await expectAccessible(page);
  await keepScreenshot(page, "key-new");
  await dialog.getByRole("group", { name: "The key", exact: true }).getByRole("button", { name: "Copy" }).click();
  const key = await page.evaluate(() => navigator.clipboard.readText());
  expect(key).toMatch(/^tlk_/);
  expect(await statusWith(key)).toBe(200);
  // What is shown once is not lost by a slip.
  await page.keyboard.press("Escape");
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.locator("body")).not.toContainText(key);

  await page.getByRole("button", { name: `Limits of ${name}` }).click();
  const searches = dialog.getByRole("group", { name: "Searches" });
  await searches.getByLabel("a minute").fill("many");
  await dialog.getByRole("button", { name: "Set limits" }).click();
  await expect(dialog).toContainText("A whole number, or nothing for no limit.");
  await searches.getByLabel("a minute").fill("");
  await searches.getByLabel("a day").fill("3000");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Set limits" }).click();
  const row = page.getByRole("row", { name });
  await expect(row).toContainText("searches 3,000 a day");
  expect(await call<{ data: unknown[] }>(page, "GET", "/v1.3/keys").then((keys) => keys.data)).toContainEqual(
    expect.objectContaining({ name, rate_limits: expect.objectContaining({ search_per_day: 3000 }) }),
  );
  await expectAccessible(page);
  await keepScreenshot(page, "keys");

  await page.getByRole("button", { name: `Revoke ${name}` }).click();
  const question = page.getByRole("alertdialog", { name: /^Revoke/ });
  await expect(question).toContainText("refused from their next request on");
  await expectAccessible(page);
  await question.getByRole("button", { name: "Revoke key" }).click();
  await expect(question).toBeHidden();
  await expect(row).toBeHidden();
  expect(await statusWith(key)).toBe(401);
  await page.getByRole("button", { name: /^Show|Those that work/ }).click();
  await page.getByRole("option", { name: /^Revoked/ }).click();
  await expect(page).toHaveURL(/show=revoked/);
  await expect(row).toContainText("Revoked");
});

test("a key is made and revoked by keyboard only, and the focus is never lost", async ({ signedIn: page }) => {
  await page.goto("/dashboard/keys");
  await expect(page.getByRole("table")).toBeVisible();
  await tabTo(page, "Create key");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Name")).toBeFocused();
  const name = `by keyboard ${Date.now()}`;
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toContainText("it is shown only this once");
  await tabTo(page, "Copy");
  await page.keyboard.press("Enter");
  const key = await page.evaluate(() => navigator.clipboard.readText());
  expect(await statusWith(key)).toBe(200);
  await tabTo(page, "I have kept it");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Create key" })).toBeFocused();
  await tabTo(page, `Revoke ${name}`);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Keep it" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: `Revoke ${name}` })).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page, "Revoke key");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alertdialog", { name: /^Revoke/ })).toBeHidden();
  await expect(page.getByRole("button", { name: `Revoke ${name}` })).toBeHidden();
  // The button is gone: the focus stays near.
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("TABLE");
  // A message is reached by F6, and put away.
  await page.keyboard.press("F6");
  await expect(page.getByRole("region", { name: /Messages/ })).toBeFocused();
  await tabTo(page, "Dismiss");
  await page.keyboard.press("Enter");
  await expect(page.getByText("works no more")).toBeHidden();
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).not.toBe("BODY");
  expect(await statusWith(key)).toBe(401);
});

test("who revokes the key of the own session is warned, and signed out", async ({ page }) => {
  const made = await call<{ key: string; name: string }>(page, "POST", "/v1.3/keys", { name: `own ${Date.now()}` });
  const headers = { origin: world().url };
  await page.request.post("/v1.3/session", { data: { key: made.key }, headers });
  await page.goto("/dashboard/keys");
  await page.getByRole("button", { name: `Revoke ${made.name}` }).click();
  const question = page.getByRole("alertdialog", { name: /^Revoke/ });
  await expect(question).toContainText("You are signed in by this key");
  await expect(question.getByRole("button", { name: "Revoke key" })).toBeDisabled();
  await expectAccessible(page);
  await question.getByText("I know, and can get in otherwise").click();
  await question.getByRole("button", { name: "Revoke key" }).click();
  await expect(heading(page, "Sign in to Telecine")).toBeVisible();
});
