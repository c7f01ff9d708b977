// How long a transfer may take and how much video it holds, from what was seen before; nothing where nothing was.
import type { Schema } from "../../../api/client";

export interface Range {
  low: number;
  high: number;
}

/** Transfers that tell a pace, newest first. */
const LOOKED_AT = 5;

/** Seconds for so many videos, at the pace of the last transfers that ended; and of how many that was told. */
export function timeFor(
  videos: number,
  transfers: readonly Schema<"Transfer">[],
): (Range & { of: number }) | undefined {
  const paces = transfers
    .filter((transfer) => transfer.is_finished && transfer.ended_at && transfer.state !== "cancelled")
    .map(({ created_at, ended_at, counts }) => ({
      seconds: (Date.parse(ended_at ?? created_at) - Date.parse(created_at)) / 1000,
      videos: counts.ready,
    }))
    .filter((transfer) => transfer.videos > 0 && transfer.seconds > 0)
    .slice(0, LOOKED_AT)
    .map((transfer) => transfer.seconds / transfer.videos);
  if (paces.length === 0) return undefined;
  // One transfer alone says little: half and twice its pace.
  const isOne = paces.length === 1;
  const low = Math.min(...paces) * videos * (isOne ? 0.5 : 1);
  const high = Math.max(...paces) * videos * (isOne ? 2 : 1);
  return { low: Math.round(low), high: Math.round(high), of: paces.length };
}

/** The length of all, from what is known of some and guessed of the rest. */
export function lengthOfAll(
  known: { of: number; seconds: number; bytes: number },
  all: { of: number; bytes: number },
  guess: (bytes: number) => Range | undefined,
): (Range & { isExact: boolean }) | undefined {
  const { seconds } = known;
  if (known.of === all.of) return { low: seconds, high: seconds, isExact: true };
  const rest = guess(all.bytes - known.bytes);
  return rest && { low: seconds + rest.low, high: seconds + rest.high, isExact: false };
}

/** Seconds of video in so many bytes, at the bit rates of these videos: from the second tenth to the ninth. */
export function lengthOf(bytes: number, videos: readonly Schema<"Video">[]): (Range & { of: number }) | undefined {
  const rates = videos
    .map((video) => video.system_metadata ?? undefined)
    .filter((measured) => measured !== undefined && measured.size > 0 && measured.duration > 0)
    .map((measured) => (measured ? measured.duration / measured.size : 0))
    .sort((one, other) => one - other);
  const at = (part: number) => rates[Math.round(part * (rates.length - 1))] ?? 0;
  return rates.length === 0 ? undefined : { low: bytes * at(0.1), high: bytes * at(0.9), of: rates.length };
}
