// A verification while it goes on: each line of the checklist as the server tells it.
import { useRef, useState } from "react";
import { API_BASE, ApiFailure, type Schema, send } from "../../api/client";
import { type Integration, useTold } from "./data";

/** A line that is looked at, or was. */
export interface Line {
  name: string;
  title: string;
  check?: Schema<"Check">;
}

type Told =
  | { event: "began"; name: string; title: string }
  | ({ event: "check" } & Schema<"Check">)
  | { event: "integration"; integration: Integration };

/** The server goes on without us, but what it finds is not told. */
const CUT_OFF: Schema<"Refusal"> = {
  code: "unreachable" as never,
  message: "The verification was cut off before its end. What it found so far is shown.",
  remedy: "Check again. If it stays so, ask whoever runs this server whether it ends.",
  request_id: "none: the answer broke off",
};

/** The lines of JSON of an answer, as they come. */
export async function* linesOf<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  while (true) {
    const { done, value } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = done ? "" : (parts.pop() ?? "");
    for (const part of parts) if (part.trim()) yield JSON.parse(part) as T;
    if (done) return;
  }
}

/** The list after one more word of the server. */
export function withTold(lines: readonly Line[], told: Told): readonly Line[] {
  if (told.event === "began") {
    return lines.some((line) => line.name === told.name) ? lines : [...lines, { name: told.name, title: told.title }];
  }
  if (told.event !== "check") return lines;
  const done = { name: told.name, title: told.title, check: told };
  return lines.some((line) => line.name === told.name)
    ? lines.map((line) => (line.name === told.name ? done : line))
    : [...lines, done];
}

export function useVerification(id: string) {
  const [lines, setLines] = useState<readonly Line[]>();
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>();
  const told = useTold();
  const isBegun = useRef(false);

  async function run() {
    if (isBegun.current) return;
    isBegun.current = true;
    setRunning(true);
    setError(undefined);
    setLines([]);
    try {
      const answer = await send(`${API_BASE}/integrations/${id}/verify?stream=true`, { method: "POST" });
      let last: Integration | undefined;
      if (answer.body) {
        for await (const word of linesOf<Told>(answer.body)) {
          if (word.event === "integration") last = word.integration;
          else setLines((before) => withTold(before ?? [], word));
        }
      }
      await told(last);
      if (!last) setError(new ApiFailure(0, CUT_OFF));
    } catch (failure) {
      setError(failure instanceof ApiFailure ? failure : new ApiFailure(0, CUT_OFF));
    } finally {
      isBegun.current = false;
      setRunning(false);
    }
  }
  return { lines, isRunning, error, run };
}
