// The filter of a search in words, and from what was typed to a test of it.
import { formatBytes, formatClock, formatNumber } from "../../ui/format";
import type { Filter, Test } from "./state";

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export type Kind = "text" | "clock" | "number" | "megabytes" | "day" | "own";

export interface FilterField {
  id: string;
  label: string;
  kind: Kind;
  hint: string;
}

/** What can be asked of videos; `own` is any field that their users gave them. */
export const FIELDS: readonly FilterField[] = [
  { id: "filename", label: "File name", kind: "text", hint: "The whole name, e.g. pier.mp4." },
  { id: "duration", label: "Length", kind: "clock", hint: "Seconds, or minutes and seconds as in 1:30." },
  { id: "height", label: "Height", kind: "number", hint: "Lines of the picture, e.g. 720." },
  { id: "width", label: "Width", kind: "number", hint: "Pixels, e.g. 1280." },
  { id: "fps", label: "Frame rate", kind: "number", hint: "Pictures per second." },
  { id: "size", label: "File size", kind: "megabytes", hint: "Megabytes." },
  { id: "created_at", label: "Day it was brought in", kind: "day", hint: "Days of your own time zone." },
  { id: "own", label: "A field of your own", kind: "own", hint: "What you told about videos when you brought them." },
];

export interface Typed {
  field: string;
  /** The name of a field of the user's own. */
  name: string;
  text: string;
  from: string;
  to: string;
}

export const NOTHING_TYPED: Typed = { field: "filename", name: "", text: "", from: "", to: "" };

/** Adds what was typed to a filter, or says what is wrong with it. */
export function withTyped(filter: Filter, typed: Typed): { filter: Filter } | { wrong: string } {
  const field = FIELDS.find(({ id }) => id === typed.field);
  const name = typed.field === "own" ? typed.name.trim() : typed.field;
  if (!field || !name) return { wrong: "Name the field." };
  if (field.kind === "own" && RESERVED.has(name)) return { wrong: `“${name}” is measured: choose it from the list.` };
  const text = typed.text.trim();
  if (field.kind === "text" || (field.kind === "own" && text)) {
    return text ? { filter: { ...filter, [name]: text } } : { wrong: "Say what it must be." };
  }
  if (field.kind === "day") return withDays(filter, typed);
  const [from, to] = [numberOf(typed.from, field.kind), numberOf(typed.to, field.kind)];
  if (Number.isNaN(from) || Number.isNaN(to)) {
    const example = field.kind === "clock" ? "90 or 1:30" : "720 or 29.97";
    return { wrong: `That is not a number like ${example}.` };
  }
  if (from === null && to === null) {
    return { wrong: field.kind === "own" ? "Say what it must be, or from and to." : "Say from, to, or both." };
  }
  if (from !== null && to !== null && from > to) return { wrong: "“From” is more than “to”." };
  const test = { ...(from === null ? {} : { gte: from }), ...(to === null ? {} : { lte: to }) };
  return { filter: { ...filter, [name]: test } };
}

/** From the first moment of a day to the last of another, where the reader is. */
function withDays(filter: Filter, { from, to }: Typed): { filter: Filter } | { wrong: string } {
  if (!from && !to) return { wrong: "Say from, to, or both." };
  if (from && to && from > to) return { wrong: "“From” is after “to”." };
  const gte = from && new Date(`${from}T00:00:00`).toISOString();
  const lte = to && new Date(`${to}T23:59:59.999`).toISOString();
  return { filter: { ...filter, created_at: { ...(gte && { gte }), ...(lte && { lte }) } } };
}

const RESERVED = new Set([
  ...FIELDS.map(({ id }) => id).filter((id) => id !== "own"),
  "id",
  "title",
  "indexed_at",
  "updated_at",
]);

/** A number, null for nothing, NaN for what is none. */
function numberOf(text: string, kind: Kind): number | null {
  const given = text.trim().replace(",", ".");
  if (!given) return null;
  if (kind === "clock" && /^\d+(:\d{1,2}){1,2}(\.\d+)?$/.test(given)) {
    return given.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  }
  const number = Number(given);
  if (!Number.isFinite(number) || number < 0) return kind === "own" && Number.isFinite(number) ? number : Number.NaN;
  return kind === "megabytes" ? Math.round(number * 1e6) : number;
}

/** One test in words: `Length at least 0:30`. `nameOf` tells a video's file name by its id. */
export function inWords(field: string, test: Test, nameOf: (video: string) => string = (id) => id): string {
  const known = FIELDS.find(({ id }) => id === field);
  if (field === "id") return `Video is ${(Array.isArray(test) ? test : [String(test)]).map(nameOf).join(" or ")}`;
  const label = known?.label ?? field;
  const show = (value: number | string) => {
    if (typeof value === "string") return known?.kind === "day" ? day.format(new Date(value)) : value;
    if (known?.kind === "clock") return formatClock(value, value % 1 !== 0);
    return known?.kind === "megabytes" ? formatBytes(value) : formatNumber(value);
  };
  if (typeof test !== "object" || Array.isArray(test)) return `${label} is ${[test].flat().join(" or ")}`;
  const [least, most] = known?.kind === "day" ? ["from", "until"] : ["at least", "at most"];
  if (test.gte !== undefined && test.lte !== undefined) return `${label} ${show(test.gte)} to ${show(test.lte)}`;
  if (test.gte !== undefined) return `${label} ${least} ${show(test.gte)}`;
  return test.lte === undefined ? `${label} is anything` : `${label} ${most} ${show(test.lte)}`;
}

export function without(filter: Filter, field: string): Filter {
  const { [field]: _, ...rest } = filter;
  return rest;
}
