// A manifest that was read: which entries are good and which are wrong, and files of any choice of them. Entries are kept as
// places in the text, so that a million of them fit; what is sent is what was written, word by word.
import { checkKnown, type Entry, type Known, type Problem, readEntry, readFields, type Wrong } from "./check";
import { type Format, formatOf, linesIn, type Slice, scanCsv, scanJson } from "./scan";

/** Problems that are told one by one; the others are counted. */
export const TOLD_PROBLEMS = 5_000;

export interface Reading {
  format?: Format;
  entries: number;
  good: number;
  wrong: number;
  /** The first of them, in the order of the manifest. */
  problems: (Problem & { entry: number })[];
  /** How many good entries go into which index. */
  indexes: Record<string, number>;
}

const NO_MANIFEST: Problem = {
  line: 1,
  what: "This is not a manifest.",
  fix: "A manifest is a JSON array of objects with `index_id` and `object`, one such object a line (JSONL), or CSV with a header.",
};

export class Sheet {
  #text: string;
  #format: Format | undefined;
  #slices: Slice[] = [];
  #isWrong: boolean[] = [];
  #problems = new Map<number, Problem>();
  #indexes: (string | undefined)[] = [];

  constructor(text: string, known: Known) {
    this.#text = text;
    this.#format = formatOf(text);
    if (this.#format === "csv") scanCsv(text, (slice, fields) => this.#add(slice, readFields(fields), known));
    else if (this.#format) {
      scanJson(text, (slice) => {
        const fix = "Check commas, quotes and braces of this entry.";
        const value = text.slice(slice.start, Math.min(slice.end, slice.start + 120)).replaceAll(/\s+/g, " ");
        const found = slice.broken ? { what: slice.broken, value, fix } : readEntry(text.slice(slice.start, slice.end));
        this.#add(slice, found, known);
      });
    } else if (text.trim() !== "") {
      this.#slices.push({ start: 0, end: text.length, line: 1 });
      this.#isWrong.push(true);
      this.#problems.set(0, { ...NO_MANIFEST, value: text.trim().slice(0, 120) });
    }
  }

  #add(slice: Slice, found: Entry | Wrong, known: Known) {
    const number = this.#slices.length;
    this.#slices.push(slice);
    const wrong = "what" in found ? found : checkKnown(found, known);
    this.#isWrong.push(wrong !== undefined);
    if (wrong) this.#problems.set(number, { line: this.#lineOf(slice, wrong.field), ...wrong });
    else this.#indexes[number] = (found as Entry).index_id;
  }

  /** The line of a field within an entry. */
  #lineOf(slice: Slice, field: string | undefined): number {
    if (!field) return slice.line;
    const at = this.#text.indexOf(`"${field}"`, slice.start);
    return at < 0 || at >= slice.end ? slice.line : slice.line + linesIn(this.#text, slice.start, at);
  }

  reading(): Reading {
    const indexes: Record<string, number> = {};
    this.#isWrong.forEach((isWrong, number) => {
      const index = this.#indexes[number];
      if (!isWrong && index) indexes[index] = (indexes[index] ?? 0) + 1;
    });
    const told = [...this.#problems.entries()].sort(([one], [other]) => one - other).slice(0, TOLD_PROBLEMS);
    return {
      format: this.#format,
      entries: this.#slices.length,
      good: this.#slices.length - this.#problems.size,
      wrong: this.#problems.size,
      problems: told.map(([entry, problem]) => ({ entry, ...problem })),
      indexes,
    };
  }

  /** The server found something wrong with an entry that seemed good; with its language, also with all others of it. */
  refuse(number: number, wrong: Wrong) {
    const entryOf = (of: number) => {
      const read = this.#read(of);
      return "what" in read ? undefined : read;
    };
    const language = wrong.field === "language" ? entryOf(number)?.language : undefined;
    this.#slices.forEach((slice, of) => {
      if (this.#isWrong[of]) return;
      const isSame = of === number || (language !== undefined && this.#speaks(entryOf(of), language));
      if (!isSame) return;
      this.#isWrong[of] = true;
      this.#problems.set(of, { line: this.#lineOf(slice, wrong.field), ...wrong });
    });
  }

  #speaks(entry: Entry | undefined, language: string) {
    return entry?.language === language && entry.transcription === undefined;
  }

  #read(number: number): Entry | Wrong {
    const slice = this.#slices[number];
    if (!slice) return { what: "There is no such entry.", fix: "" };
    const text = this.#text.slice(slice.start, slice.end);
    if (this.#format !== "csv") return readEntry(text);
    let entry: Entry | Wrong = { what: "The record is empty.", fix: "" };
    const header = this.#text.slice(0, this.#text.indexOf("\n") + 1);
    scanCsv(header + text, (_, fields) => {
      entry = readFields(fields);
    });
    return entry;
  }

  /** A manifest for the server, of the good entries without some; and which entry is where in it. */
  file(without?: ReadonlySet<number>): { file: Blob; numbers: Uint32Array } {
    const parts: string[] = [];
    const numbers: number[] = [];
    this.#slices.forEach((slice, number) => {
      if (this.#isWrong[number] || without?.has(number)) return;
      numbers.push(number);
      parts.push(
        this.#format === "csv" ? JSON.stringify(this.#read(number)) : this.#text.slice(slice.start, slice.end),
      );
    });
    const file = new Blob(["[\n", parts.join(",\n"), "\n]\n"], { type: "application/json" });
    return { file, numbers: Uint32Array.from(numbers) };
  }

  /** On which line an entry begins. */
  line(number: number): number {
    return this.#slices[number]?.line ?? 0;
  }
}
