// What was measured of a video, where it came from, the stream that is kept of it, and the user's own fields.
import { CopyButton, Moment } from "../../../ui/display";
import { formatBytes, formatClock } from "../../../ui/format";
import type { Video } from "../data";
import { OwnFields } from "./OwnFields";

const STREAMS: Record<string, string> = {
  PROCESSING: "being made",
  COMPLETE: "kept",
  CANCELED: "none: the settings said so",
  ERROR: "none: it could not be made",
};

export function DetailsTab({ index, video }: { index: string; video: Video }) {
  const meta = video.system_metadata;
  return (
    <div className="stack">
      <section className="card" aria-labelledby="measured">
        <h2 id="measured">Measured</h2>
        <dl className="pairs">
          <dt>File</dt>
          <dd className="breakable">{meta?.filename}</dd>
          <dt>Length</dt>
          <dd className="numeric">{formatClock(meta?.duration ?? 0, true)}</dd>
          <dt>Picture</dt>
          <dd className="numeric">
            {meta?.width} × {meta?.height}, {Math.round((meta?.fps ?? 0) * 100) / 100} a second
          </dd>
          <dt>Size</dt>
          <dd className="numeric">{formatBytes(meta?.size ?? 0)}</dd>
          <dt>From</dt>
          <dd className="breakable">{video.object}</dd>
          <dt>Taken</dt>
          <dd>
            <Moment value={video.created_at} isExact />
          </dd>
          <dt>Indexed</dt>
          <dd>
            <Moment value={video.indexed_at} isExact />
          </dd>
          <dt>Stream</dt>
          <dd>
            {video.hls ? (STREAMS[video.hls.status] ?? video.hls.status) : "none"}
            {video.hls?.error && `: ${video.hls.error.message}`}
          </dd>
          <dt>Id</dt>
          <dd className="row">
            <code className="breakable">{video._id}</code>
            <CopyButton text={video._id} label="Copy the video's id" isIcon />
          </dd>
          <dt>Content</dt>
          <dd className="row">
            <code className="breakable">BLAKE3 {video.content_hash}</code>
            <CopyButton text={video.content_hash} label="Copy the content's hash" isIcon />
          </dd>
        </dl>
      </section>
      <OwnFields index={index} video={video} />
    </div>
  );
}
