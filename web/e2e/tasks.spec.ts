// Tasks: the list, its filters in the address, its pages, and one of them.
import { expect, expectAccessible, keepScreenshot, tabTo, test, world } from "./test";

test("tasks are filtered, and the address keeps it", async ({ signedIn: page }) => {
  await page.goto(`/dashboard/tasks?transfer_id=${world().transfer}`);
  const rows = page.getByRole("table", { name: "Tasks" }).getByRole("rowheader");
  await expect(rows).toHaveCount(7);
  await expectAccessible(page);
  await keepScreenshot(page, "tasks");
  await page.getByRole("button", { name: /State/ }).click();
  await page.getByRole("option", { name: "Failed" }).click();
  await expect(page).toHaveURL(/state=failed/);
  await expect(rows.first()).toBeVisible();
  const failed = await rows.allInnerTexts();
  expect(failed).toContain("small.mp4");
  expect(failed).not.toContain("speech.mp4");
  await page.getByLabel("Name").fill("SMALL");
  await expect(page).toHaveURL(/name=SMALL/);
  await expect(rows).toHaveText(["small.mp4"]);
  await page.getByRole("button", { name: /Reason/ }).click();
  await page.getByRole("option", { name: "Broken file" }).click();
  await expect(page.getByRole("heading", { name: "No task is like that" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "No task is like that" })).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("SMALL");
  await expectAccessible(page);
  await page.getByRole("search").getByRole("button", { name: "Clear all filters" }).click();
  await expect(page).toHaveURL(/\/tasks$/);
  await expect(page.getByLabel("Name")).toHaveValue("");
  const today = await page.evaluate(() => new Date().toLocaleDateString("sv"));
  await page.getByLabel("Made from").fill(today);
  await expect(rows.first()).toBeVisible();
  await page.getByLabel("Made until").fill("2020-01-01");
  await expect(page.getByRole("heading", { name: "No task is like that" })).toBeVisible();
});

test("a task says why it failed, with value, rule and remedy", async ({ signedIn: page }) => {
  await page.goto(`/dashboard/tasks?transfer_id=${world().transfer}&status=failed&name=small`);
  await page.getByRole("link", { name: "small.mp4" }).click();
  const drawer = page.getByRole("dialog", { name: "Task" });
  await expect(drawer).toContainText("Found: ");
  await expect(drawer).toContainText("Allowed: the shorter side must have at least 360 pixels");
  await expect(drawer).toContainText("Next: ");
  await expect(page).toHaveURL(/task=[0-9a-f]{24}/);
  await expectAccessible(page);
  await keepScreenshot(page, "task");
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(page.getByRole("link", { name: "small.mp4" })).toBeFocused();
});

test("a task is opened, tried again and closed by keyboard only", async ({ signedIn: page }) => {
  await page.goto(`/dashboard/tasks?transfer_id=${world().transfer}&state=failed&name=broken`);
  await expect(page.getByRole("link", { name: "broken.mp4" })).toBeVisible();
  await tabTo(page, "broken.mp4");
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog", { name: "Task" });
  await expect(drawer).toContainText("Next: ");
  await tabTo(page, "Try again");
  await page.keyboard.press("Enter");
  await expect(page.getByText("It will be tried again.")).toBeVisible();
  await expect(drawer.getByText("The file is broken.").or(drawer.getByText("cannot be read")).first()).toBeVisible({
    timeout: 60_000,
  });
});

test("a ready task leads to its video, and has a page of its own", async ({ signedIn: page }) => {
  await page.goto(`/dashboard/tasks?transfer_id=${world().transfer}&name=speech`);
  await page.getByRole("link", { name: "speech.mp4" }).click();
  const id = new URL(page.url()).searchParams.get("task");
  await page.goto(`/dashboard/tasks/${id}`);
  await expect(page.getByRole("heading", { name: "speech.mp4" })).toBeVisible();
  await expectAccessible(page);
  const video = world().videos["speech.mp4"];
  await expect(page.getByRole("link", { name: "To the video" })).toHaveAttribute(
    "href",
    `/dashboard/indexes/${world().index}/videos/${video}`,
  );
  await page.goto(`/dashboard/tasks/${"0".repeat(24)}`);
  await expect(page.getByRole("alert")).toContainText("reference");
});
