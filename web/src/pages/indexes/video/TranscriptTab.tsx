// What is said: to read and jump by, to edit, to copy, and to put back as it was heard.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, unwrap } from "../../../api/client";
import { Button } from "../../../ui/controls";
import { CopyButton, Failure, Loaded, Moment } from "../../../ui/display";
import { formatClock } from "../../../ui/format";
import { Dialog, toast } from "../../../ui/overlays";
import { type Said, saidKey, useSaid } from "../../../video/source";
import { Transcript } from "../../../video/Transcript";
import { EditTranscript } from "./EditTranscript";
import type { Place } from "./VideoPage";

export function TranscriptTab({
  index,
  video,
  time,
  onSeek,
  duration,
  isHeard,
  terms,
}: Place & { duration: number; isHeard: boolean; terms: readonly string[] }) {
  const query = useSaid(index, video);
  const [isEditing, setEditing] = useState(false);
  const [isRestoring, setRestoring] = useState(false);
  const actions = useRef<HTMLDivElement>(null);
  const wasEditing = useRef(false);
  // Where the form was, the focus goes back to what opened it.
  useEffect(() => {
    if (wasEditing.current && !isEditing) actions.current?.querySelector<HTMLElement>("button")?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  return (
    <Loaded query={query} what="the transcript">
      {(said) => {
        const lines = said.data ?? [];
        if (isEditing) {
          return <EditTranscript {...{ index, video, lines, duration }} onDone={() => setEditing(false)} />;
        }
        const text = lines.map((line) => `${formatClock(line.start)} ${line.value}`).join("\n");
        return (
          <div className="stack">
            <div className="row" ref={actions}>
              <Button onPress={() => setEditing(true)} isDisabled={!isHeard}>
                {lines.length > 0 ? "Edit the transcript" : "Write a transcript"}
              </Button>
              {lines.length > 0 && <CopyButton text={text} label="Copy the text" />}
              {said.edited_at && <Button onPress={() => setRestoring(true)}>Put back what was heard…</Button>}
            </div>
            {said.edited_at && (
              <p className="small soft">
                Changed by a person <Moment value={said.edited_at} />.
              </p>
            )}
            {lines.length > 0 ? (
              <>
                <Transcript lines={lines} time={time} onSeek={onSeek} label="Transcript" marks={terms} />
                <p className="small soft">
                  A click on a time or a word jumps there; lines have times, so a word's place in its line is reckoned.
                  Keys: up and down choose a line, left and right a word, Enter jumps.
                </p>
              </>
            ) : (
              <p className="soft">
                {isHeard
                  ? "Nothing is said in this video, or nothing was understood."
                  : "The index was made without the option “Said”, so nothing was heard. Use an index that has it."}
              </p>
            )}
            {isRestoring && <Restore {...{ index, video }} onClose={() => setRestoring(false)} />}
          </div>
        );
      }}
    </Loaded>
  );
}

function Restore({ index, video, onClose }: { index: string; video: string; onClose: () => void }) {
  const client = useQueryClient();
  const restore = useMutation({
    mutationFn: (): Promise<Said> =>
      unwrap(
        api.DELETE("/indexes/{index_id}/videos/{video_id}/transcription", {
          params: { path: { index_id: index, video_id: video } },
        }),
      ),
    onSuccess: (said) => {
      client.setQueryData(saidKey(index, video), said);
      void client.invalidateQueries({ queryKey: ["video", index, video, "hits"] });
      toast("What was heard is back, and searched again.");
      onClose();
    },
  });
  return (
    <Dialog
      title="Put back what was heard?"
      role="alertdialog"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose} autoFocus>
            Keep the edited one
          </Button>
          <Button kind="danger" isPending={restore.isPending} onPress={() => restore.mutate()}>
            {restore.isPending ? "Indexing anew…" : "Put back what was heard"}
          </Button>
        </>
      }
    >
      <p>The edited transcript goes, for good. Searches find the words that were heard first.</p>
      {restore.error && <Failure error={restore.error} />}
    </Dialog>
  );
}
