// Finds the entries in the text of a manifest, as slices with their lines: a JSON array, objects one after another (JSONL),
// or CSV. One broken entry does not hide the others. What the entries mean is not decided here.

export type Format = "json" | "jsonl" | "csv";

/** A slice of the text, from `start` to before `end`. */
export interface Slice {
  start: number;
  end: number;
  /** Where it begins, from 1. */
  line: number;
  /** Why it is not even an entry; then it ends where the next one may begin. */
  broken?: string;
}

const [QUOTE, BACKSLASH, NEWLINE, COMMA] = [34, 92, 10, 44];
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [123, 125, 91, 93];
const isSpace = (code: number) => code === 32 || code === NEWLINE || code === 13 || code === 9 || code === 0xfeff;

/** In which format a text seems to be; nothing for what is no manifest. */
export function formatOf(text: string): Format | undefined {
  const head = text.slice(0, 100_000).trimStart();
  if (head.startsWith("[")) return "json";
  if (head.startsWith("{")) return "jsonl";
  const names = (head.split("\n", 1)[0] ?? "").split(",").map((name) => name.trim().replaceAll('"', ""));
  return names.includes("object") && names.includes("index_id") ? "csv" : undefined;
}

/** Calls `each` with every entry of a JSON array, or of objects that follow each other. */
export function scanJson(text: string, each: (slice: Slice) => void) {
  let at = 0;
  let line = 1;
  let isList = false;
  const length = text.length;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (isSpace(code) || code === COMMA) {
      if (code === NEWLINE) line += 1;
      at += 1;
    } else if (code === OPEN_LIST && !isList) {
      isList = true;
      at += 1;
    } else if (code === CLOSE_LIST && isList) {
      const rest = text.slice(at + 1).trimStart();
      if (rest.length > 0) {
        each({ start: length - rest.length, end: length, line, broken: "More text follows the end of the list." });
      }
      return;
    } else {
      const slice = code === OPEN ? objectAt(text, at, line) : plainAt(text, at, line);
      each(slice);
      line += linesIn(text, slice.start, slice.end);
      at = slice.end;
    }
  }
}

/** The object that begins here; broken, when it does not end before the next one begins. */
function objectAt(text: string, start: number, line: number): Slice {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      for (at += 1; ; at += 1) {
        const inner = text.charCodeAt(at);
        if (inner === QUOTE) break;
        if (inner === BACKSLASH) at += 1;
        else if (inner === NEWLINE || at >= text.length) {
          return brokenAt(text, start, line, at, 'A text does not end on its line: a `"` is missing.');
        }
      }
    } else if (code === OPEN || code === OPEN_LIST) {
      if (depth === 1 && code === OPEN && isBeforeLine(text, at)) {
        return brokenAt(text, start, line, at - 1, "The entry does not end: a `}` is missing.");
      }
      depth += 1;
    } else if (code === CLOSE || code === CLOSE_LIST) {
      depth -= 1;
      if (depth === 0) return { start, end: at + 1, line };
    }
  }
  return brokenAt(text, start, line, text.length, "The JSON ends too early, as if the file had been cut.");
}

/** Whether the line begins here, and no field of an entry can: then another entry does. */
function isBeforeLine(text: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isSpace(text.charCodeAt(before)) && text.charCodeAt(before) !== NEWLINE) before -= 1;
  if (text.charCodeAt(before) !== NEWLINE) return false;
  while (before >= 0 && isSpace(text.charCodeAt(before))) before -= 1;
  return text[before] !== ":";
}

function brokenAt(text: string, start: number, line: number, from: number, broken: string): Slice {
  const next = /\n[ \t\r]*[{\]]/g;
  next.lastIndex = Math.max(start, from);
  const found = next.exec(text);
  return { start, end: found ? found.index : text.length, line, broken };
}

/** Something that is no object: up to the next comma, line or end. */
function plainAt(text: string, start: number, line: number): Slice {
  const end = /[,\]\n]/g;
  end.lastIndex = start + 1;
  return { start, end: end.exec(text)?.index ?? text.length, line };
}

/** How many lines end between two places. */
export function linesIn(text: string, start: number, end: number): number {
  let lines = 0;
  for (let at = text.indexOf("\n", start); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/** Calls `each` with every record of a CSV text after its header, as an object of texts. */
export function scanCsv(text: string, each: (slice: Slice, fields: Record<string, string>) => void) {
  let names: string[] | undefined;
  let line = 1;
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; ) {
    const record = recordAt(text, at);
    const slice = { start: at, end: record.end, line };
    line += linesIn(text, at, record.next);
    at = record.next;
    if (record.cells.length === 1 && record.cells[0]?.trim() === "") continue;
    if (!names) {
      names = record.cells.map((name) => name.trim());
      continue;
    }
    const pairs = names.map((name, place) => [name, record.cells[place] ?? ""] as const);
    each(slice, Object.fromEntries(pairs.filter(([, value]) => value !== "")));
  }
}

function recordAt(text: string, start: number): { cells: string[]; end: number; next: number } {
  const cells: string[] = [];
  let at = start;
  for (;;) {
    let cell = "";
    if (text.charCodeAt(at) === QUOTE) {
      for (at += 1; at < text.length; at += 1) {
        if (text.charCodeAt(at) !== QUOTE) cell += text[at];
        else if (text.charCodeAt(at + 1) === QUOTE) {
          cell += '"';
          at += 1;
        } else break;
      }
      at += 1;
    }
    const stop = /[,\n]/g;
    stop.lastIndex = at;
    const end = stop.exec(text)?.index ?? text.length;
    cells.push(cell + text.slice(at, end).replace(/\r$/, ""));
    if (text[end] !== ",") return { cells, end, next: end + 1 };
    at = end + 1;
  }
}
