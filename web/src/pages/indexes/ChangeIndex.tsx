// The dialogs that rename an index and delete it.
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ApiFailure, api } from "../../api/client";
import { Button, TextField } from "../../ui/controls";
import { Busy, Failure } from "../../ui/display";
import { counted, formatDuration } from "../../ui/format";
import { Dialog, Question, toast } from "../../ui/overlays";
import { type Index, underWay, useCounts, useForgetIndexes } from "./data";

export interface IndexChange {
  kind: "rename" | "delete";
  index: Index;
}

export function ChangeIndex({
  change,
  onClose,
  onDeleted,
}: {
  change: IndexChange | undefined;
  onClose: () => void;
  onDeleted?: () => void;
}) {
  // Two dialogs: each keeps its own state, and closes with its words still in it.
  return (
    <>
      {change?.kind === "rename" && <RenameDialog index={change.index} onClose={onClose} />}
      {change?.kind === "delete" && <DeleteDialog index={change.index} onClose={onClose} onDeleted={onDeleted} />}
    </>
  );
}

function RenameDialog({ index, onClose }: { index: Index; onClose: () => void }) {
  const [name, setName] = useState(index.index_name);
  const forget = useForgetIndexes();
  const rename = useMutation({
    mutationFn: () =>
      api.PUT("/indexes/{index_id}", {
        params: { path: { index_id: index._id } },
        body: { index_name: name.trim() },
      }),
    onSuccess: async () => {
      await forget();
      toast(`The index is called “${name.trim()}” now.`);
      onClose();
    },
  });
  const isSame = name.trim() === index.index_name || name.trim() === "";
  return (
    <Dialog title="Rename the index" isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isSame) rename.mutate();
        }}
      >
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          maxLength={128}
          hint="Programs that find it by its name need the new one. Its id, engines and videos stay as they are."
          autoFocus
        />
        {rename.error && <Failure error={rename.error} />}
        <div className="row end">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" isDisabled={isSame} isPending={rename.isPending}>
            {rename.isPending ? "Renaming…" : "Rename"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function DeleteDialog({ index, onClose, onDeleted }: { index: Index; onClose: () => void; onDeleted?: () => void }) {
  const counts = useCounts(index._id);
  const forget = useForgetIndexes();
  const remove = useMutation({
    mutationFn: async () => {
      try {
        await api.DELETE("/indexes/{index_id}", { params: { path: { index_id: index._id } } });
      } catch (failure) {
        // Somebody else was quicker: it is gone, as was wanted.
        if (!(failure instanceof ApiFailure && failure.status === 404)) throw failure;
      }
    },
    onSuccess: async () => {
      toast(`The index “${index.index_name}” is deleted.`);
      onDeleted?.();
      onClose();
      await forget();
    },
  });
  useEffect(() => {
    void counts.refetch();
  }, [counts.refetch]);
  const waiting = counts.data ? underWay(counts.data) : 0;
  return (
    <Question
      title={`Delete the index “${index.index_name}”?`}
      yes="Delete for good"
      doing="Deleting…"
      icon="trash"
      isDoing={remove.isPending}
      onYes={() => remove.mutate()}
      onClose={onClose}
    >
      <div>
        <h3>What goes, for good</h3>
        <ul>
          <li>
            {counted(index.video_count, "video")} ({formatDuration(index.total_duration)}) with transcripts, on-screen
            text, pictures and streams
          </li>
          <li>edited transcripts and your own metadata of these videos</li>
          {counts.data ? (
            <>
              <li>{counted(counts.data.total_result, "task")} of this index</li>
              {waiting > 0 && (
                <li>
                  <strong>{counted(waiting, "video")} under way: the work on them ends</strong>
                </li>
              )}
            </>
          ) : counts.error ? null : (
            <li>
              <Busy>Counting its tasks…</Busy>
            </li>
          )}
        </ul>
        <h3>What stays</h3>
        <ul>
          <li>the files in your buckets: nothing there is touched</li>
          <li>integrations, and the logs of their imports</li>
        </ul>
      </div>
      {counts.error ? <Failure error={counts.error} title="Its tasks could not be counted." /> : null}
      {remove.error && <Failure error={remove.error} />}
    </Question>
  );
}
