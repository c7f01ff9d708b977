// How much video a plan holds and how long it may take: ranges, with what they are made of, or "unknown".
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../../../api/client";
import { formatDuration, formatNumber } from "../../../ui/format";
import { lengthOf, lengthOfAll, type Range, timeFor } from "../plan/estimate";
import { useAllIndexes } from "./known";

/** Hours of video and the time it may take: ranges, with what they are made of, or "unknown". */
export function Estimates({
  taken,
  bytes,
  known,
  indexes,
}: {
  taken: number;
  bytes: number;
  known: { of: number; seconds: number; bytes: number };
  /** How many videos would enter which index. */
  indexes: Record<string, number>;
}) {
  const index = useIndexToGuessBy(indexes);
  const videos = useQuery({
    queryKey: ["index", index, "videos", "for estimates"],
    enabled: index !== undefined,
    staleTime: 60_000,
    queryFn: () =>
      unwrap(
        api.GET("/indexes/{index_id}/videos", {
          params: { path: { index_id: index ?? "" }, query: { page_limit: 50 } },
        }),
      ),
  });
  const transfers = useQuery({
    queryKey: ["transfers", "for estimates"],
    staleTime: 60_000,
    queryFn: () => unwrap(api.GET("/transfers", { params: { query: { page_limit: 20 } } })),
  });
  const measured = videos.data?.data ?? [];
  const length = lengthOfAll(known, { of: taken, bytes }, (rest) => lengthOf(rest, measured));
  const time = timeFor(taken, transfers.data?.data ?? []);
  function lengthWords(): string {
    if (length?.isExact) return "as their headers tell";
    const isSome = known.of > 0 ? `known of ${formatNumber(known.of)}; ` : "";
    if (length) return `${isSome}guessed by the bit rate of videos that are here`;
    return `${isSome}told when the videos are fetched`;
  }
  return (
    <>
      <div>
        <dt>Length of video</dt>
        <dd>
          {taken === 0 ? "none" : length ? rangeOf(length) : "unknown"}
          <small>{taken > 0 && lengthWords()}</small>
        </dd>
      </div>
      <div>
        <dt>It may take</dt>
        <dd>
          {taken === 0 ? "no time" : time ? rangeOf(time) : "unknown"}
          <small>
            {!time
              ? "no transfer has ended here yet"
              : time.of === 1
                ? "at the pace of the only transfer yet"
                : `at the pace of the last ${formatNumber(time.of)} transfers`}
          </small>
        </dd>
      </div>
    </>
  );
}

/** Of the indexes that are entered, the one that most entries name; if it is empty, the fullest that there is. */
function useIndexToGuessBy(entered: Record<string, number>): string | undefined {
  const all = useAllIndexes().data?.all ?? [];
  const full = all.filter((index) => index.video_count > 0);
  full.sort((one, other) => (entered[other._id] ?? 0) - (entered[one._id] ?? 0) || other.video_count - one.video_count);
  return full[0]?._id;
}

const rangeOf = ({ low, high }: Range) => {
  const [from, to] = [formatDuration(low), formatDuration(high)];
  return from === to ? from : `${from} – ${to}`;
};
