// What "Get JSON" asks for, as the address holds it, and the request that comes of it. Pure.
import { API_BASE } from "../../api/client";
import { lines } from "./fields";

/** Names of what the address holds of the dialog. */
export const CHOICES = [
  "index_id",
  "language",
  "only_not_indexed",
  "captions",
  "format",
  "prefix",
  "extensions",
  "glob",
  "exclude",
  "min_mb",
  "max_mb",
  "modified_after",
  "modified_before",
  "storage_class",
] as const;

export type Choices = Partial<Record<(typeof CHOICES)[number], string>>;

export const FORMATS = [
  { id: "json", label: "JSON, for transfers" },
  { id: "jsonl", label: "JSONL, a video a line" },
  { id: "csv", label: "CSV, for spreadsheets" },
] as const;

const MB = 1_000_000;

/** A glob for file extensions, in the two ways in which they are written. */
export function globOf(extensions: string): string | undefined {
  const names = extensions
    .split(/[\s,;]+/)
    .map((name) => name.replace(/^\*?\.?/, ""))
    .filter(Boolean);
  const both = [...new Set(names.flatMap((name) => [name.toLowerCase(), name.toUpperCase()]))];
  return both.length > 0 ? `**.{${both.join(",")}}` : undefined;
}

/** The query of the manifest. What was listed a moment ago is not listed again. */
export function manifestQuery(choices: Choices, more: Record<string, string> = {}): URLSearchParams {
  const query = new URLSearchParams();
  const add = (name: string, value: string | undefined) => value && query.append(name, value);
  add("index_id", choices.index_id);
  add("language", choices.language?.trim() || "en");
  if (choices.only_not_indexed) query.append("only_not_indexed", "true");
  if (choices.captions === "no") query.append("captions", "false");
  add("prefix", choices.prefix);
  const globs = lines(choices.glob ?? "");
  for (const glob of globs) query.append("glob", glob);
  if (globs.length === 0) add("glob", globOf(choices.extensions ?? ""));
  for (const glob of lines(choices.exclude ?? "")) query.append("exclude", glob);
  add("min_bytes", bytes(choices.min_mb));
  add("max_bytes", bytes(choices.max_mb));
  add("modified_after", choices.modified_after);
  add("modified_before", choices.modified_before);
  add("storage_class", choices.storage_class?.trim());
  query.append("synchronize", "false");
  for (const [name, value] of Object.entries(more)) query.append(name, value);
  return query;
}

/** A number that is none is sent as it is, so that the server says what is wrong with it. */
function bytes(megabytes: string | undefined): string | undefined {
  const text = megabytes?.trim();
  if (!text) return undefined;
  const value = Number(text.replace(",", "."));
  return Number.isFinite(value) ? String(Math.round(value * MB)) : text;
}

export const manifestPath = (id: string, query: URLSearchParams) => `${API_BASE}/integrations/${id}/manifest?${query}`;

/** The first lines of a body, whatever its length; the rest is not read. */
export async function firstLines(body: ReadableStream<Uint8Array>, most: number): Promise<string[]> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = "";
  while (text.split("\n").length <= most) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text.split("\n").slice(0, most);
}
