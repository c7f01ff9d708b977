// A transfer before its start: the manifest that was given, what is wrong in it, and the plan that the server makes of the rest.
// It asks the server as soon as a manifest is read; an entry that the server refuses joins the wrong ones, and it asks again.
import { API_BASE, ApiFailure, type Schema, send } from "../../../api/client";
import type { Known, Wrong } from "../manifest/check";
import { ManifestReader } from "../manifest/reader";
import type { Reading } from "../manifest/sheet";
import { type PlanEntry, readPlan } from "../plan/stream";

/** A planned entry, with its place in what was given. */
export type PlanRow = PlanEntry & { number: number; line: number };

export interface Left {
  refused: boolean;
  skipped: boolean;
}

export interface Draft {
  phase: "empty" | "reading" | "planning" | "planned" | "stopped" | "failed";
  reading?: Reading;
  /** Grows while the plan comes in; `rows.length` of `reading.good`. */
  rows: PlanRow[];
  taken: number;
  skipped: number;
  refused: number;
  bytes: number;
  /** Of those to take whose length is known: how long, and how many bytes. */
  known: { of: number; seconds: number; bytes: number };
  error?: unknown;
}

const EMPTY: Draft = {
  phase: "empty",
  rows: [],
  taken: 0,
  skipped: 0,
  refused: 0,
  bytes: 0,
  known: { of: 0, seconds: 0, bytes: 0 },
};
/** Refusals of the server that are taken as wrong entries before it is given up. */
const MOST_REFUSALS = 50;
const SHOW_EVERY_MS = 150;

export class Drafting {
  #opened: ManifestReader | undefined;
  #draft = EMPTY;
  #listeners = new Set<() => void>();
  #abort = new AbortController();
  #shownAt = 0;
  /** Which choice of entries the key stands for: another choice is another request. */
  #key = { of: "", value: "" };
  #loads = 0;

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get = () => this.#draft;

  #set(change: Partial<Draft>) {
    this.#draft = { ...this.#draft, ...change };
    this.#shownAt = Date.now();
    for (const listener of this.#listeners) listener();
  }

  /** Reads a manifest and plans it; whatever was before is forgotten. */
  async load(source: string | Blob, known: Known) {
    const signal = this.#begin();
    if (typeof source === "string" && source.trim() === "") return this.#set(EMPTY);
    this.#set({ ...EMPTY, phase: "reading", reading: this.#draft.reading });
    try {
      const reading = await this.#reader.read(source, known);
      if (signal.aborted) return;
      this.#set({ reading });
      await this.#plan(signal);
    } catch (error) {
      if (!signal.aborted) this.#set({ phase: "failed", error });
    }
  }

  /** Plans what was read, anew. */
  async plan() {
    const signal = this.#begin();
    try {
      await this.#plan(signal);
    } catch (error) {
      if (!signal.aborted) this.#set({ phase: "failed", error });
    }
  }

  #begin(): AbortSignal {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#loads += 1;
    return this.#abort.signal;
  }

  async #plan(signal: AbortSignal) {
    for (let refusals = 0; ; refusals += 1) {
      if (!this.#draft.reading?.good) return this.#set({ ...EMPTY, phase: "planned", reading: this.#draft.reading });
      this.#set({ ...EMPTY, phase: "planning", reading: this.#draft.reading });
      const { file, numbers, lines } = await this.#reader.file();
      if (signal.aborted) return;
      try {
        await this.#ask(file, numbers, lines, signal);
        if (!signal.aborted) this.#set({ phase: "planned" });
        return;
      } catch (error) {
        if (signal.aborted) return;
        const found = wrongOf(error);
        const entry = found && numbers[found.entry];
        if (!found || entry === undefined || refusals >= MOST_REFUSALS) throw error;
        this.#set({ reading: await this.#reader.refuse(entry, found.wrong) });
      }
    }
  }

  async #ask(file: Blob, numbers: Uint32Array, lines: Uint32Array, signal: AbortSignal) {
    const body = formOf(file);
    const answer = await send(`${API_BASE}/tasks/transfers?dry_run=true`, { method: "POST", body, signal });
    const rows: PlanRow[] = [];
    const sums = { taken: 0, skipped: 0, refused: 0, bytes: 0 };
    const known = { of: 0, seconds: 0, bytes: 0 };
    await readPlan(answer, (entries) => {
      for (const entry of entries) {
        rows.push({ ...entry, number: numbers[entry.entry] ?? 0, line: lines[entry.entry] ?? 0 });
        sums[entry.verdict] += 1;
        if (entry.verdict !== "taken") continue;
        sums.bytes += entry.size_bytes ?? 0;
        if (entry.duration_s == null) continue;
        known.of += 1;
        known.seconds += entry.duration_s;
        known.bytes += entry.size_bytes ?? 0;
      }
      if (!signal.aborted && Date.now() - this.#shownAt > SHOW_EVERY_MS)
        this.#set({ rows, ...sums, known: { ...known } });
    });
    if (!signal.aborted) this.#set({ rows, ...sums, known });
  }

  /** Ends the planning; what is known stays. */
  stop() {
    this.#abort.abort();
    if (this.#draft.phase === "planning") this.#set({ phase: "stopped" });
  }

  /** Starts the transfer of the good entries, less those that are left out. Sent again, it is not begun twice. */
  async start(left: Left): Promise<Schema<"AcceptedTransfer">> {
    const isLeft = (row: PlanRow) =>
      (row.verdict === "refused" && left.refused) || (row.verdict === "skipped" && left.skipped);
    const without = new Set(this.#draft.rows.filter(isLeft).map((row) => row.number));
    const { file } = await this.#reader.file(without);
    const of = `${this.#loads} ${left.refused} ${left.skipped}`;
    if (this.#key.of !== of) this.#key = { of, value: newKey() };
    const headers = { "idempotency-key": this.#key.value };
    return (await send(`${API_BASE}/tasks/transfers`, { method: "POST", body: formOf(file), headers })).json();
  }

  /** Begun when there is something to read. */
  get #reader(): ManifestReader {
    this.#opened ??= new ManifestReader();
    return this.#opened;
  }

  close() {
    this.#abort.abort();
    this.#opened?.close();
    this.#opened = undefined;
  }
}

function formOf(file: Blob): FormData {
  const form = new FormData();
  form.append("file", file, "manifest.json");
  return form;
}

/** A key for `Idempotency-Key`. */
export function newKey(): string {
  // Not `randomUUID`: browsers have it on secure addresses only, and a server at home may have none.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The entry that a refusal of a whole manifest names. */
export function wrongOf(error: unknown): { entry: number; wrong: Wrong } | undefined {
  if (!(error instanceof ApiFailure)) return undefined;
  const { message, value, rule, remedy } = error.refusal;
  const found = /^Manifest, entry (\d+) \(line [^)]*\): (.*)$/s.exec(message);
  if (!found) return undefined;
  const what = `${found[2]?.[0]?.toUpperCase() ?? ""}${found[2]?.slice(1) ?? ""}`;
  const field = /^`(\w+)`/.exec(what)?.[1];
  return { entry: Number(found[1]), wrong: { field, what, value, fix: remedy ?? rule ?? "Mend the entry." } };
}
