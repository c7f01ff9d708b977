// Plays a video's stream, with captions from its transcript. Where no stream is kept it says why and what to do, and shows
// pictures instead. Jumps by its handle; tells its time by `onTime`.
import {
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useImperativeHandle,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Schema } from "../api/client";
import { Button, IconButton, Select } from "../ui/controls";
import { Busy, Failure } from "../ui/display";
import { formatClock } from "../ui/format";
import { attach, type PlaybackFault } from "./attach";
import { forgetLink, lasting } from "./links";
import { Still } from "./Still";
import { useTranscript, useVideo } from "./source";
import "./video.css";
import { captionsOf } from "./words";

export interface PlayerHandle {
  /** Jumps; goes on playing if it played, or if told to. */
  seek: (seconds: number, play?: boolean) => void;
  toggle: () => void;
  /** Now, in seconds. */
  time: () => number;
  focus: () => void;
}

export interface PlayerProps {
  index: string;
  video: string;
  /** What is played, for screen readers. */
  label: string;
  /** Where it begins, in seconds. */
  startAt?: number;
  onTime?: (seconds: number) => void;
  ref?: Ref<PlayerHandle>;
}

export function Player(props: PlayerProps) {
  const query = useVideo(props.index, props.video);
  if (query.data === undefined) {
    return query.error ? (
      <Failure error={query.error} onRetry={() => query.refetch()} />
    ) : (
      <div className="screen empty-screen">
        <Busy>Loading the video…</Busy>
      </div>
    );
  }
  const { hls } = query.data;
  if (hls?.video_url) {
    return (
      <Playing
        key={props.video}
        {...props}
        link={hls.video_url}
        poster={hls.thumbnail_urls[0]}
        refetch={query.refetch}
      />
    );
  }
  return (
    <Still {...props}>
      <NoStream hls={hls ?? undefined} />
    </Still>
  );
}

/** Why there is nothing to play, and what to do. */
function NoStream({ hls }: { hls?: Schema<"Hls"> }): ReactNode {
  if (hls?.status === "PROCESSING") return <Busy>The stream is being made; the video can be searched already.</Busy>;
  const error = hls?.error;
  return (
    <div className="note warn">
      <p>
        <strong>It cannot be played: {error ? error.message : "no stream of this video is kept."}</strong>
      </p>
      {error?.value && <p>Found: {error.value}</p>}
      {error?.rule && <p>Allowed: {error.rule}</p>}
      <p>
        Next:{" "}
        {error?.remedy ??
          "let whoever runs the server set streaming.enabled, then index the video anew (of a transfer: without disable_video_stream)."}{" "}
        Until then pictures stand for it.
      </p>
    </div>
  );
}

const SPEEDS = ["0.5", "0.75", "1", "1.25", "1.5", "2"].map((id) => ({ id, label: `${id}×` }));
const STEP_S = 5;

function Playing({
  index,
  video,
  label,
  startAt = 0,
  onTime,
  ref,
  link,
  poster,
  refetch,
}: PlayerProps & { link: string; poster?: string; refetch: () => unknown }) {
  const element = useRef<HTMLVideoElement>(null);
  const told = useRef(onTime);
  told.current = onTime;
  const [time, setTime] = useState(startAt);
  const [duration, setDuration] = useState<number>();
  const [speed, setSpeed] = useState("1");
  const [fault, setFault] = useState<PlaybackFault>();
  const url = lasting(link);
  const captions = useCaptions(index, video);
  // Where to go once the stream is there.
  const wanted = useRef({ at: startAt, play: false });

  useEffect(() => {
    const shown = element.current;
    if (!shown || fault) return;
    return attach(shown, url, {
      startAt: wanted.current.at,
      onFault: (found) => {
        if (found.isLink) forgetLink(url);
        setFault(found);
      },
    });
  }, [url, fault]);

  function seek(seconds: number, play = false) {
    const shown = element.current;
    const at = Math.max(0, duration ? Math.min(seconds, duration) : seconds);
    wanted.current = { at, play };
    setTime(at);
    told.current?.(at);
    if (!shown || shown.readyState < HTMLMediaElement.HAVE_METADATA) return;
    shown.currentTime = at;
    if (play) void shown.play().catch(() => undefined);
  }
  function toggle() {
    const shown = element.current;
    if (shown?.paused) void shown.play().catch(() => undefined);
    else shown?.pause();
  }
  useImperativeHandle(ref, () => ({
    seek,
    toggle,
    time: () => element.current?.currentTime ?? wanted.current.at,
    focus: () => element.current?.focus(),
  }));
  // Only another start is a jump.
  useEffect(() => {
    if (startAt !== wanted.current.at) seek(startAt);
  }, [startAt]);

  if (fault) {
    const again = async () => {
      await refetch();
      setFault(undefined);
    };
    return (
      <Still index={index} video={video} label={label} startAt={time} onTime={onTime} ref={ref}>
        <div className="failure" role="alert">
          <p>
            <strong>{fault.message}</strong>
          </p>
          <p>Next: {fault.next}</p>
          <p className="reference">
            stream of video <code>{video}</code>
          </p>
          <Button icon="sync" onPress={again}>
            Try again
          </Button>
        </div>
      </Still>
    );
  }

  function now() {
    const at = element.current?.currentTime ?? 0;
    wanted.current = { at, play: false };
    setTime(at);
    told.current?.(at);
  }

  function keys(event: KeyboardEvent) {
    const shown = element.current;
    if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts: Record<string, () => void> = {
      k: toggle,
      j: () => seek(shown.currentTime - 10),
      l: () => seek(shown.currentTime + 10),
      ",": () => seek(shown.currentTime - 0.04),
      ".": () => seek(shown.currentTime + 0.04),
      m: () => {
        shown.muted = !shown.muted;
      },
      c: () => {
        const track = shown.textTracks[0];
        if (track) track.mode = track.mode === "showing" ? "hidden" : "showing";
      },
      f: () => void (document.fullscreenElement ? document.exitFullscreen() : shown.requestFullscreen()),
    };
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  return (
    <div className="player">
      {/* biome-ignore lint/a11y/useMediaCaption: there are captions wherever something is said */}
      <video
        ref={element}
        className="screen"
        controls
        playsInline
        preload="metadata"
        // A frame is better than a poster as soon as a moment is jumped to.
        poster={poster && startAt === 0 ? lasting(poster) : undefined}
        aria-label={label}
        tabIndex={0}
        onKeyDown={keys}
        onTimeUpdate={now}
        onLoadedMetadata={(event) => {
          const { at, play } = wanted.current;
          setDuration(event.currentTarget.duration);
          event.currentTarget.playbackRate = Number(speed);
          if (Math.abs(event.currentTarget.currentTime - at) > 0.01) event.currentTarget.currentTime = at;
          if (play) void event.currentTarget.play().catch(() => undefined);
        }}
      >
        {captions && <track key={captions} kind="captions" label="What is said" src={captions} />}
      </video>
      <div className="row spread small">
        <span className="row">
          <IconButton icon="left" label={`Back ${STEP_S} seconds`} onPress={() => seek(time - STEP_S)} />
          <IconButton icon="right" label={`Forward ${STEP_S} seconds`} onPress={() => seek(time + STEP_S)} />
          <span className="numeric" data-testid="time">
            {formatClock(time, true)}
            {duration !== undefined && ` of ${formatClock(duration, true)}`}
          </span>
        </span>
        <span className="row">
          <Select
            label="Speed"
            isLabelHidden
            choices={SPEEDS}
            value={speed}
            onChange={(chosen) => {
              setSpeed(chosen);
              if (element.current) element.current.playbackRate = Number(chosen);
            }}
          />
        </span>
      </div>
      <p className="soft small keys">
        Keys while the picture has the focus: <kbd>k</kbd> or space plays, <kbd>j</kbd> <kbd>l</kbd> 10 s back and
        forward, <kbd>,</kbd> <kbd>.</kbd> a frame, <kbd>c</kbd> captions, <kbd>m</kbd> sound, <kbd>f</kbd> full screen.
      </p>
    </div>
  );
}

/** The address of the captions; none where nothing is said. */
function useCaptions(index: string, video: string): string | undefined {
  const { data: lines } = useTranscript(index, video);
  const url = useMemo(() => {
    if (!lines || lines.length === 0) return undefined;
    return URL.createObjectURL(new Blob([captionsOf(lines)], { type: "text/vtt" }));
  }, [lines]);
  useEffect(() => () => (url ? URL.revokeObjectURL(url) : undefined), [url]);
  return url;
}
