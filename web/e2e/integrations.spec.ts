// Integrations: the list with its numbers, the wizard, Get JSON, synchronizing, deleting and undoing; by mouse and by keyboard.
import { readFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";
import { call, expect, expectAccessible, keepScreenshot, tabTo, test, world } from "./test";

interface Integration {
  _id: string;
  bucket: string;
}

const LIST = "/dashboard/integrations";

/** Parts from whatever a test before this one connected. */
async function disconnect(page: Pick<Page, "request">, bucket: string) {
  const { data } = await call<{ data: Integration[] }>(page, "GET", "/v1.3/integrations");
  for (const each of data.filter((integration) => integration.bucket === bucket)) {
    await call(page, "DELETE", `/v1.3/integrations/${each._id}`);
  }
}

/** What a test before this one parted from and did not bring back would be missed by all others. */
test.beforeEach(async ({ page }) => {
  const { data } = await call<{ data: Integration[] }>(page, "GET", "/v1.3/integrations?deleted=true");
  if (data.some((each) => each._id === world().integration)) {
    await call(page, "POST", `/v1.3/integrations/${world().integration}/restore`);
  }
});

/** Others expect that nobody has connected it. */
test.afterAll(async ({ request }) => disconnect({ request }, world().other_bucket));

/** The row of a bucket. */
const rowOf = (page: Page, bucket: string) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: bucket, exact: true }) });

const textOf = async (block: Locator) => ((await block.locator("code").textContent()) ?? "").trim();

/** The customer does what stands on the page, byte by byte, in the own account. */
async function applyAsCustomer(page: Page) {
  const step = (title: string) => page.locator("section").filter({ has: page.getByRole("heading", { name: title }) });
  const [policy, role] = [step("Step 1: Create policy"), step("Step 2: Create role")];
  const nameOf = (section: Locator) => section.locator("p", { hasText: "Its name:" }).locator("code").textContent();
  const answer = await page.request.post(world().customer, {
    data: {
      policy: await textOf(policy.getByRole("group", { name: "Policy document" })),
      trust: await textOf(role.getByRole("group", { name: "Trust policy document" })),
      policy_name: await nameOf(policy),
      role_name: await nameOf(role),
    },
  });
  expect(answer.ok()).toBe(true);
}

test("every number of a bucket opens its list, and the address holds what is open", async ({ signedIn: page }) => {
  test.setTimeout(180_000);
  await page.goto(LIST);
  const row = rowOf(page, world().bucket);
  await expect(row).toContainText("AWS S3");
  await expect(row).toContainText("Active");
  await expect(row.getByText(world().integration)).toBeVisible();
  await row.getByRole("button", { name: `Copy the id of ${world().bucket}` }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(world().integration);

  await row.getByRole("button", { name: /Show the statistics/ }).click();
  const numbers = page.getByRole("region", { name: `Statistics of ${world().bucket}` });
  await expect(numbers.getByRole("img", { name: /Indexed: \d+, Not yet indexed: \d+/ })).toBeVisible();
  await expect(numbers).toContainText("As of the listing");
  expect(page.url()).toContain(`open=${world().integration}`);
  await page.reload();
  await expect(numbers.getByRole("heading", { name: "Failed, by reason" })).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, "integrations");

  const links = numbers.getByRole("link", { name: /Show the list/ });
  const many = await links.count();
  expect(many).toBeGreaterThan(12);
  for (let at = 0; at < many; at += 1) {
    const count = Number(await links.nth(at).textContent());
    await links.nth(at).click();
    await expect(page.getByRole("navigation", { name: "Pages of objects" })).toHaveText(`${count} objects`);
    await page.goBack();
    await expect(links).toHaveCount(many);
  }
});

test("a list of objects says why each is not taken or failed, and is narrowed by its address", async ({
  signedIn: page,
}) => {
  await page.goto(`${LIST}/${world().integration}/objects?state=failed`);
  await expect(page.getByRole("heading", { level: 1, name: "Failed" })).toBeVisible();
  const small = rowOf(page, "small.mp4");
  await expect(small).toContainText("Found:");
  await expect(small).toContainText("Next:");
  await expectAccessible(page);
  await keepScreenshot(page, "integration-objects");
  await page.getByLabel("Key begins with").fill("small");
  await expect(page.getByRole("navigation", { name: "Pages of objects" })).toContainText("1 objects");
  expect(page.url()).toContain("prefix=small");
  await page.reload();
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.goto(`${LIST}/${world().integration}/objects?state=excluded&reason=not_a_video`);
  await expect(page.getByText("Its name has no extension of a video.")).toBeVisible();
  await page.getByRole("button", { name: /Take the filter .* away/ }).click();
  await expect(page.getByRole("navigation", { name: "Pages of objects" })).toContainText("2 objects");
  await page.goto(`${LIST}/${world().integration}/objects?state=changed`);
  await expect(page.getByRole("heading", { name: "No object is on this list" })).toBeVisible();
});

test("the wizard: what failed is mended by what stands on the page, and the row is active", async ({
  signedIn: page,
}) => {
  test.setTimeout(180_000);
  await disconnect(page, world().other_bucket);
  await page.goto(LIST);
  await page.getByRole("button", { name: "Add Integration" }).click();
  await page.getByRole("menuitem", { name: "AWS S3" }).click();
  const modal = page.getByRole("dialog", { name: "Integrate AWS S3" });
  await modal.getByRole("button", { name: "Next" }).click();
  await expect(modal.getByText("Give the aws account id.")).toBeVisible();
  await expect(modal.getByLabel("AWS account ID")).toBeFocused();
  await expectAccessible(page);
  await modal.getByLabel("AWS account ID").fill("12");
  await modal.getByRole("textbox", { name: "Bucket" }).fill(`s3://${world().other_bucket}/`);
  await modal.getByRole("button", { name: "Next" }).click();
  await expect(modal.getByRole("alert")).toContainText("Next:");
  await modal.getByLabel("AWS account ID").fill(world().account_id);
  await modal.getByRole("button", { name: "Next" }).click();

  for (const title of ["Step 1: Create policy", "Step 2: Create role", "Step 3: Check verification"]) {
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
  }
  await expectAccessible(page);
  await keepScreenshot(page, "integration-setup");
  for (const [tab, word] of [
    ["CLI", "aws iam create-role"],
    ["CloudFormation", "AWS::IAM::Role"],
    ["Terraform", "aws_iam_role"],
  ] as const) {
    await page.getByRole("tab", { name: tab }).click();
    await expect(page.getByRole("tabpanel")).toContainText(word);
  }
  expect(page.url()).toContain("way=terraform");
  await page.reload();
  await expect(page.getByRole("tab", { name: "Terraform" })).toHaveAttribute("aria-selected", "true");
  await page.getByRole("tab", { name: "Console" }).click();

  await expect(page.getByRole("button", { name: "Next" })).toBeDisabled();
  await page.getByRole("button", { name: "Verify My Account" }).click();
  await expect(page.getByText("Not yet: 1 line failed.")).toBeVisible({ timeout: 60_000 });
  const remedy = page.getByRole("region", { name: /How to mend: Take the role/ });
  await expect(remedy).toContainText("The owner of the bucket");
  await expect(remedy.getByRole("group", { name: /Trust policy/ })).toContainText("sts:ExternalId");
  await remedy.getByText("Or by the command line").click();
  await expectAccessible(page);
  await page.getByText("Not yet: 1 line failed.").evaluate((note) => note.scrollIntoView());
  await keepScreenshot(page, "integration-verify-failed");
  await page.reload();
  await expect(page.getByText("Not yet: 1 line failed.")).toBeVisible();

  await applyAsCustomer(page);
  await page.getByRole("button", { name: "Check again" }).click();
  await expect(page.getByText("Verification successful!")).toBeVisible({ timeout: 60_000 });
  const lines = page.getByRole("list", { name: "Checklist" }).getByRole("listitem");
  await expect(lines.filter({ hasText: "Be refused without the external id" })).toContainText("OK");
  await expect(lines.filter({ hasText: "List the bucket" })).toContainText("OK");
  await expectAccessible(page);
  await page.getByRole("link", { name: "Next", exact: true }).click();
  await expect(rowOf(page, world().other_bucket)).toContainText("Active");
});

test("Get JSON synchronizes, counts, previews, and gives a manifest that a transfer takes", async ({
  signedIn: page,
}) => {
  test.setTimeout(120_000);
  await page.goto(LIST);
  await rowOf(page, world().bucket)
    .getByRole("button", { name: `Get JSON of ${world().bucket}` })
    .click();
  const modal = page.getByRole("dialog", { name: `Get JSON of ${world().bucket}` });
  await expect(modal.getByText(/^Synchronized .*: 9 objects/)).toBeVisible();
  await modal.getByRole("button", { name: /Index/ }).click();
  await page.getByRole("option", { name: world().index_name, exact: true }).click();
  await expect(modal.getByRole("status").filter({ hasText: "7 videos" })).toBeVisible();
  await expect(modal.getByRole("group", { name: /first lines/ })).toContainText(`s3://${world().bucket}/`);
  await expectAccessible(page);
  await keepScreenshot(page, "get-json");
  await modal.getByText("Not yet indexed only").click();
  await expect(modal.getByRole("status").filter({ hasText: "4 videos" })).toBeVisible();
  await page.reload();
  await expect(modal.getByRole("status").filter({ hasText: "4 videos" })).toBeVisible({ timeout: 30_000 });

  const download = page.waitForEvent("download");
  await modal.getByRole("link", { name: "Download" }).click();
  const file = await (await download).path();
  const entries = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>[];
  expect(entries).toHaveLength(4);
  for (const entry of entries) {
    expect(entry).toMatchObject({ index_id: world().index, language: "en" });
    expect(entry.object).toMatch(new RegExp(`^s3://${world().bucket}/.+\\.mp4$`));
  }
  const form = new FormData();
  form.append("file", new Blob([readFileSync(file)], { type: "application/json" }), "manifest.json");
  const plan = await page.request.post("/v1.3/tasks/transfers?dry_run=true", {
    headers: { "x-api-key": world().key },
    multipart: { file: { name: "manifest.json", mimeType: "application/json", buffer: readFileSync(file) } },
  });
  expect(plan.ok(), await plan.text()).toBe(true);

  await modal.getByText("Filters").click();
  await modal.getByLabel("Key begins with").fill("small");
  await expect(modal.getByRole("status").filter({ hasText: "1 video," })).toBeVisible();
  await modal.getByLabel("Key begins with").fill("nothing");
  await expect(modal.getByText(/^0 videos/)).toBeVisible();
  await expect(modal.getByRole("button", { name: "Download" })).toBeDisabled();
  await modal.getByLabel("Key begins with").fill("");
  await modal.getByLabel("Only these patterns").fill("[");
  await expect(modal.getByRole("alert")).toContainText("glob");
  await modal.getByLabel("Only these patterns").fill("s*.mp4");
  await modal.getByRole("button", { name: /Format/ }).click();
  await page.getByRole("option", { name: /CSV/ }).click();
  await expect(modal.getByRole("group", { name: /first lines/ })).toContainText("index_id,");
  await modal.getByRole("button", { name: "Close" }).last().click();
  await expect(modal).toBeHidden();
  expect(page.url()).not.toContain("glob=");
});

test("synchronizing says what it found", async ({ signedIn: page }) => {
  await page.goto(LIST);
  await rowOf(page, world().bucket)
    .getByRole("button", { name: `Synchronize data of ${world().bucket}` })
    .click();
  await expect(page.getByText(`${world().bucket} is synchronized: 9 objects`)).toBeVisible();
  await page.goto(`${LIST}/${world().integration}?tab=synchronizations`);
  await expect(page.getByRole("row", { name: /By hand/ }).first()).toContainText("Done");
  await expectAccessible(page);
});

test("a long synchronization tells the keys listed, goes on when it is left, and can be stopped", async ({
  signedIn: page,
}) => {
  test.setTimeout(120_000);
  await disconnect(page, "many");
  // Each link is asked for: so many take a while everywhere.
  const urls = Array.from({ length: 4000 }, (_, at) => `${world().links}/clip-${at}.mp4`);
  const made = { provider: "url_list", bucket: "many", urls };
  const { _id } = await call<Integration>(page, "POST", "/v1.3/integrations", made);
  await call(page, "POST", `/v1.3/integrations/${_id}/verify`);
  await page.goto(LIST);
  const row = rowOf(page, "many");
  await row.getByRole("button", { name: "Synchronize data of many" }).click();
  await expect(row.getByText("Synchronizing; it goes on if you leave")).toBeVisible();
  await expect(row.getByText(/[1-9]\d* keys listed, \d+ keys per second/)).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Settings" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
  await page.goBack();
  await row.getByRole("button", { name: "Stop" }).click();
  await expect(row.getByText("Synchronizing; it goes on if you leave")).toBeHidden();
  await page.goto(`${LIST}/${_id}?tab=synchronizations`);
  await expect(page.getByRole("row", { name: /By hand/ })).toContainText("Cancelled");
  await disconnect(page, "many");
});

test("deleting tells what stays and what goes, and can be undone", async ({ signedIn: page }) => {
  await page.goto(LIST);
  const row = rowOf(page, world().bucket);
  await row.locator("label.checkbox").click();
  await expect(page.getByText("1 integration selected")).toBeVisible();
  await page.getByRole("button", { name: "Delete the selected integrations" }).click();
  const asked = page.getByRole("alertdialog", { name: "Delete 1 integration?" });
  await expect(asked).toContainText("Stays: 2 indexed videos (2 in harbour)");
  await expect(asked).toContainText("Goes: the access to the bucket");
  await expectAccessible(page);
  await asked.getByRole("button", { name: "Delete 1 integration" }).click();
  await expect(page.getByText("1 integration deleted.")).toBeVisible();
  await expect(row).toBeHidden();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText("1 integration restored.")).toBeVisible({ timeout: 30_000 });
  await expect(row).toContainText("Active");
});

test("where nothing is connected, the page explains what an integration is", async ({ signedIn: page }) => {
  const { data } = await call<{ data: Integration[] }>(page, "GET", "/v1.3/integrations");
  const ids = data.map((integration) => integration._id);
  await call(page, "DELETE", `/v1.3/integrations?ids=${ids.join(",")}`);
  await page.goto(LIST);
  await expect(page.getByRole("heading", { name: "No bucket is connected yet" })).toBeVisible();
  await keepScreenshot(page, "integrations-empty");
  await expect(page.getByText("What we can never do:")).toBeVisible();
  await expect(page.getByRole("button", { name: "Add Integration" })).toHaveCount(1);
  await expectAccessible(page);
  await page.getByText(/Recently deleted/).click();
  await expectAccessible(page);
  await page.getByRole("button", { name: `Restore ${world().bucket}` }).click();
  await expect(rowOf(page, world().bucket)).toContainText("Active", { timeout: 30_000 });
  for (const id of ids.filter((each) => each !== world().integration)) {
    await call(page, "POST", `/v1.3/integrations/${id}/restore`);
  }
});

test("other stores have their own fields and one step; a list of links is read", async ({ signedIn: page }) => {
  await disconnect(page, "press");
  await page.goto(`${LIST}?add=azure_blob`);
  const azure = page.getByRole("dialog", { name: "Integrate Azure Blob Storage" });
  await expect(azure.getByLabel("Signature (SAS token)")).toHaveAttribute("type", "password");
  await azure.getByRole("button", { name: /Read it with/ }).click();
  await page.getByRole("option", { name: "An application of Entra" }).click();
  await expect(azure.getByLabel("Tenant ID")).toBeVisible();
  await expect(azure.getByLabel("Signature (SAS token)")).toBeHidden();
  await expectAccessible(page);
  await page.goto(`${LIST}?add=url_list`);
  const links = page.getByRole("dialog", { name: "Integrate a list of links" });
  await links.getByLabel("Name").fill("press");
  await links.getByLabel("Links").fill(`${world().links}/short.mp4\n${world().links}/other.mp4`);
  await links.getByRole("button", { name: "Next" }).click();
  await expect(page.getByRole("heading", { name: "Step 1: Grant the access" })).toBeVisible();
  await page.getByRole("button", { name: "Verify My Account" }).click();
  await expect(page.getByText("Verification successful!")).toBeVisible({ timeout: 30_000 });
  await page.getByRole("link", { name: "Next", exact: true }).click();
  await expect(rowOf(page, "press")).toContainText("List of links");
  await disconnect(page, "press");
});

test("what only the operator can allow is refused with the setting", async ({ signedIn: page }) => {
  await page.goto(`${LIST}?add=folder`);
  const folder = page.getByRole("dialog", { name: "Integrate a folder of the server" });
  await folder.getByLabel("Name").fill("attic");
  await folder.getByLabel("Path").fill("/etc");
  await folder.getByRole("button", { name: "Next" }).click();
  await expect(folder.getByRole("alert")).toContainText("Next: Let the operator add the folder to folders.roots.");
  await expect(folder.getByRole("alert")).toContainText("reference");
});

test("an integration that failed says why, gives no list, and says how it is mended", async ({ signedIn: page }) => {
  const bucket = "attic-of-nobody";
  await disconnect(page, bucket);
  await page.goto(`${LIST}?add=aws_s3`);
  const modal = page.getByRole("dialog", { name: "Integrate AWS S3" });
  await modal.getByRole("button", { name: /Read it with/ }).click();
  await page.getByRole("option", { name: "Nobody's: the bucket is public" }).click();
  await modal.getByRole("textbox", { name: "Bucket" }).fill(bucket);
  await modal.getByRole("button", { name: "Next" }).click();
  await page.getByRole("button", { name: "Verify My Account" }).click();
  await expect(page.getByRole("region", { name: /How to mend/ })).toContainText("Who mends it", { timeout: 45_000 });
  await page.goto(LIST);
  const row = rowOf(page, bucket);
  await expect(row).toContainText("Failed");
  await expect(row.getByRole("button", { name: `Get JSON of ${bucket}` })).toBeDisabled();
  await expect(row).toContainText("Available when the integration is active again");
  await row.getByRole("link", { name: /See the checks/ }).click();
  await expect(page.getByRole("region", { name: /How to mend/ })).toBeVisible();
  await expectAccessible(page);
  await disconnect(page, bucket);
});

test("settings are changed, refused with reasons, and kept", async ({ signedIn: page }) => {
  const path = `${LIST}/${world().integration}?tab=settings`;
  await page.goto(path);
  await expect(page.getByRole("button", { name: "Save changes" })).toBeDisabled();
  await page.getByLabel("Not these patterns").fill("[");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("alert")).toContainText("`exclude`");
  await expectAccessible(page);
  await page.getByLabel("Not these patterns").fill("*.tmp");
  await page.getByRole("button", { name: /List it/ }).click();
  await page.getByRole("option", { name: "Every 24.0 h" }).click();
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("are changed.")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Not these patterns")).toHaveValue("*.tmp");
  await expect(page.getByText("By itself every 24.0 h")).toBeVisible();
  await call(page, "PATCH", `/v1.3/integrations/${world().integration}`, { filters: {}, schedule: {} });
});

test.describe("by keyboard only", () => {
  test("connecting a bucket: menu, modal, steps, failing and mended verification", async ({ signedIn: page }) => {
    test.setTimeout(180_000);
    await disconnect(page, world().other_bucket);
    await page.goto(LIST);
    await expect(rowOf(page, world().bucket)).toBeVisible();
    await tabTo(page, "Add Integration");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("menuitem", { name: "AWS S3" })).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.getByLabel("AWS account ID")).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("button", { name: "Add Integration" })).toBeFocused();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await expect(page.getByLabel("AWS account ID")).toBeFocused();
    await page.keyboard.type(world().account_id);
    await page.keyboard.press("Tab");
    await page.keyboard.type(world().other_bucket);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Step 1: Create policy" })).toBeVisible();
    await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
    await tabTo(page, "Console");
    await page.keyboard.press("ArrowRight");
    await expect(page.getByRole("tab", { name: "CLI" })).toHaveAttribute("aria-selected", "true");
    await page.keyboard.press("ArrowLeft");
    await tabTo(page, "Verify My Account");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Not yet: 1 line failed.")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByRole("button", { name: "Verify My Account" })).toBeFocused();
    await applyAsCustomer(page);
    await tabTo(page, "Check again");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Verification successful!")).toBeVisible({ timeout: 60_000 });
    expect(await page.evaluate(() => document.activeElement?.tagName)).not.toBe("BODY");
    await tabTo(page, "Next");
    await page.keyboard.press("Enter");
    await expect(rowOf(page, world().other_bucket)).toContainText("Active");
  });

  test("numbers, their lists, synchronizing, Get JSON", async ({ signedIn: page }) => {
    await page.goto(LIST);
    await expect(rowOf(page, world().bucket)).toBeVisible();
    await tabTo(page, `Synchronize data of ${world().bucket}`);
    await page.keyboard.press("Enter");
    await expect(page.getByText(`${world().bucket} is synchronized: 9 objects`)).toBeVisible();
    await expect(page.getByRole("button", { name: `Synchronize data of ${world().bucket}` })).toBeFocused();
    await tabTo(page, `Get JSON of ${world().bucket}`);
    await page.keyboard.press("Enter");
    const modal = page.getByRole("dialog", { name: `Get JSON of ${world().bucket}` });
    await expect(modal.getByText(/^Synchronized .*: 9 objects/)).toBeVisible();
    await tabTo(page, /Index/);
    await page.keyboard.press("Enter");
    await page.keyboard.type(world().index_name);
    await page.keyboard.press("Enter");
    await expect(modal.getByRole("status").filter({ hasText: "7 videos" })).toBeVisible();
    await tabTo(page, "Download");
    const download = page.waitForEvent("download");
    await page.keyboard.press("Enter");
    expect(JSON.parse(readFileSync(await (await download).path(), "utf8"))).toHaveLength(7);
    await page.keyboard.press("Escape");
    await expect(modal).toBeHidden();
    await expect(page.getByRole("button", { name: `Get JSON of ${world().bucket}` })).toBeFocused();
    await tabTo(page, `Show the statistics of ${world().bucket}`);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("region", { name: `Statistics of ${world().bucket}` })).toBeVisible();
    await tabTo(page, /^Failed: \d+\. Show the list$/);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1, name: "Failed" })).toBeFocused();
  });

  test("deleting and undoing", async ({ signedIn: page }) => {
    await page.goto(LIST);
    await expect(rowOf(page, world().bucket)).toBeVisible();
    await tabTo(page, `Select ${world().bucket}`);
    await page.keyboard.press("Space");
    await page.keyboard.press("Shift+Tab");
    await expect(page.getByRole("button", { name: "Delete the selected integrations" })).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alertdialog")).toContainText("Stays:");
    await tabTo(page, "Delete 1 integration");
    await page.keyboard.press("Enter");
    await expect(page.getByText("1 integration deleted.")).toBeVisible();
    await expect(rowOf(page, world().bucket)).toBeHidden();
    expect(await page.evaluate(() => document.activeElement?.tagName)).not.toBe("BODY");
    await tabTo(page, "Undo");
    await page.keyboard.press("Enter");
    await expect(page.getByText("1 integration restored.")).toBeVisible({ timeout: 30_000 });
    await expect(rowOf(page, world().bucket)).toContainText("Active");
  });
});
