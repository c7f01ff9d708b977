// What the pages of indexes ask of the server, and the names of options as people say them.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import createClient from "openapi-fetch";
import { api, type Schema, send, unwrap } from "../../api/client";
import type { paths } from "../../api/schema";
import type { IconName } from "../../ui/icons";

/** Indexes are asked for in v1.2, which tells apart what is seen and what is written; v1.3 calls both `visual`. */
const older = createClient<paths>({ baseUrl: "/v1.2", fetch: (request) => send(request) });

export type Index = Schema<"Index">;
export type Video = Schema<"Video">;
export type Option = Schema<"ModelOption">;

export const OPTIONS: readonly Option[] = ["visual", "conversation", "text_in_video"];

/** How people say it; the same words as on the page "Search". */
export const OPTION_NAMES: Record<Option, string> = { visual: "Seen", conversation: "Said", text_in_video: "Written" };

/** Each has a sign, too. */
export const OPTION_ICONS: Record<Option, IconName> = {
  visual: "eye",
  conversation: "speech",
  text_in_video: "letters",
};

/** What each option finds. */
export const OPTION_FINDS: Record<Option, string> = {
  visual: "what is in the picture",
  conversation: "what is said",
  text_in_video: "text in the picture",
};

export const isSearching = (engine: string) => engine.startsWith("marengo");
export const isWriting = (engine: string) => engine.startsWith("pegasus");

/** By what an index can be searched: the options of its searching engine. */
export function searchedBy(index: Index): Option[] {
  const engines = (index.engines ?? []).filter((engine) => isSearching(engine.engine_name));
  return OPTIONS.filter((option) => engines.some((engine) => engine.engine_options.includes(option)));
}

/** The engine that writes text about videos, where the index has one. */
export const writerOf = (index: Index) =>
  (index.engines ?? []).find((engine) => isWriting(engine.engine_name))?.engine_name;

export function useIndexes(page: number, limit: number) {
  return useQuery({
    queryKey: ["indexes", page, limit],
    queryFn: () => unwrap(older.GET("/indexes", { params: { query: { page, page_limit: limit } } })),
    placeholderData: (before) => before,
  });
}

export function useIndex(id: string) {
  return useQuery({
    queryKey: ["index", id],
    queryFn: () => unwrap(older.GET("/indexes/{index_id}", { params: { path: { index_id: id } } })),
  });
}

/** The names that an index may be made with. */
export function useEngines() {
  return useQuery({
    queryKey: ["engines"],
    queryFn: async () => (await unwrap(api.GET("/engines"))).data,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export type Counts = Schema<"TaskCounts">;

/** Tasks that may still become videos. */
export const underWay = (counts: Counts) => counts.validating + counts.pending + counts.queued + counts.indexing;

/** How many tasks of an index are where; asked again while some are under way. */
export function useCounts(index: string) {
  return useQuery({
    queryKey: ["index", index, "counts"],
    queryFn: () => unwrap(api.GET("/tasks/status", { params: { query: { index_id: index } } })),
    refetchInterval: (query) => (query.state.data && underWay(query.state.data) > 0 ? 4000 : 30_000),
  });
}

/** Everything about indexes is asked anew. */
export function useForgetIndexes() {
  const client = useQueryClient();
  return () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ["indexes"] }),
      client.invalidateQueries({ queryKey: ["index"] }),
    ]);
}
