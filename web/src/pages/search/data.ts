// What the search page asks of the server.
import { keepPreviousData, useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { ApiFailure, api, type Schema, send, unwrap } from "../../api/client";
import { lasting } from "../../video/links";
import { formFields, ofOneVideo, type SearchRequest, senseOf } from "./request";
import { type PictureRef, SENSES } from "./state";

export type Clip = Schema<"SearchClip">;
export type Page = Schema<"SearchPage">;
export type Video = Schema<"Video">;

const MOST_PAGES_OF_INDEXES = 10;

/** All indexes, newest first; of more than 500 the newest. */
export function useIndexes() {
  return useQuery({
    queryKey: ["search", "indexes"],
    queryFn: async () => {
      const found: Schema<"Index">[] = [];
      for (let page = 1; page <= MOST_PAGES_OF_INDEXES; page += 1) {
        const { data, page_info } = await unwrap(api.GET("/indexes", { params: { query: { page, page_limit: 50 } } }));
        found.push(...data);
        if (page >= page_info.total_page) break;
      }
      return found;
    },
    staleTime: 30_000,
  });
}

/** What an index can be searched by. Only v1.2 tells written text apart from what is seen. */
export function useIndex(id: string | null) {
  return useQuery({
    queryKey: ["search", "index", id],
    enabled: id !== null,
    queryFn: async () => {
      const path = { index_id: id ?? "" };
      const index = await unwrap(api.GET("/indexes/{index_id}", { baseUrl: "/v1.2", params: { path } }));
      const searching = (index.engines ?? []).filter((engine) => engine.engine_name.startsWith("marengo"));
      const options = searching.flatMap((engine) => engine.engine_options.map(senseOf));
      return { index, has: SENSES.filter((sense) => options.includes(sense)) };
    },
    staleTime: 30_000,
  });
}

/** Videos that are on their way into the index, and so are not found yet. */
export function useOnTheirWay(id: string | null) {
  return useQuery({
    queryKey: ["search", "on-their-way", id],
    enabled: id !== null,
    queryFn: async () => {
      const counts = await unwrap(api.GET("/tasks/status", { params: { query: { index_id: id ?? "" } } }));
      return counts.validating + counts.pending + counts.queued + counts.indexing;
    },
    refetchInterval: (query) => (query.state.data ? 10_000 : false),
  });
}

/** A file of the reader's; it lives as long as this page. */
let heldFile: File | null = null;
export const holdFile = (file: File) => {
  heldFile = file;
};
export const fileOf = (picture: PictureRef | null) =>
  picture?.kind === "file" && heldFile?.name === picture.name ? heldFile : null;

/** The picture's bytes, where they must be sent along. */
async function bytesOf(picture: PictureRef | null, index: string): Promise<File | null> {
  if (picture?.kind === "file") return fileOf(picture);
  if (picture?.kind !== "moment") return null;
  const link = await momentLink(index, picture.video, picture.at);
  const blob = await (await send(link)).blob();
  return new File([blob], "moment.jpg", { type: "image/jpeg" });
}

/** Where the picture of a moment is. */
export async function momentLink(index: string, video: string, at: number): Promise<string> {
  const params = { path: { index_id: index, video_id: video }, query: { time: at } };
  const { thumbnail } = await unwrap(api.GET("/indexes/{index_id}/videos/{video_id}/thumbnail", { params }));
  return lasting(thumbnail);
}

async function ask({ base, body }: SearchRequest, picture: PictureRef | null): Promise<Page> {
  const file = await bytesOf(picture, body.index_id);
  const init: RequestInit = { method: "POST" };
  if (file) {
    const form = new FormData();
    for (const [name, value] of formFields(body)) form.append(name, value);
    form.append("query_media_file", file, file.name);
    init.body = form;
  } else {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  return (await send(`${base}/search`, init)).json();
}

async function pageOf(base: string, token: string): Promise<Page> {
  return (await send(`${base}/search/${token}`)).json();
}

/** A page by its token; when that is too old the search is made anew, up to the same page. */
async function laterPage(request: SearchRequest, picture: PictureRef | null, after: After): Promise<Page> {
  try {
    return await pageOf(request.base, after.token);
  } catch (failure) {
    if (!(failure instanceof ApiFailure && failure.code === "search_page_token_expired")) throw failure;
  }
  let page = await ask(request, picture);
  for (let number = 1; number < after.number; number += 1) {
    const token = page.page_info.next_page_token;
    if (!token) return { ...page, data: [] };
    page = await pageOf(request.base, token);
  }
  return page;
}

/** Which page comes next: 2 and on. */
interface After {
  token: string;
  number: number;
}

/** A search, page after page. What was found stays in sight until what is asked anew has come. */
export function useSearch(request: SearchRequest | null, picture: PictureRef | null) {
  const file = fileOf(picture);
  return useInfiniteQuery({
    queryKey: ["search", "found", request, picture, file?.lastModified, file?.size],
    enabled: request !== null && (picture?.kind !== "file" || file !== null),
    initialPageParam: null as After | null,
    queryFn: async ({ pageParam }) => {
      if (!request) throw new Error("nothing is asked");
      return pageParam ? laterPage(request, picture, pageParam) : ask(request, picture);
    },
    getNextPageParam: (last, pages): After | undefined => {
      const token = last.page_info.next_page_token;
      return token ? { token, number: pages.length + 1 } : undefined;
    },
    // Results do not move by themselves: they are asked anew by the button only.
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
}

const MOST_PAGES_OF_VIDEO = 10;

/** All hits of one video, in the order of time. */
export function useHits(request: SearchRequest | null, picture: PictureRef | null, video: string | null) {
  const file = fileOf(picture);
  return useQuery({
    queryKey: ["search", "hits", request, picture, file?.lastModified, file?.size, video],
    enabled: request !== null && video !== null && (picture?.kind !== "file" || file !== null),
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      if (!request || !video) throw new Error("nothing is asked");
      let page = await ask(ofOneVideo(request, video), picture);
      const clips = clipsOf(page);
      for (let pages = 1; pages < MOST_PAGES_OF_VIDEO && page.page_info.next_page_token; pages += 1) {
        page = await pageOf(request.base, page.page_info.next_page_token);
        clips.push(...clipsOf(page));
      }
      return clips.sort((a, b) => a.start - b.start);
    },
  });
}

export function clipsOf(page: Page): Clip[] {
  return page.data.flatMap((item) => ("clips" in item ? item.clips : [item]));
}

/** Tells the file names of videos by their ids, as far as they have come. */
export function useNames(index: string | null, videos: readonly string[]): (video: string) => string {
  const names = useQueries({
    queries: [...new Set(index ? videos : [])].map((id) => ({
      // As `useVideo` of src/video keeps it.
      queryKey: ["video", index, id],
      queryFn: (): Promise<Video> => {
        const path = { index_id: index ?? "", video_id: id };
        return unwrap(api.GET("/indexes/{index_id}/videos/{video_id}", { params: { path } }));
      },
      staleTime: 60_000,
    })),
    combine: (all) => new Map(all.map(({ data }) => [data?._id, data?.system_metadata?.filename])),
  });
  return (video) => names.get(video) ?? video;
}

/** Names of fields that users gave to videos here, and of files, as suggestions. */
export function useSuggestions(index: string | null, isWanted: boolean) {
  return useQuery({
    queryKey: ["search", "suggestions", index],
    enabled: isWanted && index !== null,
    queryFn: async () => {
      const params = { path: { index_id: index ?? "" }, query: { page_limit: 50 } };
      const { data } = await unwrap(api.GET("/indexes/{index_id}/videos", { params }));
      const fields = new Set(data.flatMap((video) => Object.keys(video.user_metadata ?? {})));
      return {
        files: data.flatMap((video) => video.system_metadata?.filename ?? []),
        fields: [...fields].sort(),
      };
    },
    staleTime: 60_000,
  });
}
