// The one way to the server: typed by its OpenAPI document, refusals thrown as ApiFailure, each call noted for "API calls".
import createClient from "openapi-fetch";
import { noteCall } from "./calls";
import type { components, paths } from "./schema";

/** A named form of the OpenAPI document, e.g. `Schema<"Transfer">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** The version of the contract that the dashboard speaks. */
export const API_BASE = "/v1.3";

/** How the server refused something: what happened, what was given, which rule, what to do next, and the request's id. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    readonly refusal: Schema<"Refusal">,
  ) {
    super(refusal.message);
  }
  get code() {
    return this.refusal.code;
  }
}

/** What cannot be told apart from here: the server is down, or the network. */
const UNREACHABLE: Schema<"Refusal"> = {
  code: "unreachable" as never,
  message: "The server cannot be reached.",
  remedy: "See that `telecine serve` is running and that the network works. The page tries again by itself.",
  request_id: "none: no answer came",
};

/** The failure that an answer stands for. */
export async function failureOf(response: Response): Promise<ApiFailure> {
  const requestId = response.headers.get("x-request-id") ?? "not told";
  const body: unknown = await response.json().catch(() => null);
  const refusal = (body as { error?: unknown } | null)?.error ?? body;
  if (refusal && typeof refusal === "object" && "message" in refusal) {
    return new ApiFailure(response.status, { request_id: requestId, ...refusal } as Schema<"Refusal">);
  }
  return new ApiFailure(response.status, {
    code: "unexpected_answer" as never,
    message: `The server answered with status ${response.status} and no reason.`,
    remedy: "Something between this page and the server may have answered; look at the proxy's and the server's log.",
    request_id: requestId,
  });
}

/** `fetch` to the server, with what the dashboard expects of every call. For what `api` cannot type (streams, files). */
export async function send(input: string | Request, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  // A copy of a form would be kept in memory whole, and nobody would read it.
  const isForm = request.headers.get("content-type")?.startsWith("multipart/") ?? false;
  void noteCall(isForm ? request : request.clone());
  let response: Response;
  try {
    response = await fetch(request);
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    throw new ApiFailure(0, UNREACHABLE);
  }
  if (!response.ok) {
    const failure = await failureOf(response);
    if (response.status === 401 && !new URL(request.url).pathname.endsWith("/session")) {
      window.dispatchEvent(new Event("telecine:signed-out"));
    }
    throw failure;
  }
  return response;
}

/** The typed client. Paths are those of docs/openapi.json. Refusals are thrown. */
export const api = createClient<paths>({ baseUrl: API_BASE, fetch: (request) => send(request) });

/** The data of an answer, for queries and mutations: `unwrap(api.GET("/keys"))`. */
export async function unwrap<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
