// Refusals, however they come, have a cause, a next step and a reference.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiFailure, failureOf, send } from "./client";

const signedOut = vi.fn();

beforeEach(() => {
  vi.stubGlobal("window", { location: { pathname: "/dashboard/keys" }, dispatchEvent: signedOut });
  signedOut.mockClear();
});
afterEach(() => vi.unstubAllGlobals());

function answers(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(text, { status, headers })));
}

async function refused(path: string): Promise<ApiFailure> {
  const failure = await send(`https://films.example${path}`).catch((error: unknown) => error);
  if (!(failure instanceof ApiFailure)) throw new Error(`not refused: ${failure}`);
  return failure;
}

test("a refusal of the server is told as it is", async () => {
  const refusal = { code: "parameter_invalid", message: "No.", remedy: "Yes.", request_id: "r-1", value: "x" };
  answers(400, refusal);
  const failure = await refused("/v1.3/keys");
  expect([failure.status, failure.code, failure.message]).toEqual([400, "parameter_invalid", "No."]);
  expect(failure.refusal).toEqual(refusal);
  expect(signedOut).not.toHaveBeenCalled();
});

test("an answer of something in between has a next step and the reference of its header", async () => {
  const page = new Response("<html>Bad gateway</html>", { status: 502, headers: { "x-request-id": "proxy-7" } });
  const { refusal } = await failureOf(page);
  expect(refusal).toMatchObject({ code: "unexpected_answer", request_id: "proxy-7" });
  expect(refusal.message).toContain("502");
  expect(refusal.remedy).toContain("proxy");
});

test("a server that cannot be reached is told apart from a refusal", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("network")));
  const failure = await refused("/v1.3/keys");
  expect([failure.status, failure.code]).toEqual([0, "unreachable"]);
  expect(failure.refusal.remedy).toContain("telecine serve");
});

test("what the page itself gave up is no failure of the server", async () => {
  const gone = new AbortController();
  gone.abort();
  vi.stubGlobal("fetch", () => Promise.reject(gone.signal.reason));
  const answer = send("https://films.example/v1.3/keys", { signal: gone.signal });
  await expect(answer).rejects.not.toBeInstanceOf(ApiFailure);
});

test("a session that has ended is noticed at any call but the one that asks for it", async () => {
  answers(401, { code: "api_key_invalid", message: "Nobody is signed in.", request_id: "r-2" });
  await refused("/v1.3/session");
  expect(signedOut).not.toHaveBeenCalled();
  await refused("/v1.3/keys");
  expect(signedOut).toHaveBeenCalledOnce();
});
