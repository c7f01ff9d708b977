// Which tasks are listed: kept in the address, told to the server.

export interface TaskFilters {
  /** One state or several, exactly. */
  state: string;
  /** As the contract counts: those that were there already are ready, too. Other pages link so. */
  status: string;
  code: string;
  index_id: string;
  transfer_id: string;
  /** A part of the name or address. */
  name: string;
  /** Days in the reader's zone, `2026-11-29`. */
  from: string;
  to: string;
}

export const FILTERS = ["state", "status", "code", "index_id", "transfer_id", "name", "from", "to"] as const;
export const PER_PAGE = 50;

export function filtersOf(search: URLSearchParams): TaskFilters {
  const values = FILTERS.map((name) => [name, search.get(name) ?? ""] as const);
  return Object.fromEntries(values) as unknown as TaskFilters;
}

/** The address with another filter: from the first page on. */
export function withFilter(search: URLSearchParams, name: keyof TaskFilters, value: string): URLSearchParams {
  const next = new URLSearchParams(search);
  if (value === "") next.delete(name);
  else next.set(name, value);
  if (name === "state") next.delete("status");
  next.delete("page");
  return next;
}

/** The query of `GET /tasks`. */
export function queryOf(filters: TaskFilters, page: number): Record<string, string | number> {
  const { from, to, ...plain } = filters;
  const given = Object.entries(plain).filter(([, value]) => value !== "");
  const begin = dayStart(from, 0);
  const end = dayStart(to, 1);
  return {
    page,
    page_limit: PER_PAGE,
    ...Object.fromEntries(given),
    ...(begin && { "created_at[gte]": begin.toISOString() }),
    // To the last millisecond of the day: the server's bound is part of the range.
    ...(end && { "created_at[lte]": new Date(end.getTime() - 1).toISOString() }),
  };
}

/** When a day begins in the reader's zone, or the day after so many. */
function dayStart(day: string, after: number): Date | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  if (!parts) return undefined;
  const start = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + after);
  return Number.isNaN(start.getTime()) ? undefined : start;
}
