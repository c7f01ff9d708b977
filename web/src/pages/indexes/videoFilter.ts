// Which videos of an index are listed, as the address tells it and as the API is asked.

export interface VideoFilter {
  /** The whole name. */
  filename: string;
  /** Minutes. */
  longerThan: string;
  shorterThan: string;
  /** Days, as `2026-11-29`, in the reader's zone. */
  from: string;
  to: string;
  /** Megabytes. */
  largerThan: string;
  smallerThan: string;
}

export const NO_FILTER: VideoFilter = {
  filename: "",
  longerThan: "",
  shorterThan: "",
  from: "",
  to: "",
  largerThan: "",
  smallerThan: "",
};

const FIELDS = Object.keys(NO_FILTER) as (keyof VideoFilter)[];

export function readFilter(params: URLSearchParams): VideoFilter {
  return Object.fromEntries(FIELDS.map((field) => [field, params.get(field) ?? ""])) as unknown as VideoFilter;
}

/** The address with another filter; what is not of the filter stays, but for the page. */
export function writeFilter(params: URLSearchParams, filter: VideoFilter): URLSearchParams {
  const next = new URLSearchParams(params);
  next.delete("page");
  for (const field of FIELDS) {
    if (filter[field].trim()) next.set(field, filter[field].trim());
    else next.delete(field);
  }
  return next;
}

export const isFiltered = (filter: VideoFilter) => FIELDS.some((field) => filter[field] !== "");

/** What is wrong with a field; nothing if it can be asked. */
export function problemOf(field: keyof VideoFilter, value: string): string | undefined {
  if (value.trim() === "" || field === "filename") return undefined;
  if (field === "from" || field === "to") {
    return Number.isNaN(Date.parse(`${value}T00:00`)) ? "A day, as 2026-11-29." : undefined;
  }
  return Number.isFinite(Number(value)) && Number(value) >= 0 ? undefined : "A number, such as 2.5.";
}

/** The parameters of `GET /indexes/{id}/videos`. Fields that cannot be asked are left out. */
export function queryOf(filter: VideoFilter): Record<string, string> {
  const asked = (field: keyof VideoFilter) =>
    filter[field].trim() !== "" && problemOf(field, filter[field]) === undefined ? filter[field].trim() : undefined;
  const scaled = (field: keyof VideoFilter, by: number) => {
    const given = asked(field);
    return given === undefined ? undefined : String(Number(given) * by);
  };
  const moment = (day: string | undefined, clock: string) =>
    day === undefined ? undefined : new Date(`${day}T${clock}`).toISOString();
  const query = {
    filename: asked("filename"),
    "duration[gte]": scaled("longerThan", 60),
    "duration[lte]": scaled("shorterThan", 60),
    "created_at[gte]": moment(asked("from"), "00:00:00"),
    "created_at[lte]": moment(asked("to"), "23:59:59.999"),
    "size[gte]": scaled("largerThan", 1e6),
    "size[lte]": scaled("smallerThan", 1e6),
  };
  return Object.fromEntries(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
