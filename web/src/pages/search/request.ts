// From what is searched for to the request that the API gets, and back from the API's names to seen, said and written.
import type { Filter, SearchState, Sense } from "./state";

/** The version of the contract that can say what is wanted. */
export type Base = "/v1.3" | "/v1.2";

/** The parameters of POST /search: as JSON they are sent so, as a form lists are repeated and objects are JSON. */
export interface SearchBody {
  index_id: string;
  query_text?: string;
  query_media_type?: "image";
  query_media_url?: string;
  search_options: string[];
  transcription_options?: string[];
  conversation_option?: "exact_match";
  operator?: "and";
  threshold?: string;
  group_by?: "video";
  sort_option?: "clip_count";
  page_limit: number;
  filter?: Filter;
}

export interface SearchRequest {
  base: Base;
  body: SearchBody;
}

export const PAGE_LIMIT = 24;

/** In which ways this search looks: by a picture only at what is seen. */
export function sensesOf(state: SearchState, has: readonly Sense[]): readonly Sense[] {
  if (state.picture) return ["seen"];
  const chosen = has.filter((sense) => state.senses?.includes(sense));
  return chosen.length > 0 ? chosen : has;
}

/** The request. `has` is what the index can be searched by. */
export function requestOf(
  state: SearchState,
  index: string,
  has: readonly Sense[],
  pageLimit = PAGE_LIMIT,
): SearchRequest {
  const senses = sensesOf(state, has);
  const isAll = state.mustMatchAll && senses.length > 1;
  const text = state.text.trim();
  const isSaid = senses.includes("said");
  const isExact = state.isExact && isSaid;
  const [base, options] = optionsOf(senses, has, isAll, state.picture !== null);
  const body: SearchBody = { index_id: index, search_options: options, page_limit: pageLimit };
  if (text) body.query_text = text;
  if (state.picture) body.query_media_type = "image";
  if (state.picture?.kind === "url") body.query_media_url = state.picture.url;
  if (isExact && base === "/v1.3") body.transcription_options = ["lexical"];
  if (isExact && base === "/v1.2") body.conversation_option = "exact_match";
  if (isAll) body.operator = "and";
  if (state.threshold !== "low") body.threshold = state.threshold;
  if (state.isByVideo) body.group_by = "video";
  if (state.isByVideo && state.isByCount) body.sort_option = "clip_count";
  if (Object.keys(state.filter).length > 0) body.filter = state.filter;
  return { base, body };
}

/** In v1.3 `visual` takes in what is written, unless all options must match: only the names of v1.2 can leave it out. */
function optionsOf(senses: readonly Sense[], has: readonly Sense[], isAll: boolean, isPicture: boolean) {
  const wants = (sense: Sense) => senses.includes(sense);
  const isOlder = wants("seen") && !wants("written") && has.includes("written") && !isAll && !isPicture;
  const base: Base = isOlder ? "/v1.2" : "/v1.3";
  const options: string[] = [];
  if (wants("seen")) options.push("visual");
  if (wants("said")) options.push(isOlder ? "conversation" : "transcription");
  if (wants("written") && (isAll || !wants("seen"))) options.push("text_in_video");
  return [base, options] as const;
}

/** All hits of one video, whatever the list shows. */
export function ofOneVideo(request: SearchRequest, video: string): SearchRequest {
  const { group_by: _, sort_option: __, ...body } = request.body;
  return { base: request.base, body: { ...body, page_limit: 50, filter: { ...body.filter, id: [video] } } };
}

/** The fields of a form, in order. */
export function formFields(body: SearchBody): (readonly [string, string])[] {
  return Object.entries(body).flatMap(([name, value]: [string, unknown]) => {
    if (Array.isArray(value)) return value.map((item) => [name, String(item)] as const);
    return [[name, typeof value === "object" ? JSON.stringify(value) : String(value)] as const];
  });
}

/** What an option of the API is called here. */
export function senseOf(option: string): Sense | null {
  if (option === "visual") return "seen";
  if (option === "text_in_video") return "written";
  return option === "audio" || option === "conversation" || option === "transcription" ? "said" : null;
}
