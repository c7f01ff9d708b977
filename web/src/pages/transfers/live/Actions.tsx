// What can be done with a transfer: pause, resume, cancel, try the failed ones again. Each is confirmed by its state.
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, unwrap } from "../../../api/client";
import { Button } from "../../../ui/controls";
import { Failure } from "../../../ui/display";
import { counted, formatNumber } from "../../../ui/format";
import { Dialog, toast } from "../../../ui/overlays";
import { finished } from "../state";
import { useRetry } from "./Faults";
import { focusNumbers } from "./Numbers";
import type { TransferNow } from "./TransferPage";

export function Actions({
  transfer,
  onChanged,
  onMore,
}: {
  transfer: TransferNow;
  onChanged: (now: TransferNow) => void;
  onMore: () => void;
}) {
  const { _id, is_finished, paused_at, counts, state, total } = transfer;
  const [isAsked, setAsked] = useState(false);
  const path = { transfer_id: _id };
  const isPaused = Boolean(paused_at);
  const pause = useMutation({
    mutationFn: () =>
      isPaused
        ? unwrap(api.POST("/transfers/{transfer_id}/resume", { params: { path } }))
        : unwrap(api.POST("/transfers/{transfer_id}/pause", { params: { path } })),
    onSuccess: onChanged,
  });
  const cancel = useMutation({
    mutationFn: () => unwrap(api.POST("/transfers/{transfer_id}/cancel", { params: { path } })),
    onSuccess: ({ cancelled }) => {
      setAsked(false);
      toast(`Cancelled: ${counted(cancelled, "video was", "videos were")} given up.`);
    },
  });
  const retry = useRetry(_id, onMore);
  const left = total - finished(counts);
  // What could be done goes with the end; a focus that was there must not fall to the beginning of the page.
  const wasFinished = useRef(is_finished);
  useEffect(() => {
    const hasEnded = is_finished && !wasFinished.current;
    wasFinished.current = is_finished;
    if (hasEnded && document.activeElement === document.body) focusNumbers();
  }, [is_finished]);
  return (
    <>
      {!is_finished && state === "accepted" && (
        <>
          <Button icon={isPaused ? "play" : "pause"} isPending={pause.isPending} onPress={() => pause.mutate()}>
            {isPaused ? "Resume" : "Pause"}
          </Button>
          <Button kind="danger" icon="cross" onPress={() => setAsked(true)}>
            Cancel…
          </Button>
        </>
      )}
      {counts.failed > 0 && (
        <Button icon="sync" isPending={retry.isPending} onPress={() => retry.mutate(undefined)}>
          {counts.failed === 1 ? "Retry the failed one" : `Retry all ${formatNumber(counts.failed)} failed`}
        </Button>
      )}
      {(pause.error ?? retry.error) && <Failure error={pause.error ?? retry.error} />}
      <Dialog
        title="Cancel this transfer?"
        role="alertdialog"
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        footer={
          <>
            <Button onPress={() => setAsked(false)}>Let it go on</Button>
            <Button kind="danger" isPending={cancel.isPending} onPress={() => cancel.mutate()}>
              Give up {counted(left, "video")}
            </Button>
          </>
        }
      >
        <p>
          {counted(left, "video that is", "videos that are")} not done will be given up. The{" "}
          {formatNumber(counts.ready)} that are ready stay in the index, and nothing in the bucket changes. Those given
          up can be tried again later.
        </p>
        {cancel.error && <Failure error={cancel.error} title="It was not cancelled." />}
      </Dialog>
    </>
  );
}
