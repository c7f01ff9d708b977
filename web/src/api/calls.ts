// What this screen asked of the server, newest first, so that each screen can show the API calls behind it.
import { useSyncExternalStore } from "react";

export interface Call {
  id: number;
  method: string;
  /** Path and query. */
  path: string;
  /** JSON or a word about it; nothing for a call without one. */
  body?: string;
  isForm: boolean;
}

const KEPT = 30;
const LONGEST_BODY = 4000;
let calls: Call[] = [];
let count = 0;
const listeners = new Set<() => void>();

function publish(next: Call[]) {
  calls = next;
  for (const listener of listeners) listener();
}

/** Remembers a call, once however often it is repeated. */
export async function noteCall(request: Request) {
  const url = new URL(request.url);
  const path = url.pathname + url.search;
  // Signing in is told with a key, which is shown nowhere.
  if (url.pathname.endsWith("/session")) return;
  const type = request.headers.get("content-type") ?? "";
  let body: string | undefined;
  if (type.includes("json")) body = (await request.text()).slice(0, LONGEST_BODY);
  const isForm = type.includes("multipart");
  const same = calls.filter((call) => !(call.method === request.method && call.path === path && call.body === body));
  count += 1;
  publish([{ id: count, method: request.method, path, body, isForm }, ...same].slice(0, KEPT));
}

/** Another screen, other calls. */
export function forgetCalls() {
  publish([]);
}

export function useCalls(): Call[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => calls,
  );
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The call as a command for a shell. */
export function asCurl(call: Call, origin: string): string {
  const lines = [`curl ${call.method === "GET" ? "" : `-X ${call.method} `}-H "x-api-key: $TELECINE_API_KEY"`];
  if (call.body) lines.push(`-H 'content-type: application/json' -d ${quoted(call.body)}`);
  if (call.isForm) lines.push("-F file=@FILE");
  lines.push(quoted(origin + call.path));
  return lines.join(" \\\n  ");
}
