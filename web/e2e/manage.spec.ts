// API keys, webhooks, settings and system: by mouse and by keyboard only.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
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
  const name = `harbour kiosk ${Date.now() % 10_000}`;
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

/** A receiver of webhooks on this machine, which keeps what it gets and answers with `status`. */
class Receiver {
  readonly got: { event: string; signature: string }[] = [];
  status = 200;
  private readonly server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      const { type } = JSON.parse(body) as { type: string };
      this.got.push({ event: type, signature: String(request.headers["tl-signature"] ?? "") });
      response.writeHead(this.status, { "content-type": "text/plain" });
      response.end(this.status === 200 ? "thank you" : "not today");
    });
  });

  async url() {
    await new Promise<void>((started) => this.server.listen(0, "127.0.0.1", started));
    return `http://localhost:${(this.server.address() as AddressInfo).port}/events`;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

test("a webhook is added, tested, read, sent again, changed, paused, given another secret and deleted, by mouse", async ({
  signedIn: page,
}) => {
  test.setTimeout(150_000);
  const receiver = new Receiver();
  const url = await receiver.url();
  try {
    await page.goto("/dashboard/webhooks");
    await page.getByRole("button", { name: "Add webhook" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Add webhook" }).click();
    await expect(dialog).toContainText("An address is needed");
    await dialog.getByLabel("Address").fill("http://10.0.0.1/events");
    await dialog.getByRole("button", { name: "Add webhook" }).click();
    await expect(dialog.getByRole("alert")).toContainText("Next:");
    await dialog.getByLabel("Address").fill(url);
    await dialog.getByLabel("Description").fill("the catalogue");
    await dialog.getByText("A transfer is over").click();
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Add webhook" }).click();
    await expect(dialog).toContainText("it is shown only this once");
    await expect(dialog.getByRole("group", { name: "The secret" })).toContainText("whsec_");
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    await expect(heading(page, /^Webhook to localhost/)).toBeVisible();
    await expect(page.getByRole("region", { name: "What it is told" })).toContainText("transfer.completed");

    await page.getByRole("button", { name: "Send a test" }).click();
    const answer = page.getByRole("region", { name: "How the test was answered" });
    await expect(answer).toContainText("The receiver answered with status 200.");
    await expect(answer).toContainText("thank you");
    expect(receiver.got).toEqual([{ event: "webhook.test", signature: expect.stringMatching(/^t=\d+,v1=[0-9a-f]+$/) }]);
    receiver.status = 503;
    await page.getByRole("button", { name: "Send a test" }).click();
    await expect(answer).toContainText("The receiver answered with status 503.");
    await expect(answer).toContainText("Next:");
    const rows = page.getByRole("table", { name: "Deliveries" }).getByRole("row", { name: /webhook\.test/ });
    await expect(rows).toHaveCount(2);
    await rows
      .first()
      .getByRole("button", { name: /Show details/ })
      .click();
    await expect(page).toHaveURL(/open=/);
    await expect(page.getByRole("group", { name: "What is sent" })).toContainText('"type": "webhook.test"');
    await expectAccessible(page);
    await page.mouse.move(0, 0);
    await page.setViewportSize({ width: 1280, height: 1500 });
    await page.evaluate(() => window.scrollTo(0, 0));
    await keepScreenshot(page, "webhook");
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.reload();
    await expect(page.getByRole("group", { name: "What is sent" })).toBeVisible();

    receiver.status = 200;
    const before = receiver.got.length;
    await rows.first().getByRole("button", { name: "Send again" }).click();
    await expect.poll(() => receiver.got.length).toBeGreaterThan(before);
    await expect(rows.first()).toContainText("Delivered");
    await page.getByRole("button", { name: /State/ }).click();
    await page.getByRole("option", { name: "Given up" }).click();
    await expect(page.getByText("No delivery is in this state.")).toBeVisible();
    await expect(page).toHaveURL(/state=dead/);

    await page.getByRole("button", { name: "Pause" }).click();
    await expect(page.getByRole("region", { name: "What it is told" })).toContainText("Paused");
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(page.getByRole("region", { name: "What it is told" })).toContainText("Active");

    await page.getByRole("button", { name: /^More/ }).click();
    await page.getByRole("menuitem", { name: "Change…" }).click();
    await dialog.getByLabel("Description").fill("the new catalogue");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("the new catalogue")).toBeVisible();

    await page.getByRole("button", { name: /^More/ }).click();
    await page.getByRole("menuitem", { name: "Another secret…" }).click();
    const question = page.getByRole("alertdialog", { name: /secret/ });
    await expect(question).toContainText("signs nothing any more");
    await expectAccessible(page);
    await question.getByRole("button", { name: "Make another secret" }).click();
    await expect(question.getByRole("group", { name: "The secret" })).toContainText("whsec_");
    await question.getByRole("button", { name: "I have kept it" }).click();

    await page.getByRole("link", { name: "All webhooks" }).click();
    await expect(page.getByRole("row", { name: new RegExp(url) })).toContainText("the new catalogue");
    await expectAccessible(page);
    await keepScreenshot(page, "webhooks");
    await page.getByRole("link", { name: url }).click();
    await page.getByRole("button", { name: /^More/ }).click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    const last = page.getByRole("alertdialog", { name: "Delete the webhook?" });
    await expect(last).toContainText("Its log goes");
    await expectAccessible(page);
    await last.getByRole("button", { name: "Delete webhook" }).click();
    await expect(heading(page, "Webhooks")).toBeVisible();
    await expect(page.getByRole("link", { name: url })).toBeHidden();
  } finally {
    receiver.stop();
  }
});

test("a webhook is added, tested and deleted by keyboard only", async ({ signedIn: page }) => {
  test.setTimeout(150_000);
  const receiver = new Receiver();
  const url = await receiver.url();
  try {
    await page.goto("/dashboard/webhooks");
    await expect(heading(page, "Webhooks")).toBeVisible();
    await tabTo(page, "Add webhook");
    await page.keyboard.press("Enter");
    await expect(page.getByLabel("Address")).toBeFocused();
    await page.keyboard.type(url);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog")).toContainText("it is shown only this once");
    await tabTo(page, "I have kept it");
    await page.keyboard.press("Enter");
    await expect(heading(page, /^Webhook to localhost/)).toBeFocused();
    await tabTo(page, "Send a test");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("region", { name: "How the test was answered" })).toContainText("status 200");
    await expect(page.getByRole("button", { name: "Send a test" })).toBeFocused();
    await tabTo(page, /Show details/);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("group", { name: "What is sent" })).toBeVisible();
    await expect(page.getByRole("button", { name: /Hide details/ })).toBeFocused();
    await tabTo(page, /^More/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    const question = page.getByRole("alertdialog", { name: "Delete the webhook?" });
    await expect(question.getByRole("button", { name: "Keep it" })).toBeFocused();
    await tabTo(page, "Delete webhook");
    await page.keyboard.press("Enter");
    await expect(heading(page, "Webhooks")).toBeFocused();
  } finally {
    receiver.stop();
  }
});

test("a webhook that is not there says so", async ({ signedIn: page }) => {
  await page.goto(`/dashboard/webhooks/${"0".repeat(24)}`);
  await expect(heading(page, "There is no such page")).toBeVisible();
});

test("settings are found, filtered and explained; the colours and the session are changed", async ({
  signedIn: page,
}) => {
  await page.goto("/dashboard/settings");
  await expect(page.getByRole("heading", { name: "[pipeline]" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Your session" })).toContainText("the key “admin”");
  await expectAccessible(page);
  await keepScreenshot(page, "settings");
  await page.getByLabel("Find a setting").fill("private hosts");
  await expect(page.getByText("urls.allow_private_hosts", { exact: true })).toBeVisible();
  await expect(page.getByText("TELECINE_URLS__ALLOW_PRIVATE_HOSTS", { exact: true })).toBeVisible();
  await expect(page.getByRole("heading", { name: "[pipeline]" })).toBeHidden();
  await expect(page).toHaveURL(/q=private\+hosts/);
  await page.reload();
  await expect(page.getByText("urls.allow_private_hosts", { exact: true })).toBeVisible();
  await page.getByLabel("Find a setting").fill("no such thing");
  await expect(page.getByRole("heading", { name: "No setting is like that" })).toBeVisible();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByText("Changed ones only").click();
  await expect(page.getByText("server.listen", { exact: true })).toBeVisible();
  await expect(page.getByRole("heading", { name: "[pipeline]" })).toBeHidden();
  await page.getByText("How settings are changed").click();
  await expect(page.getByRole("group", { name: "By a flag" })).toContainText("--set pipeline.tasks=4");
  await expectAccessible(page);
  await page.getByRole("button", { name: /Colours/ }).click();
  await page.getByRole("option", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  // The frame's own choice knows.
  await expect(page.getByRole("button", { name: /Theme/ })).toContainText("Dark");
});

test("by keyboard only: a setting is found, and one signs out everywhere", async ({
  signedIn: page,
  browser,
  baseURL,
}) => {
  // A key of its own: the others' sessions stay.
  const made = await call<{ _id: string; key: string }>(page, "POST", "/v1.3/keys", {
    name: `two browsers ${Date.now()}`,
  });
  const signIn = { data: { key: made.key }, headers: { origin: world().url } };
  const other = await browser.newContext({ baseURL });
  expect((await other.request.post("/v1.3/session", signIn)).status()).toBe(200);
  expect((await page.request.post("/v1.3/session", signIn)).status()).toBe(200);
  await page.goto("/dashboard/settings");
  await expect(page.getByRole("heading", { name: "[pipeline]" })).toBeVisible();
  await tabTo(page, "Find a setting");
  await page.keyboard.type("allow_private");
  await expect(page.getByText("urls.allow_private_hosts", { exact: true })).toBeVisible();
  await expect(page.getByLabel("Find a setting")).toBeFocused();
  await tabTo(page, "Sign out everywhere", "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Stay signed in" })).toBeFocused();
  await expectAccessible(page);
  await tabTo(page, "Sign out everywhere");
  await page.keyboard.press("Enter");
  await expect(heading(page, "Sign in to Telecine")).toBeVisible();
  expect((await other.request.get("/v1.3/session")).status()).toBe(401);
  // The key itself goes on.
  expect(await statusWith(made.key)).toBe(200);
  await call(page, "DELETE", `/v1.3/keys/${made._id}`);
});

test("the system tells what it does, with what, and how much room it has; its numbers change by themselves", async ({
  signedIn: page,
}) => {
  await page.goto("/dashboard/system");
  const queue = page.getByRole("region", { name: "Queue" });
  await expect(queue).toContainText("In hand");
  await expect(page.getByRole("region", { name: "Disk" })).toContainText(/free of/);
  await expect(page.getByRole("region", { name: "Workers" })).toContainText(/Tasks in hand.*0 of \d/);
  await expect(page.getByRole("region", { name: "Server" })).toContainText("sqlite");
  await expect(page.getByRole("table", { name: "Models" }).getByRole("row", { name: /onnxruntime/ })).toContainText(
    "Runs",
  );
  await expectAccessible(page);
  await keepScreenshot(page, "system");
  // By itself, until it is told not to.
  const clock = page.getByText("the server's clock says").locator("time");
  const first = await clock.getAttribute("datetime");
  await expect.poll(() => clock.getAttribute("datetime"), { timeout: 15_000 }).not.toBe(first);
  await tabTo(page, "Pause updates");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Resume updates" })).toBeFocused();
  const paused = await clock.getAttribute("datetime");
  await page.waitForTimeout(6_000);
  expect(await clock.getAttribute("datetime")).toBe(paused);
  for (const [name, path] of [
    ["The API's document", "/docs"],
    ["OpenAPI file", "/openapi.json"],
    ["Metrics", "/metrics"],
  ] as const) {
    await expect(page.getByRole("link", { name })).toHaveAttribute("href", path);
    expect((await page.request.get(path)).status(), path).toBe(200);
  }
});

test("a key that does not see the server says why", async ({ page }) => {
  const admin = { headers: { "x-api-key": world().key } };
  const data = { name: `limited ${Date.now()}`, rate_limits: { search_per_day: 5 } };
  const made = await (await page.request.post("/v1.3/keys", { ...admin, data })).json();
  await page.request.post("/v1.3/session", { data: { key: made.key }, headers: { origin: world().url } });
  for (const place of ["system", "settings"]) {
    await page.goto(`/dashboard/${place}`);
    await expect(page.getByRole("alert")).toContainText("does not see how the server is set up");
    await expect(page.getByRole("alert")).toContainText("Next:");
  }
  await expectAccessible(page);
  await page.request.delete(`/v1.3/keys/${made._id}`, admin);
});

test("little room, missing models and a server that stops are warned of", async ({ signedIn: page }) => {
  // The real answer, made worse.
  await page.route("**/v1.3/system", async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    told.disk.free_bytes = 2e9;
    told.is_stopping = true;
    Object.assign(told.models[0], { state: "missing", remedy: "Fetch it with `telecine models fetch`." });
    await route.fulfill({ response: answer, json: told });
  });
  await page.goto("/dashboard/system");
  await expect(page.getByText("Little room is left on the disk.")).toBeVisible();
  await expect(page.getByText("The server is about to stop")).toBeVisible();
  await expect(page.getByText("Models are missing.")).toBeVisible();
  await expect(page.getByRole("row", { name: /onnxruntime/ })).toContainText("Missing");
  await expectAccessible(page);
});
