// The calls behind a screen: each once, by screen, without secrets, and as a command that a shell understands.
import { execFileSync } from "node:child_process";
import { beforeEach, expect, test } from "vitest";
import { asCurl, callsOf, forgetCalls, noteCall } from "./calls";

const ORIGIN = "https://films.example";
const HERE = "/dashboard/keys";

beforeEach(forgetCalls);

function posted(path: string, body: unknown) {
  const headers = { "content-type": "application/json" };
  return new Request(ORIGIN + path, { method: "POST", body: JSON.stringify(body), headers });
}

/** What a shell makes of a command: the arguments of curl. */
function argumentsIn(command: string): string[] {
  const script = `curl() { for each in "$@"; do printf '%s\\0' "$each"; done; }; TELECINE_API_KEY=tlk_1\n${command}`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}

test("a call that is repeated is told once and keeps its place", async () => {
  await noteCall(new Request(`${ORIGIN}/v1.3/keys`), HERE);
  await noteCall(new Request(`${ORIGIN}/v1.3/webhooks?page=2`), HERE);
  await noteCall(new Request(`${ORIGIN}/v1.3/keys`), HERE);
  expect(callsOf(HERE).map((call) => call.path)).toEqual(["/v1.3/webhooks?page=2", "/v1.3/keys"]);
});

test("each screen has its own calls, and finds them again", async () => {
  await noteCall(new Request(`${ORIGIN}/v1.3/keys`), HERE);
  await noteCall(new Request(`${ORIGIN}/v1.3/webhooks`), "/dashboard/webhooks");
  expect(callsOf(HERE).map((call) => call.path)).toEqual(["/v1.3/keys"]);
  expect(callsOf("/dashboard/system")).toEqual([]);
});

test("neither a key that signs in nor the secrets of a store are kept", async () => {
  await noteCall(posted("/v1.3/session", { key: "tlk_secret" }), HERE);
  await noteCall(posted("/v1.3/integrations", { bucket: "films", secret_access_key: "hush", sas_token: "hush" }), HERE);
  const [call, ...others] = callsOf(HERE);
  expect(others).toEqual([]);
  expect(JSON.parse(call?.body ?? "")).toEqual({ bucket: "films", secret_access_key: "…", sas_token: "…" });
});

test("a shell hands curl exactly what was sent, whatever quotes and signs are in it", async () => {
  const body = { query: `the harbour's "old" pier $HOME \`id\` \\ ! \n newline` };
  await noteCall(posted("/v1.3/search?name=it's&width[gte]=1&x=$(id)", body), HERE);
  const call = callsOf(HERE)[0];
  if (!call) throw new Error("the call is not kept");
  const given = argumentsIn(asCurl(call, ORIGIN));
  expect(given.slice(0, 6)).toEqual(["-X", "POST", "-H", "x-api-key: tlk_1", "-H", "content-type: application/json"]);
  expect(JSON.parse(given[given.indexOf("-d") + 1] ?? "")).toEqual(body);
  expect(given.at(-1)).toBe(`${ORIGIN}/v1.3/search?name=it%27s&width%5Bgte%5D=1&x=$(id)`);
});

test("a call that only reads needs no method; one with a file says where it goes; a long body is a file", () => {
  const call = { id: 1, method: "GET", path: "/v1.3/keys", isForm: false };
  expect(argumentsIn(asCurl(call, ORIGIN))).toEqual(["-H", "x-api-key: tlk_1", `${ORIGIN}/v1.3/keys`]);
  const form = { ...call, method: "POST", isForm: true };
  expect(argumentsIn(asCurl(form, ORIGIN))).toContain("file=@FILE");
  const long = { ...call, method: "POST", body: JSON.stringify("x".repeat(5000)) };
  expect(argumentsIn(asCurl(long, ORIGIN))).toContain("@BODY.json");
});
