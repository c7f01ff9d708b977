// The timeline of a video, and the search within it.
import { useState } from "react";
import { Button, TextField } from "../../../ui/controls";
import { Busy, Failure } from "../../../ui/display";
import { counted } from "../../../ui/format";
import { useTranscript, useWritten } from "../../../video/source";
import { Timeline } from "../../../video/Timeline";
import type { Option } from "../data";
import { lanesOf, marksOf, useHits, useShots } from "./moments";
import type { Place } from "./VideoPage";

export function Lanes({
  index,
  video,
  time,
  onSeek,
  duration,
  options,
  words,
  onWords,
}: Place & {
  duration: number;
  options: readonly Option[];
  words: string;
  onWords: (words: string) => void;
}) {
  const isSearch = words !== "";
  const shots = useShots(index, video, !isSearch && options.includes("visual"));
  const said = useTranscript(index, video);
  const written = useWritten(index, video);
  const found = useHits(index, video, words, options);
  const hits = isSearch ? (found.data ?? []) : marksOf(shots.data ?? [], said.data ?? [], written.data ?? []);
  const lanes = lanesOf(options, isSearch);
  return (
    <div className="stack">
      <FindForm key={words} words={words} onWords={onWords} />
      {isSearch && (
        <p className="small" aria-live="polite">
          {found.data ? (
            <>
              {counted(found.data.length, "hit")} for “{words}” in this video
              {found.data.length === 0 && ": try other words, or look in the whole index"}.
            </>
          ) : found.error ? null : (
            <Busy>Looking for “{words}”…</Busy>
          )}
        </p>
      )}
      {found.error ? <Failure error={found.error} onRetry={() => found.refetch()} /> : null}
      {!isSearch && shots.error ? (
        <Failure error={shots.error} title="The shots could not be read." onRetry={() => shots.refetch()} />
      ) : null}
      {lanes.length > 0 ? (
        <Timeline
          duration={duration}
          lanes={lanes}
          hits={hits}
          time={time}
          onSeek={onSeek}
          what={isSearch ? "hit" : "mark"}
        />
      ) : (
        <p className="soft">The index has no engine that searches, so there is nothing to show on a timeline.</p>
      )}
    </div>
  );
}

function FindForm({ words, onWords }: { words: string; onWords: (words: string) => void }) {
  const [draft, setDraft] = useState(words);
  return (
    <search aria-label="In this video">
      <form
        className="find-form"
        onSubmit={(event) => {
          event.preventDefault();
          onWords(draft.trim());
        }}
      >
        <TextField label="Find in this video" value={draft} onChange={setDraft} placeholder="a ship, or words" />
        <Button type="submit" icon="search">
          Find
        </Button>
      </form>
    </search>
  );
}
