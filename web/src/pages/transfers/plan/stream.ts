// Reads the plan of a dry run while it streams in: `{"type":…,"entries":[…],"summary":{…}}`, an entry at a time.
import type { Schema } from "../../../api/client";

export type PlanEntry = Schema<"PlanEntry">;
export type PlanSummary = Schema<"PlanSummary">;

/** Cuts the objects out of a text that comes in parts: those in the list, then the one after it. */
export class PlanCutter {
  #rest = "";
  /** How far `#rest` was looked at, within which text or object. */
  #at = 0;
  #depth = 0;
  #start = -1;
  #isText = false;

  /** The objects that ended with this part. Those of depth 2 are entries or the summary. */
  push(part: string): string[] {
    this.#rest += part;
    const objects: string[] = [];
    const text = this.#rest;
    let at = this.#at;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (this.#isText) {
        if (code === 92) at += 1;
        else if (code === 34) this.#isText = false;
      } else if (code === 34) this.#isText = true;
      else if (code === 123) {
        this.#depth += 1;
        if (this.#depth === 2) this.#start = at;
      } else if (code === 125) {
        this.#depth -= 1;
        if (this.#depth === 1) {
          objects.push(text.slice(this.#start, at + 1));
          this.#start = -1;
        }
      }
    }
    const keepFrom = this.#start >= 0 ? this.#start : text.length;
    this.#rest = text.slice(keepFrom);
    this.#at = at - keepFrom;
    if (this.#start >= 0) this.#start = 0;
    return objects;
  }
}

/** Reads the answer to its end; gives entries as they come. The summary; a failure when the answer was cut off. */
export async function readPlan(answer: Response, each: (entries: PlanEntry[]) => void): Promise<PlanSummary> {
  const cutter = new PlanCutter();
  const decoder = new TextDecoder();
  const reader = answer.body?.getReader();
  let summary: PlanSummary | undefined;
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) break;
    const objects = cutter.push(decoder.decode(part.value, { stream: true }));
    const read = objects.map((object) => JSON.parse(object) as PlanEntry | PlanSummary);
    const entries = read.filter((object): object is PlanEntry => "verdict" in object);
    if (entries.length > 0) each(entries);
    summary = read.find((object): object is PlanSummary => "taken" in object) ?? summary;
  }
  if (!summary) throw new Error("The plan was cut off before its end. Look into the server's log, then try again.");
  return summary;
}
