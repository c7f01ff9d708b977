// What was found: cards that tell at a glance what matched, alone or under their videos, page after page.
import { Link } from "react-router";
import { Button } from "../../ui/controls";
import { counted, formatClock } from "../../ui/format";
import { HoverPreview } from "../../video/HoverPreview";
import type { Clip, Page } from "./data";
import { hitId } from "./ids";
import { Reasons, type Terms } from "./senses";

export interface Shown {
  index: string;
  terms: Terms;
  nameOf: (video: string) => string;
  /** The address of a hit. */
  linkTo: (clip: Clip) => string;
  onLike: (clip: Clip) => void;
}

export function Results({ pages, isByVideo, ...shown }: Shown & { pages: readonly Page[]; isByVideo: boolean }) {
  const items = pages.flatMap(({ data }) => data);
  if (!isByVideo) {
    const clips = items.flatMap((item) => ("clips" in item ? [] : [item]));
    return <Cards clips={clips} label="Moments" {...shown} />;
  }
  return (
    <div className="stack">
      {items.map((item) =>
        "clips" in item ? (
          <section key={item.id} className="stack">
            <h3 className="row">
              <Link to={`/indexes/${shown.index}/videos/${item.id}`} className="breakable">
                {shown.nameOf(item.id)}
              </Link>
              <span className="soft small">{counted(item.clips.length, "moment")}</span>
            </h3>
            <Cards clips={item.clips} label={`Moments of ${shown.nameOf(item.id)}`} isUnderVideo {...shown} />
          </section>
        ) : null,
      )}
    </div>
  );
}

function Cards({
  clips,
  label,
  isUnderVideo,
  ...shown
}: Shown & { clips: readonly Clip[]; label: string; isUnderVideo?: boolean }) {
  return (
    <ol className="search-hits" aria-label={label}>
      {clips.map((clip) => (
        <Card key={`${clip.video_id} ${clip.start} ${clip.end}`} clip={clip} isUnderVideo={isUnderVideo} {...shown} />
      ))}
    </ol>
  );
}

function Card({
  clip,
  isUnderVideo,
  index,
  terms,
  nameOf,
  linkTo,
  onLike,
}: Shown & { clip: Clip; isUnderVideo?: boolean }) {
  const range = `${formatClock(clip.start, true)}–${formatClock(clip.end, true)}`;
  return (
    <li className="search-hit card">
      <Link id={hitId(clip.video_id, clip.start)} className="search-hit-link" to={linkTo(clip)}>
        <HoverPreview
          index={index}
          video={clip.video_id}
          start={clip.start}
          end={clip.end}
          picture={clip.thumbnail_url ?? undefined}
        >
          {range}
        </HoverPreview>
        <span className={isUnderVideo ? "visually-hidden" : "search-hit-name breakable"}>
          {nameOf(clip.video_id)}
          <span className="visually-hidden">, result {clip.rank}</span>
        </span>
      </Link>
      <Reasons clip={clip} terms={terms} />
      <div className="search-hit-actions">
        <Button kind="quiet" icon="picture" onPress={() => onLike(clip)}>
          More like this
          <span className="visually-hidden">
            {" "}
            moment of {nameOf(clip.video_id)} at {range}
          </span>
        </Button>
      </div>
    </li>
  );
}
