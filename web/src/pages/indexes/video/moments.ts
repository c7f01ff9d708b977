// What the lanes of a video's timeline show: its shots, lines and texts; or, where words are looked for, what was found.
import { useQuery } from "@tanstack/react-query";
import { ApiFailure, api, type Schema, unwrap } from "../../../api/client";
import type { Hit } from "../../../video/hits";
import type { Line } from "../../../video/source";
import { OPTION_ICONS, OPTION_NAMES, type Option } from "../data";

export interface Shot {
  start: number;
  end: number;
}

/** The shots of a video. They are told with their vectors only, so they are kept long. */
export function useShots(index: string, video: string, isWanted: boolean) {
  return useQuery({
    queryKey: ["video", index, video, "shots"],
    queryFn: async (): Promise<Shot[]> => {
      const params = {
        path: { index_id: index, video_id: video },
        query: { embedding_option: ["visual"] },
      };
      const told = await unwrap(api.GET("/indexes/{index_id}/videos/{video_id}", { params }));
      const segments = told.embedding?.video_embedding.segments ?? [];
      return segments.map((each) => ({ start: each.start_offset_sec, end: each.end_offset_sec }));
    },
    enabled: isWanted,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** How searches of v1.3 call the options. */
const ASKED: Record<Option, string> = { visual: "visual", conversation: "audio", text_in_video: "text_in_video" };
const LANES: Record<string, Option> = {
  visual: "visual",
  audio: "conversation",
  transcription: "conversation",
  conversation: "conversation",
  text_in_video: "text_in_video",
};

type Clip = Schema<"SearchClip">;
const MOST_PAGES = 10;

/** What is found in one video: a hit for each option that a clip matched by. */
export function useHits(index: string, video: string, words: string, options: readonly Option[]) {
  return useQuery({
    queryKey: ["video", index, video, "hits", words, options],
    queryFn: async (): Promise<Hit[]> => {
      const body = {
        index_id: index,
        query_text: words,
        search_options: options.map((option) => ASKED[option]),
        threshold: "low",
        page_limit: 50,
        // The document knows no names of filters.
        filter: { id: [video] } as never,
      };
      let page = await unwrap(api.POST("/search", { body }));
      const clips = [...page.data] as Clip[];
      for (let pages = 1; page.page_info.next_page_token && pages < MOST_PAGES; pages += 1) {
        const params = { path: { token: page.page_info.next_page_token } };
        page = await unwrap(api.GET("/search/{token}", { params }));
        clips.push(...(page.data as Clip[]));
      }
      return clips.flatMap(hitsOf);
    },
    enabled: words !== "" && options.length > 0,
    staleTime: 60_000,
  });
}

/** A hit in the lane of each option that the clip matched by. */
export function hitsOf(clip: Clip): Hit[] {
  return (clip.modules ?? []).flatMap(({ type, confidence }) => {
    const option = LANES[type];
    if (!option) return [];
    const text = clip.metadata?.find((match) => match.type === type)?.text;
    const label = text ? `“${text}” (${confidence})` : `looks like it (${confidence})`;
    return [{ lane: option, start: clip.start, end: clip.end, label }];
  });
}

/** All that is known of a video as marks. */
export function marksOf(shots: readonly Shot[], said: readonly Line[], written: readonly Line[]): Hit[] {
  const lines = (lane: Option, entries: readonly Line[]) =>
    entries.map((line): Hit => ({ lane, start: line.start, end: line.end, label: line.value }));
  return [
    ...shots.map((shot, number): Hit => ({ lane: "visual", ...shot, label: `shot ${number + 1} of ${shots.length}` })),
    ...lines("conversation", said),
    ...lines("text_in_video", written),
  ];
}

/** The lanes of an index's videos: one for each option it was made with. */
export const lanesOf = (options: readonly Option[], isSearch: boolean) =>
  options.map((option) => ({
    id: option,
    label: OPTION_NAMES[option],
    icon: OPTION_ICONS[option],
    empty: isSearch
      ? { visual: "nothing seen", conversation: "nothing said", text_in_video: "nothing written" }[option]
      : { visual: "no shots", conversation: "nobody speaks", text_in_video: "no text in the picture" }[option],
  }));

export const isGone = (error: unknown) => error instanceof ApiFailure && error.status === 404;
