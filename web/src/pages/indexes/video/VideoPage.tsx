// A video: player, timeline and what is known of it, in tabs. The address holds the moment (t), the words looked for (q) and
// the tab.
import { type ReactNode, useRef, useState } from "react";
import { Link, useHref, useNavigate, useParams, useSearchParams } from "react-router";
import { Button, MenuButton, type Tab, Tabs } from "../../../ui/controls";
import { CopyButton, Failure, Loaded } from "../../../ui/display";
import { formatClock } from "../../../ui/format";
import { Page } from "../../../ui/Page";
import { Player, type PlayerHandle } from "../../../video/Player";
import { useVideo, useWritten } from "../../../video/source";
import { Transcript } from "../../../video/Transcript";
import { termsOf } from "../../../video/words";
import { type Index, searchedBy, useIndex, type Video } from "../data";
import { AboutTab } from "./AboutTab";
import { DeleteVideo } from "./DeleteVideo";
import { DetailsTab } from "./DetailsTab";
import { Lanes } from "./Lanes";
import { isGone } from "./moments";
import { NoVideo } from "./NoVideo";
import { ShotsTab } from "./ShotsTab";
import { TranscriptTab } from "./TranscriptTab";

export function VideoPage() {
  const { index: indexId = "", video: id = "" } = useParams();
  const index = useIndex(indexId);
  const video = useVideo(indexId, id);
  const [isDeleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  const name = video.data?.system_metadata?.filename;
  const isAbsent = isGone(video.error) && !isGone(index.error);
  return (
    <Page
      title={name ?? "Video"}
      lead={
        <nav aria-label="Where this is">
          <Link to="/indexes">Indexes</Link>
          {index.data && (
            <>
              {" › "}
              <Link to={`/indexes/${indexId}`}>{index.data.index_name}</Link>
            </>
          )}
        </nav>
      }
      actions={
        video.data && (
          <MenuButton
            label="More"
            about={name}
            actions={[{ id: "delete", label: "Delete this video…", onAction: () => setDeleting(true) }]}
          />
        )
      }
    >
      {isAbsent ? (
        <NoVideo index={indexId} id={id} />
      ) : (
        <Loaded query={index} what="the index">
          {(foundIndex) => (
            <Loaded query={video} what="the video">
              {(found) => <Shown key={id} index={foundIndex} video={found} />}
            </Loaded>
          )}
        </Loaded>
      )}
      {isDeleting && video.data && (
        <DeleteVideo
          index={indexId}
          video={video.data}
          onClose={() => setDeleting(false)}
          onDeleted={() => navigate(`/indexes/${indexId}`, { replace: true })}
        />
      )}
    </Page>
  );
}

const TAB_IDS = ["said", "written", "shots", "about", "details"] as const;

function Shown({ index, video }: { index: Index; video: Video }) {
  const [params, setParams] = useSearchParams();
  const player = useRef<PlayerHandle>(null);
  const startAt = Math.max(0, Number(params.get("t")) || 0);
  const [time, setTime] = useState(startAt);
  const words = params.get("q") ?? "";
  const marks = termsOf(words).join(" ");
  const options = searchedBy(index);
  const name = video.system_metadata?.filename ?? "the video";
  const here = useHref(`/indexes/${index._id}/videos/${video._id}?t=${Math.round(time * 10) / 10}`);
  const asked = params.get("tab");
  const tab = TAB_IDS.find((each) => each === asked) ?? "said";

  function set(name: string, value: string) {
    const next = new URLSearchParams(params);
    if (value) next.set(name, value);
    else next.delete(name);
    setParams(next, { replace: true });
  }
  const seek = (seconds: number, play?: boolean) => player.current?.seek(seconds, play);

  const place = { index: index._id, video: video._id, time, onSeek: seek };
  const terms = marks === "" ? NO_TERMS : marks.split(" ");
  const tabs: Tab[] = [
    {
      id: "said",
      label: "Transcript",
      content: (
        <TranscriptTab
          {...place}
          duration={video.system_metadata?.duration ?? 0}
          isHeard={(index.engines ?? []).some((engine) => engine.engine_options.includes("conversation"))}
          terms={terms}
        />
      ),
    },
    { id: "written", label: "On screen", content: <WrittenTab {...place} options={options} terms={terms} /> },
    { id: "shots", label: "Shots", content: <ShotsTab {...place} hasShots={options.includes("visual")} /> },
    { id: "about", label: "Texts", content: <AboutTab index={index} video={video._id} onSeek={seek} /> },
    { id: "details", label: "Details", content: <DetailsTab index={index._id} video={video} /> },
  ];
  return (
    <div className="video-page">
      <div className="stack">
        <Player ref={player} index={index._id} video={video._id} label={name} startAt={startAt} onTime={setTime} />
        <div className="row">
          <CopyButton text={`${window.location.origin}${here}`} label={`Copy link to ${formatClock(time, true)}`} />
          {words && (
            <Button icon="cross" onPress={() => set("q", "")}>
              Show all marks
            </Button>
          )}
        </div>
        <Lanes
          {...place}
          duration={video.system_metadata?.duration ?? 0}
          options={options}
          words={words}
          onWords={(next) => set("q", next)}
        />
      </div>
      <Tabs label="What is known of the video" tabs={tabs} selected={tab} onSelect={(next) => set("tab", next)} />
    </div>
  );
}

const NO_TERMS: readonly string[] = [];

export interface Place {
  index: string;
  video: string;
  time: number;
  onSeek: (seconds: number, play?: boolean) => void;
}

function WrittenTab({
  index,
  video,
  time,
  onSeek,
  options,
  terms,
}: Place & { options: readonly string[]; terms: readonly string[] }): ReactNode {
  const query = useWritten(index, video);
  if (query.error && !query.data) return <Failure error={query.error} onRetry={() => query.refetch()} />;
  return (
    <Loaded query={query} what="the on-screen text">
      {(lines) =>
        lines.length > 0 ? (
          <Transcript lines={lines} time={time} onSeek={onSeek} label="On-screen text" marks={terms} />
        ) : (
          <p className="soft">
            {options.includes("text_in_video")
              ? "No text was read in the picture."
              : "The index was made without the option “Written”, so nothing was read. Use an index that has it."}
          </p>
        )
      }
    </Loaded>
  );
}
