// What each screen asked of the server, newest first, so that it can show the API calls behind it.
import { useSyncExternalStore } from "react";

export interface Call {
  id: number;
  method: string;
  /** Path and query. */
  path: string;
  /** JSON; nothing for a call without one. */
  body?: string;
  isForm: boolean;
}

/** Of a screen. */
const MOST_CALLS = 30;
const MOST_SCREENS = 30;
const LONGEST_BODY = 4000;
/** Members of bodies that nobody needs to see again. */
const SECRET = /secret|password|sas_token|account_key/;

const NONE: readonly Call[] = [];
/** By the screen's path. A screen that is opened again and finds its data in memory still knows how they were got. */
const screens = new Map<string, readonly Call[]>();
const listeners = new Set<() => void>();
let count = 0;

/** Remembers a call for the screen that is open now, once however often it is repeated. */
export async function noteCall(request: Request, screen = window.location.pathname) {
  const url = new URL(request.url);
  // Signing in is told with a key, which is shown nowhere.
  if (url.pathname.endsWith("/session")) return;
  const type = request.headers.get("content-type") ?? "";
  const body = type.includes("json") ? withoutSecrets(await request.text()) : undefined;
  const call = { method: request.method, path: url.pathname + url.search, body, isForm: type.includes("multipart") };
  const known = screens.get(screen) ?? NONE;
  // One that is repeated keeps its place: a list that moves cannot be read.
  if (known.some((each) => each.method === call.method && each.path === call.path && each.body === call.body)) return;
  count += 1;
  screens.delete(screen);
  screens.set(screen, [{ id: count, ...call }, ...known].slice(0, MOST_CALLS));
  const oldest = screens.keys().next().value;
  if (screens.size > MOST_SCREENS && oldest !== undefined) screens.delete(oldest);
  for (const listener of listeners) listener();
}

function withoutSecrets(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body, (name, value) => (SECRET.test(name) && value ? "…" : value)));
  } catch {
    return body;
  }
}

/** Somebody else signs in. */
export function forgetCalls() {
  screens.clear();
  for (const listener of listeners) listener();
}

/** The calls of the screen with this path. */
export function callsOf(screen: string): readonly Call[] {
  return screens.get(screen) ?? NONE;
}

export function useCalls(screen = window.location.pathname): readonly Call[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => callsOf(screen),
  );
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The call as a command for a shell. */
export function asCurl(call: Call, origin: string): string {
  const lines = [`curl ${call.method === "GET" ? "" : `-X ${call.method} `}-H "x-api-key: $TELECINE_API_KEY"`];
  if (call.body) {
    const data = call.body.length <= LONGEST_BODY ? quoted(call.body) : "@BODY.json";
    lines.push(`-H 'content-type: application/json' -d ${data}`);
  }
  if (call.isForm) lines.push("-F file=@FILE");
  // curl takes brackets and braces for patterns.
  lines.push(quoted(origin + call.path.replace(/[[\]{}]/g, encodeURIComponent)));
  return lines.join(" \\\n  ");
}
