// Reads manifests beside the page, which stays free to answer meanwhile. One sheet at a time: the last that was read.
import type { Known, Wrong } from "./check";
import { type Reading, Sheet } from "./sheet";

export type Order =
  | { kind: "read"; id: number; source: string | Blob; known: Known }
  | { kind: "refuse"; id: number; entry: number; wrong: Wrong }
  | { kind: "file"; id: number; without?: ReadonlySet<number> };

export type Answer =
  | { kind: "reading"; id: number; reading: Reading }
  | { kind: "file"; id: number; file: Blob; numbers: Uint32Array; lines: Uint32Array }
  | { kind: "failed"; id: number; message: string };

/** More characters than a browser keeps in one text. */
const MAX_BYTES = 400e6;

let sheet = new Sheet("", {});

async function textOf(source: string | Blob): Promise<string> {
  if (typeof source === "string") return source;
  if (source.size > MAX_BYTES) {
    throw new Error(
      "The file is too large for a browser. Send it with `telecine transfer FILE`, which has no such limit.",
    );
  }
  const head = new Uint8Array(await source.slice(0, 2).arrayBuffer());
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (isUtf16) throw new Error("The file is UTF-16. Save it as UTF-8.");
  return source.text();
}

async function carryOut(order: Order): Promise<Answer> {
  const { id } = order;
  if (order.kind === "file") {
    const { file, numbers } = sheet.file(order.without);
    return { kind: "file", id, file, numbers, lines: numbers.map((number) => sheet.line(number)) };
  }
  if (order.kind === "read") sheet = new Sheet(await textOf(order.source), order.known);
  else sheet.refuse(order.entry, order.wrong);
  return { kind: "reading", id, reading: sheet.reading() };
}

self.onmessage = async ({ data }: MessageEvent<Order>) => {
  let answer: Answer;
  try {
    answer = await carryOut(data);
  } catch (error) {
    answer = { kind: "failed", id: data.id, message: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(answer);
};
