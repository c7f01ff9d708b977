// What the player and its companions ask of the server about a video. Keys of the queries begin with "video", index, video.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ApiFailure, api, type Schema, unwrap } from "../api/client";
import { lasting } from "./links";

/** Words and when they are there. */
export type Line = Schema<"TextEntry">;

const path = (index: string, video: string) => ({ index_id: index, video_id: video });

/** The video; asked again every few seconds while its stream is being made. */
export function useVideo(index: string, video: string, isWanted = true) {
  return useQuery({
    queryKey: ["video", index, video],
    queryFn: () => unwrap(api.GET("/indexes/{index_id}/videos/{video_id}", { params: { path: path(index, video) } })),
    enabled: isWanted,
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.data?.hls?.status === "PROCESSING" ? 3000 : false),
  });
}

/** What is said, and when a person last changed it. */
export type Said = Schema<"Texts">;

export const saidKey = (index: string, video: string) => ["video", index, video, "transcription"];

const said = (index: string, video: string) => ({
  queryKey: saidKey(index, video),
  queryFn: (): Promise<Said> =>
    unwrap(api.GET("/indexes/{index_id}/videos/{video_id}/transcription", { params: { path: path(index, video) } })),
  staleTime: 60_000,
});

const NO_LINES: readonly Line[] = [];

/** The lines that are said; none when nothing is. */
export function useTranscript(index: string, video: string, isWanted = true) {
  return useQuery({ ...said(index, video), enabled: isWanted, select: (told) => told.data ?? NO_LINES });
}

/** What is said, with what is told about it. */
export const useSaid = (index: string, video: string) => useQuery(said(index, video));

/** What is written in the picture; none when nothing is. */
export function useWritten(index: string, video: string, isWanted = true) {
  return useQuery({
    queryKey: ["video", index, video, "text-in-video"],
    queryFn: async (): Promise<Line[]> => {
      const params = { path: path(index, video) };
      return (await unwrap(api.GET("/indexes/{index_id}/videos/{video_id}/text-in-video", { params }))).data ?? [];
    },
    enabled: isWanted,
    staleTime: 60_000,
  });
}

/** The kept picture that is nearest to a moment, else to the middle; null where the index keeps none. */
export function usePicture(index: string, video: string, time?: number, isWanted = true) {
  return useQuery({
    queryKey: ["video", index, video, "picture", time ?? "middle"],
    queryFn: async (): Promise<string | null> => {
      const params = { path: path(index, video), query: time === undefined ? {} : { time } };
      try {
        const told = await unwrap(api.GET("/indexes/{index_id}/videos/{video_id}/thumbnail", { params }));
        return lasting(told.thumbnail);
      } catch (failure) {
        if (failure instanceof ApiFailure && failure.code === "api_not_allowed") return null;
        throw failure;
      }
    },
    enabled: isWanted,
    // Links to pictures work for an hour.
    staleTime: 30 * 60_000,
    placeholderData: keepPreviousData,
  });
}
