// A video's time from left to right, a lane for each option, a mark for each hit. By mouse: a click jumps there. By keyboard:
// each lane is a slider whose steps are its hits. Lanes are told apart by their names, not by their colours.
import { type KeyboardEvent, type PointerEvent, useMemo, useState } from "react";
import { Button } from "../ui/controls";
import { counted, formatClock } from "../ui/format";
import { Icon } from "../ui/icons";
import { type Hit, hitAt, inOrder, type Lane, nextHit, previousHit } from "./hits";
import "./video.css";

export type { Hit, Lane } from "./hits";

export interface TimelineProps {
  /** Seconds. */
  duration: number;
  lanes: readonly Lane[];
  hits: readonly Hit[];
  /** Now, in seconds. */
  time: number;
  /** A jump; `play` when it was asked for by Enter. */
  onSeek: (seconds: number, play?: boolean) => void;
  /** What a mark is called. */
  what?: string;
  whatMany?: string;
}

export function Timeline({ duration, lanes, hits, time, onSeek, what = "hit", whatMany = `${what}s` }: TimelineProps) {
  const ordered = useMemo(() => inOrder(hits), [hits]);
  const [pointed, setPointed] = useState<Hit>();
  const shown = pointed ?? hitAt(ordered, time);
  const [before, after] = [previousHit(ordered, time), nextHit(ordered, time)];
  const laneName = (hit: Hit) => lanes.find((lane) => lane.id === hit.lane)?.label ?? hit.lane;
  return (
    <section className="timeline" aria-label="Timeline">
      {lanes.map((lane) => (
        <LaneRow
          key={lane.id}
          lane={lane}
          hits={ordered.filter((hit) => hit.lane === lane.id)}
          {...{ duration, time, onSeek, what, whatMany }}
          onPoint={setPointed}
        />
      ))}
      <div className="axis numeric small soft" aria-hidden="true">
        <span>{formatClock(0)}</span>
        <span>{formatClock(duration / 2)}</span>
        <span>{formatClock(duration)}</span>
      </div>
      <div className="row spread">
        <span className="row">
          <Button icon="left" isDisabled={!before} onPress={() => before && onSeek(before.start)}>
            Previous {what}
          </Button>
          <Button icon="right" isDisabled={!after} onPress={() => after && onSeek(after.start)}>
            Next {what}
          </Button>
        </span>
        <span className="small shown-hit">
          {shown ? (
            <>
              <strong>
                {laneName(shown)} <span className="numeric">{rangeOf(shown)}</span>
              </strong>{" "}
              {shown.label}
            </>
          ) : (
            <span className="soft">No {what} at this moment.</span>
          )}
        </span>
      </div>
    </section>
  );
}

const rangeOf = (hit: Hit) => `${formatClock(hit.start, true)}–${formatClock(hit.end, true)}`;

function LaneRow({
  lane,
  hits,
  duration,
  time,
  onSeek,
  what,
  whatMany,
  onPoint,
}: Omit<TimelineProps, "lanes"> & { lane: Lane; onPoint: (hit?: Hit) => void }) {
  const place = (seconds: number) => `${Math.min(100, Math.max(0, (seconds / duration) * 100))}%`;
  const current = hitAt(hits, time);
  const told = current
    ? `${what} ${hits.indexOf(current) + 1} of ${hits.length}: ${rangeOf(current)}, ${current.label}`
    : `${formatClock(time)}, between ${whatMany}`;

  function keys(event: KeyboardEvent) {
    const target = {
      ArrowRight: () => nextHit(hits, time),
      ArrowUp: () => nextHit(hits, time),
      ArrowLeft: () => previousHit(hits, time),
      ArrowDown: () => previousHit(hits, time),
      Home: () => hits[0],
      End: () => hits.at(-1),
    }[event.key];
    if (event.key === "Enter") onSeek(current?.start ?? time, true);
    else if (target) {
      const hit = target();
      if (hit) onSeek(hit.start);
    } else return;
    event.preventDefault();
  }
  function secondsOf(event: PointerEvent<HTMLElement>): number {
    const box = event.currentTarget.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * duration;
  }
  /** The hit under the pointer, or a few pixels beside it. */
  function hitUnder(event: PointerEvent<HTMLElement>): Hit | undefined {
    const seconds = secondsOf(event);
    const near = (4 / event.currentTarget.clientWidth) * duration;
    return hits.findLast((hit) => hit.start - near <= seconds && seconds <= hit.end + near);
  }

  return (
    <div className="lane">
      <span className="lane-name" id={`lane-${lane.id}`}>
        {lane.icon && <Icon name={lane.icon} />} {lane.label}{" "}
        <span className="soft small numeric">
          {hits.length > 0 ? counted(hits.length, what ?? "hit", whatMany) : ""}
        </span>
      </span>
      <div
        className="track"
        role="slider"
        tabIndex={hits.length > 0 ? 0 : -1}
        aria-labelledby={`lane-${lane.id}`}
        aria-disabled={hits.length === 0}
        aria-valuemin={0}
        aria-valuemax={Math.round(duration)}
        aria-valuenow={Math.round(Math.min(time, duration))}
        aria-valuetext={hits.length > 0 ? told : (lane.empty ?? `no ${whatMany}`)}
        onKeyDown={keys}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          const seconds = secondsOf(event);
          const hit = hitUnder(event);
          // Inside a long hit the click means the moment; at its edge, or on a narrow one, the hit.
          onSeek(hit && (seconds < hit.start || hit.end - hit.start < duration / 100) ? hit.start : seconds);
        }}
        onPointerMove={(event) => onPoint(hitUnder(event))}
        onPointerLeave={() => onPoint(undefined)}
      >
        {hits.map((hit) => (
          <span
            key={`${hit.start} ${hit.end} ${hit.label}`}
            className={hit === current ? "mark-hit current" : "mark-hit"}
            style={{ left: place(hit.start), width: place(Math.max(0, hit.end - hit.start)) }}
          />
        ))}
        {hits.length === 0 && <span className="lane-empty small soft">{lane.empty ?? `no ${whatMany}`}</span>}
        <span className="playhead" style={{ left: place(time) }} />
      </div>
    </div>
  );
}
