// An index: what it was made with, what of it can be searched now, what is under way or failed, and its videos.
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { ButtonLink, MenuButton } from "../../ui/controls";
import { Badge, CopyButton, Loaded, Moment } from "../../ui/display";
import { counted, formatDuration, formatNumber } from "../../ui/format";
import { Page } from "../../ui/Page";
import { ChangeIndex, type IndexChange } from "./ChangeIndex";
import {
  type Index,
  OPTION_FINDS,
  OPTION_NAMES,
  OPTIONS,
  type Option,
  searchedBy,
  useCounts,
  useIndex,
  writerOf,
} from "./data";
import { UnderWay } from "./UnderWay";
import { VideoList } from "./VideoList";

export function IndexPage() {
  const { index: id = "" } = useParams();
  const query = useIndex(id);
  const navigate = useNavigate();
  const [change, setChange] = useState<IndexChange>();
  const index = query.data;
  return (
    <Page
      title={index?.index_name ?? "Index"}
      lead={
        <nav aria-label="Where this is">
          <Link to="/indexes">Indexes</Link>
        </nav>
      }
      actions={
        index && (
          <>
            <ButtonLink to={`/search?index=${id}`} icon="search">
              Search in this index
            </ButtonLink>
            <ButtonLink to={`/transfers/new?index=${id}`} kind="primary" icon="plus">
              Add videos
            </ButtonLink>
            <MenuButton
              label="More"
              about={index.index_name}
              actions={[
                { id: "rename", label: "Rename…", onAction: () => setChange({ kind: "rename", index }) },
                { id: "delete", label: "Delete…", onAction: () => setChange({ kind: "delete", index }) },
              ]}
            />
          </>
        )
      }
    >
      <Loaded query={query} what="the index">
        {(found) => (
          <>
            <Facts index={found} />
            <UnderWay index={id} />
            <VideoList index={id} hasAny={found.video_count > 0} />
          </>
        )}
      </Loaded>
      <ChangeIndex
        change={change}
        onClose={() => setChange(undefined)}
        onDeleted={() => navigate("/indexes", { replace: true })}
      />
    </Page>
  );
}

function Facts({ index }: { index: Index }) {
  const counts = useCounts(index._id);
  const writer = writerOf(index);
  const chosen = searchedBy(index);
  const models: Record<Option, string> = {
    visual: index.served_by.see.id,
    conversation: index.served_by.hear.id,
    text_in_video: index.served_by.read.id,
  };
  const all = counts.data ? counts.data.total_result - counts.data.skipped - counts.data.failed : undefined;
  const now =
    index.video_count === 0
      ? "nothing yet"
      : `${all !== undefined && all > index.video_count ? `${formatNumber(index.video_count)} of ${counted(all, "video")}` : counted(index.video_count, "video")}, ${formatDuration(index.total_duration)}`;
  return (
    <div className="index-facts">
      <section className="card" aria-labelledby="searchable-now">
        <h2 id="searchable-now">Searchable now</h2>
        <table className="plain-table">
          <thead className="visually-hidden">
            <tr>
              <th scope="col">Option</th>
              <th scope="col">Now</th>
              <th scope="col">Model</th>
            </tr>
          </thead>
          <tbody>
            {OPTIONS.map((option) => (
              <tr key={option}>
                <th scope="row">
                  {OPTION_NAMES[option]} <span className="soft small">{OPTION_FINDS[option]}</span>
                </th>
                <td>
                  {chosen.includes(option) ? (
                    <Badge tone={index.video_count > 0 ? "good" : "soft"}>{now}</Badge>
                  ) : (
                    <Badge tone="soft" icon="cross">
                      not chosen
                    </Badge>
                  )}
                </td>
                <td className="soft small breakable">{chosen.includes(option) ? models[option] : ""}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">
                Text about videos <span className="soft small">summaries, chapters, answers</span>
              </th>
              <td>
                {writer ? (
                  <Badge tone={index.video_count > 0 ? "good" : "soft"}>{now}</Badge>
                ) : (
                  <Badge tone="soft" icon="cross">
                    not chosen
                  </Badge>
                )}
              </td>
              <td className="soft small breakable">{writer ?? ""}</td>
            </tr>
          </tbody>
        </table>
      </section>
      <section className="card" aria-labelledby="about-index">
        <h2 id="about-index">About this index</h2>
        <dl className="pairs">
          <dt>Videos</dt>
          <dd className="numeric">{formatNumber(index.video_count)}</dd>
          <dt>Length</dt>
          <dd className="numeric">
            {formatDuration(index.total_duration)}{" "}
            <span className="soft small">({(index.total_duration / 3600).toFixed(2)} hours)</span>
          </dd>
          <dt>Engines</dt>
          <dd>
            {(index.engines ?? []).map((engine) => engine.engine_name).join(", ")}{" "}
            <span className="soft small">served by this server's models</span>
          </dd>
          <dt>Words</dt>
          <dd className="breakable small">{index.served_by.words.id}</dd>
          <dt>Pictures</dt>
          <dd>{index.addons.includes("thumbnail") ? "kept of each shot" : "none are kept"}</dd>
          <dt>Made</dt>
          <dd>
            <Moment value={index.created_at} isExact />
          </dd>
          <dt>Id</dt>
          <dd className="row">
            <code className="breakable">{index._id}</code>
            <CopyButton text={index._id} label="Copy the index's id" isIcon />
          </dd>
        </dl>
      </section>
    </div>
  );
}
