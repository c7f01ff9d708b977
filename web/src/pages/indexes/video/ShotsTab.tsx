// The shots of a video as pictures; a click jumps to one.
import { memo, useState } from "react";
import { Loaded, Pager } from "../../../ui/display";
import { formatClock } from "../../../ui/format";
import { HoverPreview } from "../../../video/HoverPreview";
import { type Shot, useShots } from "./moments";
import type { Place } from "./VideoPage";

const LIMIT = 24;

export function ShotsTab({ index, video, time, onSeek, hasShots }: Place & { hasShots: boolean }) {
  const query = useShots(index, video, hasShots);
  const [page, setPage] = useState(1);
  if (!hasShots) {
    return (
      <p className="soft">
        The index was made without the option “Seen”, so shots were not looked at. Use an index that has it.
      </p>
    );
  }
  return (
    <Loaded query={query} what="the shots">
      {(shots) => {
        const pages = Math.max(1, Math.ceil(shots.length / LIMIT));
        const from = (page - 1) * LIMIT;
        const current = shots.findLastIndex((shot) => shot.start <= time + 0.01);
        return (
          <div className="stack">
            <Grid
              {...{ index, video, from }}
              shots={shots.slice(from, from + LIMIT)}
              current={current - from}
              onSeek={onSeek}
            />
            <Pager page={page} pages={pages} total={shots.length} what="shots" onPage={setPage} />
          </div>
        );
      }}
    </Loaded>
  );
}

const Grid = memo(
  function Grid({
    index,
    video,
    shots,
    from,
    current,
    onSeek,
  }: {
    index: string;
    video: string;
    shots: readonly Shot[];
    from: number;
    current: number;
    onSeek: (seconds: number) => void;
  }) {
    return (
      <ul className="shots">
        {shots.map((shot, number) => (
          <li key={shot.start}>
            <button type="button" aria-current={number === current || undefined} onClick={() => onSeek(shot.start)}>
              <HoverPreview index={index} video={video} start={shot.start} end={shot.end} />
              <span className="visually-hidden">Jump to shot {from + number + 1}, </span>
              <span className="numeric">
                {formatClock(shot.start, true)}–{formatClock(shot.end, true)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    );
  },
  // Jumping is the player's, whichever function asks for it.
  (before, after) =>
    before.shots.length === after.shots.length &&
    before.from === after.from &&
    before.current === after.current &&
    before.video === after.video,
);
