// Texts that a model writes about the video when they are asked for. Without a writer: why there are none, and what to do.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { api, type Schema, unwrap } from "../../../api/client";
import { Button } from "../../../ui/controls";
import { CopyButton, Failure } from "../../../ui/display";
import { formatClock } from "../../../ui/format";
import { type Index, writerOf } from "../data";

type Told = Schema<"Gist"> | Schema<"Summary">;

const KINDS = [
  { id: "gist", title: "Title, topics and hashtags", action: "Write title and topics" },
  { id: "summary", title: "Summary", action: "Write a summary" },
  { id: "chapter", title: "Chapters", action: "Write chapters" },
  { id: "highlight", title: "Highlights", action: "Find highlights" },
] as const;

type Kind = (typeof KINDS)[number]["id"];

export function AboutTab({
  index,
  video,
  onSeek,
}: {
  index: Index;
  video: string;
  onSeek: (seconds: number, play?: boolean) => void;
}) {
  if (!writerOf(index)) {
    return (
      <div className="note">
        <p>
          <strong>Texts about videos were not chosen for this index.</strong>
        </p>
        <p>
          Next: create an index with the option “Text about videos” (an engine of the family pegasus), and add the video
          there. What an index was made with cannot be changed.
        </p>
      </div>
    );
  }
  return (
    <div className="stack">
      <p className="small soft">
        Written from what was seen, said and read, when you ask for it. Models can be wrong: see the moments yourself.
      </p>
      {KINDS.map((kind) => (
        <Asked key={kind.id} {...kind} {...{ video, onSeek }} />
      ))}
    </div>
  );
}

function Asked({
  id,
  title,
  action,
  video,
  onSeek,
}: {
  id: Kind;
  title: string;
  action: string;
  video: string;
  onSeek: (seconds: number, play?: boolean) => void;
}) {
  const client = useQueryClient();
  const key = ["text about", video, id];
  // What was written stays while the dashboard is open.
  const told = client.getQueryData<Told>(key);
  const ask = useMutation({
    mutationFn: () => asked(id, video),
    onSuccess: (answer) => client.setQueryData(key, answer),
  });
  const shown = ask.data ?? told;
  return (
    <section className="card" aria-label={title}>
      <div className="row spread">
        <h2>{title}</h2>
        <Button isPending={ask.isPending} onPress={() => ask.mutate()}>
          {ask.isPending ? "Writing… this may take a minute" : shown ? "Write it anew" : action}
        </Button>
      </div>
      <div aria-live="polite">
        {ask.error ? <Failure error={ask.error} /> : shown ? <Written told={shown} onSeek={onSeek} /> : null}
      </div>
    </section>
  );
}

async function asked(kind: Kind, video: string): Promise<Told> {
  if (kind === "gist") {
    return unwrap(api.POST("/gist", { body: { video_id: video, types: ["title", "topic", "hashtag"] } }));
  }
  return unwrap(api.POST("/summarize", { body: { video_id: video, type: kind } }));
}

function Written({ told, onSeek }: { told: Told; onSeek: (seconds: number, play?: boolean) => void }): ReactNode {
  const by =
    told.written_by === "model"
      ? "Written by the model."
      : "Taken word by word from the video, because the model's answer could not be so.";
  const parts =
    "chapters" in told && told.chapters
      ? told.chapters.map((each) => ({ at: each.start_sec, title: each.chapter_title, text: each.chapter_summary }))
      : "highlights" in told && told.highlights
        ? told.highlights.map((each) => ({ at: each.start_sec, title: each.highlight, text: each.highlight_summary }))
        : undefined;
  const summary = "summary" in told ? told.summary : undefined;
  const gist = "title" in told || "topics" in told ? (told as Schema<"Gist">) : undefined;
  return (
    <>
      {gist && (
        <dl className="pairs">
          <dt>Title</dt>
          <dd>{gist.title}</dd>
          <dt>Topics</dt>
          <dd>{gist.topics?.join(", ") || "none"}</dd>
          <dt>Hashtags</dt>
          <dd className="breakable">{gist.hashtags?.map((tag) => `#${tag}`).join(" ") || "none"}</dd>
        </dl>
      )}
      {summary && <p className="written-text">{summary}</p>}
      {parts && (
        <ol className="failed-list">
          {parts.map((part) => (
            <li key={part.at}>
              <Button kind="quiet" icon="play" onPress={() => onSeek(part.at, true)}>
                {formatClock(part.at)} {part.title}
              </Button>
              {part.text !== part.title && <div>{part.text}</div>}
            </li>
          ))}
          {parts.length === 0 && <li>None.</li>}
        </ol>
      )}
      <div className="row spread small soft">
        <span>{by}</span>
        <CopyButton text={JSON.stringify(told, null, 2)} label="Copy as JSON" />
      </div>
    </>
  );
}
