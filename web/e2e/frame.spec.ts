// What is around every page: navigation, theme, API calls, focus from page to page, narrow windows.
import { expect, expectAccessible, keepScreenshot, tabTo, test } from "./test";

test("the frame is accessible, wide and narrow, with its menu, its theme and its API calls open", async ({
  signedIn: page,
}) => {
  await page.goto("/dashboard/keys");
  await expect(page.getByRole("heading", { name: "API keys", level: 1 })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "API calls of this screen" }).click();
  await expect(page.getByRole("dialog")).toContainText("/v1.3/keys");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "API calls of this screen" })).toBeFocused();
  await page.getByRole("button", { name: /Theme/ }).click();
  await expect(page.getByRole("option", { name: "Dark" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("option", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.getByRole("rowheader").first()).toBeVisible();
  await keepScreenshot(page, "frame-dark");
});

test("on a narrow window the menu opens, and closes when a page is chosen", async ({ signedIn: page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto("/dashboard/keys");
  await expect(page.getByRole("heading", { name: "API keys" })).toBeVisible();
  await expect(page.getByRole("link", { name: "System" })).toBeHidden();
  await tabTo(page, "Open the menu");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Close the menu" })).toBeFocused();
  await expect(page.getByRole("link", { name: "System" })).toBeVisible();
  await expectAccessible(page);
  await tabTo(page, "System");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "System", level: 1 })).toBeFocused();
  await expect(page.getByRole("link", { name: "Webhooks" })).toBeHidden();
});

test("by keyboard: the skip link first, then the navigation; a page that is opened has its heading focused", async ({
  signedIn: page,
}) => {
  await page.goto("/dashboard/keys");
  await expect(page.getByRole("heading", { name: "API keys" })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the page" })).toBeFocused();
  await tabTo(page, "Webhooks");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Webhooks", level: 1 })).toBeFocused();
  await expect(page).toHaveTitle("Webhooks · Telecine");
  await page.goBack();
  await expect(page.getByRole("heading", { name: "API keys", level: 1 })).toBeFocused();
  await tabTo(page, "Skip to the page", "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
  await expect(page.getByRole("heading", { name: "API keys" })).toBeVisible();
});

test("an address that leads nowhere says so and leads on", async ({ signedIn: page }) => {
  await page.goto("/dashboard/nothing/here");
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "To the integrations" }).click();
  await expect(page.getByRole("heading", { name: "Integrations", level: 1 })).toBeFocused();
});
