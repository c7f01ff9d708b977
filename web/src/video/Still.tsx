// Stands for a player where nothing can be played: the kept picture that is nearest to the moment, and why.
import { type ReactNode, useEffect, useImperativeHandle, useRef, useState } from "react";
import { formatClock } from "../ui/format";
import { Icon } from "../ui/icons";
import type { PlayerProps } from "./Player";
import { usePicture } from "./source";

export function Still({
  index,
  video,
  label,
  startAt = 0,
  onTime,
  ref,
  children,
}: PlayerProps & { children: ReactNode }) {
  const [time, setTime] = useState(startAt);
  const frame = useRef<HTMLElement>(null);
  const picture = usePicture(index, video, Math.round(time));
  useEffect(() => setTime(startAt), [startAt]);
  useImperativeHandle(ref, () => ({
    seek: (seconds) => {
      setTime(Math.max(0, seconds));
      onTime?.(Math.max(0, seconds));
    },
    toggle: () => undefined,
    time: () => time,
    focus: () => frame.current?.focus(),
  }));
  return (
    <section className="player" ref={frame} tabIndex={-1} aria-label={label}>
      {picture.data ? (
        <img className="screen" src={picture.data} alt={`What is seen at about ${formatClock(time)}`} />
      ) : (
        <div className="screen empty-screen">
          <Icon name="film" width="48" height="48" />
          {picture.data === null && (
            <span>No pictures are kept: the index was made without the addon “thumbnail”.</span>
          )}
        </div>
      )}
      <span className="numeric small" data-testid="time">
        {formatClock(time, true)}
      </span>
      {children}
    </section>
  );
}
