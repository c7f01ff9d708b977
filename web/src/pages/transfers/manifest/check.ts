// What the server would refuse in an entry, found before it is sent. The rules are those of the server
// (crates/telecine/src/transfer), which checks everything again: what is missing here, it finds.

/** Why an entry cannot be taken: where, what, what was found, and what to do. */
export interface Problem {
  line: number;
  what: string;
  value?: string;
  fix: string;
}

/** A bucket that is connected, or a part of one. */
export interface Owner {
  scheme: string;
  bucket: string;
  prefix: string;
  status: string;
}

/** What there is; what is not known here is left to the server. */
export interface Known {
  indexes?: readonly string[];
  owners?: readonly Owner[];
}

export interface Entry {
  index_id: string;
  language: string;
  object: string;
  transcription?: string;
}

export type Wrong = Omit<Problem, "line"> & { field?: string };

const FIELDS = ["index_id", "language", "object", "transcription"] as const;
const SCHEMES = ["s3", "gs", "az", "urls", "folder"];
const MAX_ENTRY_BYTES = 64 << 10;
const WRITE_IT = "Write it as s3://<bucket>/<key>.";
const ID = /^[0-9a-f]{24}$/;
const TAG = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;

/** An entry in JSON: what it says, or what is wrong. */
export function readEntry(json: string): Entry | Wrong {
  if (json.length > MAX_ENTRY_BYTES) {
    return { what: "The entry is too long.", fix: `An entry has at most ${MAX_ENTRY_BYTES} bytes.` };
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const told = String(error instanceof Error ? error.message : error).replace(/ ?in JSON at.*|,? "?\.\.\..*/s, "");
    return { what: `Not JSON: ${told}.`, value: cut(json), fix: "Check commas, quotes and braces of this entry." };
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    const fix = 'Write an object such as {"index_id": "…", "object": "s3://<bucket>/<key>"}.';
    return { what: `The entry must be an object, found ${kindOf(value)}.`, value: cut(json), fix };
  }
  return readFields(value as Record<string, unknown>);
}

/** The fields of an entry: the entry, or the first thing that is wrong. */
export function readFields(given: Record<string, unknown>): Entry | Wrong {
  for (const field of FIELDS) {
    const value = given[field];
    const isNone = value === undefined || value === null;
    if (!isNone && typeof value !== "string") {
      const what = `\`${field}\` must be a text, found ${kindOf(value)}.`;
      return { field, what, value: cut(JSON.stringify(value)), fix: 'Put it between " and ".' };
    }
    if (isNone && (field === "index_id" || field === "object")) {
      const fix = field === "object" ? `Add the address of the video. ${WRITE_IT}` : "Add the id of an index.";
      return { what: `\`${field}\` is missing.`, fix };
    }
  }
  const entry: Entry = {
    index_id: given.index_id as string,
    language: (given.language as string | null | undefined) ?? "en",
    object: given.object as string,
    transcription: (given.transcription as string | null | undefined) ?? undefined,
  };
  if (!ID.test(entry.index_id)) {
    const fix = "Take the id of an index from the page Indexes: 24 digits of 0-9 and a-f.";
    return { field: "index_id", what: "`index_id` is not an id.", value: cut(entry.index_id), fix };
  }
  if (!TAG.test(entry.language) || entry.language.length > 35) {
    const fix = "Write `en`, or leave it out.";
    return { field: "language", what: "`language` is not a language tag.", value: cut(entry.language), fix };
  }
  return (
    wrongAddress("object", entry.object) ??
    (entry.transcription === undefined ? undefined : wrongAddress("transcription", entry.transcription)) ??
    entry
  );
}

function wrongAddress(field: string, text: string): Wrong | undefined {
  const wrong = (what: string, fix: string) => ({ field, what: `\`${field}\` ${what}.`, value: cut(text), fix });
  const parts = /^(.*?):\/\/(.*)$/s.exec(text);
  if (!parts) return wrong("is not an address", WRITE_IT);
  if (!SCHEMES.includes(parts[1] ?? "")) {
    const fix = "Copy addresses from the integration's list (Get JSON). A link is uploaded as a single task.";
    return wrong("does not begin with `s3://`, `gs://`, `az://`, `urls://` or `folder://`", fix);
  }
  const rest = parts[2] ?? "";
  const slash = rest.indexOf("/");
  if (slash < 0) return wrong("has no key", WRITE_IT);
  if (slash === 0) return wrong("has no bucket", WRITE_IT);
  if (!/^[A-Za-z0-9._-]{1,255}$/.test(rest.slice(0, slash))) {
    return wrong("names a bucket that cannot be", "Bucket names have letters, digits, dots and hyphens.");
  }
  if (slash === rest.length - 1) return wrong("has an empty key", WRITE_IT);
  return undefined;
}

/** What is wrong with an entry of good form, given what there is. */
export function checkKnown(entry: Entry, known: Known): Wrong | undefined {
  if (known.indexes && !known.indexes.includes(entry.index_id)) {
    const what = "`index_id` names no index of this workspace.";
    return { field: "index_id", what, value: entry.index_id, fix: "Take the id of an index from the page Indexes." };
  }
  return checkOwner("object", entry.object, known) ?? checkOwner("transcription", entry.transcription, known);
}

function checkOwner(field: string, address: string | undefined, known: Known): Wrong | undefined {
  if (!known.owners || address === undefined) return undefined;
  const [scheme, rest = ""] = address.split(/:\/\/(.*)/s);
  const [bucket, key = ""] = rest.split(/\/(.*)/s);
  const owners = known.owners.filter(
    (owner) => owner.scheme === scheme && owner.bucket === bucket && key.startsWith(owner.prefix),
  );
  if (owners.some((owner) => owner.status === "active" || owner.status === "degraded")) return undefined;
  const status = owners[0]?.status;
  return {
    field,
    what: status
      ? `The integration of \`${field}\`'s bucket ${bucket} is ${status}.`
      : `No integration owns \`${field}\`'s bucket ${bucket}.`,
    value: cut(address),
    fix: status ? "Verify it on the page Integrations." : "Connect the bucket on the page Integrations.",
  };
}

const kindOf = (value: unknown) =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "an object"
        : `a ${named(value)}`;
const named = (value: unknown) => (typeof value === "string" ? "text" : typeof value);

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
