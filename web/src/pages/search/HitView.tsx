// A chosen hit: the player at its moment, all hits of its video on a timeline, its transcript, and steps between hits.
import { useMemo, useRef, useState } from "react";
import { ButtonLink } from "../../ui/controls";
import { CopyButton, Empty, Failure, Loaded } from "../../ui/display";
import { counted, formatClock } from "../../ui/format";
import { hitAt, inOrder, nextHit, previousHit } from "../../video/hits";
import { Player, type PlayerHandle } from "../../video/Player";
import { useTranscript, useVideo } from "../../video/source";
import { Timeline } from "../../video/Timeline";
import { Transcript } from "../../video/Transcript";
import { type Clip, useHits } from "./data";
import { HIT_TITLE } from "./ids";
import { useKeys } from "./keys";
import type { SearchRequest } from "./request";
import { Reasons, SENSE_WORDS, type Terms, whyOf } from "./senses";
import type { PictureRef, Sense } from "./state";

interface Props {
  index: string;
  video: string;
  /** The moment of the address, in seconds. */
  at: number;
  request: SearchRequest;
  picture: PictureRef | null;
  senses: readonly Sense[];
  terms: Terms;
  /** What was searched for, in words. */
  summary: string;
  /** The address of the results. */
  back: string;
  hasKeys: boolean;
  onMoment: (seconds: number) => void;
}

export function HitView({
  index,
  video,
  at,
  request,
  picture,
  senses,
  terms,
  summary,
  back,
  hasKeys,
  onMoment,
}: Props) {
  const player = useRef<PlayerHandle>(null);
  const [time, setTime] = useState(at);
  const found = useHits(request, picture, video);
  const told = useVideo(index, video);
  const name = told.data?.system_metadata?.filename ?? video;
  const clips = found.data ?? NONE;
  const hits = useMemo(() => inOrder(clips.flatMap((clip) => lanesOf(clip, senses))), [clips, senses]);
  const lanes = senses.map((sense) => ({ id: sense, label: SENSE_WORDS[sense].label, empty: "no hits" }));
  const current = useMemo(() => clips.findLast((clip) => clip.start <= time + 0.05 && time < clip.end), [clips, time]);

  function seek(seconds: number, play = false) {
    // What the address holds is where the player is: to the millisecond.
    const moment = Math.round(seconds * 1000) / 1000;
    player.current?.seek(moment, play);
    onMoment(moment);
  }
  const step = (hit: { start: number } | undefined) => hit && seek(hit.start);
  const now = () => player.current?.time() ?? time;
  const keys = useRef<Record<string, () => void>>({});
  keys.current.n = () => step(nextHit(hits, now()));
  keys.current.p = () => step(previousHit(hits, now()));
  const stable = useMemo(() => ({ n: () => keys.current.n?.(), p: () => keys.current.p?.() }), []);
  useKeys(hasKeys, stable);

  const place = hitAt(hits, time);
  const starts = [...new Set(hits.map(({ start }) => start))];
  return (
    <>
      <div className="row spread search-summary">
        <div>
          <h2 id={HIT_TITLE} tabIndex={-1} className="breakable">
            {name}
          </h2>
          <div className="soft breakable">Search: {summary}</div>
        </div>
        <div className="row">
          <ButtonLink icon="left" to={back}>
            Back to the results
          </ButtonLink>
          <ButtonLink icon="film" to={`/indexes/${index}/videos/${video}?t=${rounded(time)}`}>
            See full video
          </ButtonLink>
          <CopyButton label="Link to this moment" text={linkToMoment(time)} />
        </div>
      </div>
      <div className="search-hit-view">
        <div className="stack">
          <Player ref={player} index={index} video={video} label={`Video ${name}`} startAt={at} onTime={setTime} />
          {found.error ? <Failure error={found.error} onRetry={() => found.refetch()} /> : null}
          {told.data?.system_metadata && found.data && (
            <Timeline
              duration={told.data.system_metadata.duration}
              lanes={lanes}
              hits={hits}
              time={time}
              onSeek={seek}
            />
          )}
          <p className="visually-hidden" role="status">
            {place &&
              `Hit ${starts.indexOf(place.start) + 1} of ${starts.length}, at ${formatClock(place.start, true)}.`}
          </p>
          {found.data && (
            <p className="small soft search-keys-hint">
              {counted(starts.length, "hit")} in this video.
              {hasKeys && (
                <>
                  {" "}
                  <kbd>n</kbd> goes to the next hit, <kbd>p</kbd> to the one before.
                </>
              )}
            </p>
          )}
        </div>
        <div className="stack">
          {current && (
            <section className="card stack" aria-label="Why this moment was found">
              <Reasons clip={current} terms={terms} />
            </section>
          )}
          <Words index={index} video={video} time={time} terms={terms} onSeek={seek} />
        </div>
      </div>
    </>
  );
}

const NONE: Clip[] = [];
const rounded = (seconds: number) => Math.round(seconds * 10) / 10;

/** One mark in each lane by which the clip was found. */
function lanesOf(clip: Clip, senses: readonly Sense[]) {
  const reasons = whyOf(clip).filter(({ sense }) => senses.includes(sense));
  return reasons.map(({ sense, text, confidence }) => ({
    lane: sense,
    start: clip.start,
    end: clip.end,
    label: text ?? `${SENSE_WORDS[sense].hint}, ${confidence}`,
  }));
}

/** The address of this search at another moment. */
function linkToMoment(seconds: number): string {
  const url = new URL(window.location.href);
  url.searchParams.set("t", String(rounded(seconds)));
  url.searchParams.delete("code");
  return url.href;
}

function Words({
  index,
  video,
  time,
  terms,
  onSeek,
}: Pick<Props, "index" | "video" | "terms"> & { time: number; onSeek: (seconds: number) => void }) {
  const transcript = useTranscript(index, video);
  const marks = useMemo(() => terms.written.flat(), [terms]);
  return (
    <section className="card stack transcript-card" aria-label="Transcript">
      <h3>Transcript</h3>
      <Loaded query={transcript} what="the transcript">
        {(lines) =>
          lines.length > 0 ? (
            <Transcript lines={lines} time={time} onSeek={onSeek} label="Transcript" marks={marks} />
          ) : (
            <Empty title="Nothing is said">
              <p>No speech was heard in this video, or its index does not listen.</p>
            </Empty>
          )
        }
      </Loaded>
    </section>
  );
}
