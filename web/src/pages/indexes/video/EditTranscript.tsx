// The transcript as a form: each line's times and words, lines more and less. Saved as a whole, which indexes it anew.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, unwrap } from "../../../api/client";
import { Button, IconButton } from "../../../ui/controls";
import { Failure, Pager } from "../../../ui/display";
import { toast } from "../../../ui/overlays";
import { type Line, type Said, saidKey } from "../../../video/source";
import { type DraftLine, draftOf, lineAfter, linesOf, problemOf } from "./draft";

/** Lines on a page of the form. */
const LIMIT = 40;

export function EditTranscript({
  index,
  video,
  lines,
  duration,
  onDone,
}: {
  index: string;
  video: string;
  lines: readonly Line[];
  duration: number;
  onDone: () => void;
}) {
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(lines));
  const [page, setPage] = useState(1);
  const [isTried, setTried] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const [focused, setFocused] = useState<number>();
  const [isChanged, setChanged] = useState(false);

  // A new line begins with its words; after one was removed, the focus goes to its neighbour.
  useEffect(() => {
    if (focused === undefined) return;
    list.current?.querySelector<HTMLElement>(`[data-line="${focused}"] textarea`)?.focus();
    setFocused(undefined);
  }, [focused]);
  useEffect(() => {
    if (!isChanged) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isChanged]);

  const problems = new Map(draft.map((line) => [line.key, problemOf(line, duration)]));
  const wrong = draft.filter((line) => problems.get(line.key) !== undefined);
  const save = useMutation({
    mutationFn: (): Promise<Said> =>
      unwrap(
        api.PUT("/indexes/{index_id}/videos/{video_id}/transcription", {
          params: { path: { index_id: index, video_id: video } },
          body: { data: linesOf(draft) },
        }),
      ),
    onSuccess: (saved) => {
      client.setQueryData(saidKey(index, video), saved);
      void client.invalidateQueries({ queryKey: ["video", index, video, "hits"] });
      toast("Saved. The new words can be searched now.");
      onDone();
    },
  });

  function change(next: DraftLine[]) {
    setDraft(next);
    setChanged(true);
  }
  function add(place: number) {
    const made = lineAfter(draft, place, duration);
    change(draft.toSpliced(place + 1, 0, made));
    setPage(Math.floor((place + 1) / LIMIT) + 1);
    setFocused(made.key);
  }
  function remove(place: number) {
    change(draft.toSpliced(place, 1));
    setFocused((draft[place + 1] ?? draft[place - 1])?.key);
  }

  const pages = Math.max(1, Math.ceil(draft.length / LIMIT));
  const from = (Math.min(page, pages) - 1) * LIMIT;
  return (
    <form
      className="stack"
      aria-label="Edit the transcript"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        const first = wrong[0];
        if (!first) return save.mutate();
        setPage(Math.floor(draft.indexOf(first) / LIMIT) + 1);
        setFocused(first.key);
      }}
    >
      <p className="soft small">
        Times as minutes and seconds (1:02.5). What was heard is kept, so that it can be put back.
      </p>
      {draft.length === 0 && <Button onPress={() => add(-1)}>Add the first line</Button>}
      <ol className="edit-lines" ref={list}>
        {draft.slice(from, from + LIMIT).map((line, offset) => {
          const place = from + offset;
          const problem = problems.get(line.key);
          const isShown = problem !== undefined && (isTried || !problem.includes("no words"));
          const set = (field: "start" | "end" | "value", value: string) =>
            change(draft.with(place, { ...line, [field]: value }));
          const common = { "aria-invalid": isShown, "aria-describedby": isShown ? `problem-${line.key}` : undefined };
          return (
            <li key={line.key} data-line={line.key}>
              <input
                className="input numeric"
                aria-label={`Line ${place + 1} begins`}
                value={line.start}
                onChange={(event) => set("start", event.target.value)}
                {...common}
              />
              <input
                className="input numeric"
                aria-label={`Line ${place + 1} ends`}
                value={line.end}
                onChange={(event) => set("end", event.target.value)}
                {...common}
              />
              <span className="row">
                <IconButton icon="plus" label={`Add a line after line ${place + 1}`} onPress={() => add(place)} />
                <IconButton icon="trash" label={`Remove line ${place + 1}`} onPress={() => remove(place)} />
              </span>
              <textarea
                className="input"
                aria-label={`Words of line ${place + 1}`}
                rows={2}
                value={line.value}
                onChange={(event) => set("value", event.target.value)}
                {...common}
              />
              {isShown && (
                <p className="problem small" id={`problem-${line.key}`}>
                  {problem}
                </p>
              )}
            </li>
          );
        })}
      </ol>
      {pages > 1 && (
        <Pager page={Math.min(page, pages)} pages={pages} total={draft.length} what="lines" onPage={setPage} />
      )}
      {isTried && wrong.length > 0 && (
        <p className="problem" role="alert">
          {wrong.length === 1 ? "One line" : `${wrong.length} lines`} cannot be saved as they are; each says why.
        </p>
      )}
      {save.error && <Failure error={save.error} title="Nothing was saved." />}
      <div className="row end">
        <Button onPress={onDone}>{isChanged ? "Discard the changes" : "Cancel"}</Button>
        <Button type="submit" kind="primary" isDisabled={!isChanged} isPending={save.isPending}>
          {save.isPending ? "Indexing the new words…" : "Save and index anew"}
        </Button>
      </div>
    </form>
  );
}
