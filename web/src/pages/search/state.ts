// What is searched for, as the address tells it: a search can be shared, kept as a bookmark and gone back to.

/** How a moment can match. The API calls them visual, audio (or transcription, conversation) and text_in_video. */
export type Sense = "seen" | "said" | "written";
export const SENSES: readonly Sense[] = ["seen", "said", "written"];

export type Threshold = "none" | "low" | "medium" | "high";
export const THRESHOLDS: readonly Threshold[] = ["none", "low", "medium", "high"];

/** What a video must be like; the `filter` of POST /search. */
export type Test = string | number | boolean | string[] | { gte?: number | string; lte?: number | string };
export type Filter = Readonly<Record<string, Test>>;

/** A picture to search by. The address can hold where one is, never one itself: of a file it keeps the name only. */
export type PictureRef =
  | { kind: "url"; url: string }
  | { kind: "moment"; video: string; at: number }
  | { kind: "file"; name: string };

export interface SearchState {
  /** None: the page chooses. */
  index: string | null;
  text: string;
  picture: PictureRef | null;
  /** None: everything that the index has. */
  senses: readonly Sense[] | null;
  /** What is said must hold the very words. */
  isExact: boolean;
  /** A moment must match in every chosen way. */
  mustMatchAll: boolean;
  threshold: Threshold;
  isByVideo: boolean;
  isByCount: boolean;
  filter: Filter;
}

export const EMPTY: SearchState = {
  index: null,
  text: "",
  picture: null,
  senses: null,
  isExact: false,
  mustMatchAll: false,
  threshold: "low",
  isByVideo: false,
  isByCount: false,
  filter: {},
};

/** Whether there is something to look for. */
export const isAsked = (state: SearchState) => state.text.trim() !== "" || state.picture !== null;

/** Reads the address; what it does not understand counts as not there. */
export function readState(params: URLSearchParams): SearchState {
  const senses = (params.get("in") ?? "").split(",").filter((word): word is Sense => SENSES.includes(word as Sense));
  const sure = params.get("sure") as Threshold;
  const isByVideo = params.get("group") === "video";
  return {
    index: params.get("index"),
    text: params.get("q") ?? "",
    picture: readPicture(params),
    senses: senses.length > 0 ? senses : null,
    isExact: params.get("words") === "exact",
    mustMatchAll: params.get("match") === "all",
    threshold: THRESHOLDS.includes(sure) ? sure : EMPTY.threshold,
    isByVideo,
    isByCount: isByVideo && params.get("sort") === "clips",
    filter: readFilter(params.get("filter")),
  };
}

function readPicture(params: URLSearchParams): PictureRef | null {
  const url = params.get("picture");
  if (url) return { kind: "url", url };
  const moment = /^([0-9a-f]{24})@(\d+(?:\.\d+)?)$/.exec(params.get("like") ?? "");
  if (moment?.[1]) return { kind: "moment", video: moment[1], at: Number(moment[2]) };
  const name = params.get("file");
  return name ? { kind: "file", name } : null;
}

function readFilter(text: string | null): Filter {
  if (!text) return {};
  try {
    const read: unknown = JSON.parse(text);
    return read && typeof read === "object" && !Array.isArray(read) ? (read as Filter) : {};
  } catch {
    return {};
  }
}

/** The address without what is only looked at: an opened hit, the code. */
export const withoutView = (params: URLSearchParams) => writeState(readState(params));

/** The query string of a search; what is as usual is left out. */
export function writeState(state: SearchState): URLSearchParams {
  const params = new URLSearchParams();
  if (state.index) params.set("index", state.index);
  if (state.text) params.set("q", state.text);
  if (state.picture?.kind === "url") params.set("picture", state.picture.url);
  if (state.picture?.kind === "moment") params.set("like", `${state.picture.video}@${state.picture.at}`);
  if (state.picture?.kind === "file") params.set("file", state.picture.name);
  if (state.senses) params.set("in", state.senses.join(","));
  if (state.isExact) params.set("words", "exact");
  if (state.mustMatchAll) params.set("match", "all");
  if (state.threshold !== EMPTY.threshold) params.set("sure", state.threshold);
  if (state.isByVideo) params.set("group", "video");
  if (state.isByVideo && state.isByCount) params.set("sort", "clips");
  if (Object.keys(state.filter).length > 0) params.set("filter", JSON.stringify(state.filter));
  return params;
}
