// A picture of a moment that plays from there while the pointer is over it or the focus is on it: muted, after a moment's
// rest, and not at all for readers who want less motion. It is a picture, not a control: put it into a link or a button.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { formatClock } from "../ui/format";
import { Icon } from "../ui/icons";
import { attach } from "./attach";
import { lasting } from "./links";
import { usePicture, useVideo } from "./source";
import "./video.css";

export interface HoverPreviewProps {
  index: string;
  video: string;
  /** Where it begins to play, in seconds. */
  start: number;
  /** Where it begins anew; without it, after ten seconds. */
  end?: number;
  /** Of the picture; empty where the words beside it say it all. */
  alt?: string;
  /** A link to the picture, where one was told; else the nearest to `start` is asked for. */
  picture?: string;
  /** Over the picture's corner, e.g. the length. */
  children?: ReactNode;
}

const REST_MS = 250;
const LOOP_S = 10;

export function HoverPreview({ index, video, start, end, alt = "", picture, children }: HoverPreviewProps) {
  const frame = useRef<HTMLSpanElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const asked = usePicture(index, video, start, picture === undefined);
  const shown = picture ? lasting(picture) : (asked.data ?? undefined);

  useEffect(() => {
    // The link or button around it: where it has the focus, so has the picture.
    const place = frame.current?.closest("a, button") ?? frame.current;
    if (!place || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    let timer = 0;
    const begin = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => setPlaying(true), REST_MS);
    };
    const stop = () => {
      clearTimeout(timer);
      setPlaying(false);
    };
    const gone = () => place.matches(":focus-visible") || stop();
    const focused = () => place.matches(":focus-visible") && begin();
    const listeners = [
      ["pointerenter", begin],
      ["pointerleave", gone],
      ["focus", focused],
      ["blur", stop],
    ] as const;
    for (const [name, act] of listeners) place.addEventListener(name, act);
    return () => {
      clearTimeout(timer);
      for (const [name, act] of listeners) place.removeEventListener(name, act);
    };
  }, []);

  return (
    <span className="preview" ref={frame}>
      {shown ? (
        <img src={shown} alt={alt} loading="lazy" />
      ) : (
        <span className="empty-screen">
          <Icon name="film" width="32" height="32" />
        </span>
      )}
      {isPlaying && <Moving index={index} video={video} start={start} end={end ?? start + LOOP_S} />}
      {children !== undefined && <span className="corner numeric">{children}</span>}
    </span>
  );
}

/** The moving picture, over the still one as soon as it moves. */
function Moving({ index, video, start, end }: { index: string; video: string; start: number; end: number }) {
  const element = useRef<HTMLVideoElement>(null);
  const [isMoving, setMoving] = useState(false);
  const { data } = useVideo(index, video);
  const link = data?.hls?.video_url;
  useEffect(() => {
    const shown = element.current;
    if (!shown || !link) return;
    // What cannot be played stays a picture; the player says why.
    return attach(shown, lasting(link), { startAt: start, ahead_s: 6, onFault: () => setMoving(false) });
  }, [link, start]);
  if (!link) return null;
  return (
    <video
      ref={element}
      className={isMoving ? "moving" : "moving waiting"}
      muted
      playsInline
      tabIndex={-1}
      aria-hidden="true"
      title={`plays from ${formatClock(start)}`}
      onLoadedMetadata={(event) => {
        event.currentTarget.currentTime = start;
        void event.currentTarget.play().catch(() => undefined);
      }}
      onTimeUpdate={(event) => {
        if (event.currentTarget.currentTime > start + 0.05) setMoving(true);
        if (event.currentTarget.currentTime >= end) event.currentTarget.currentTime = start;
      }}
    />
  );
}
