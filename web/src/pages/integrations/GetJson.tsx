// "Get JSON": synchronizes, and shows that it does; then gives the list of the bucket's videos.
import { useEffect, useRef, useState } from "react";
import { Button } from "../../ui/controls";
import { Busy, Failure, Moment } from "../../ui/display";
import { Dialog } from "../../ui/overlays";
import { useAddress } from "./address";
import type { Integration } from "./data";
import { FaultNote } from "./FaultNote";
import { Form } from "./GetJsonForm";
import { Outcome } from "./GetJsonOutcome";
import { CHOICES, type Choices } from "./manifest";
import { found, Progress, useSynchronizing } from "./Row";

export function GetJson({ integration }: { integration: Integration }) {
  const [address, change] = useAddress();
  // What is typed is shown at once; the address follows.
  const [choices, setChoices] = useState<Choices>(() =>
    Object.fromEntries(CHOICES.map((name) => [name, address.get(name) ?? undefined])),
  );
  function choose(changes: Choices) {
    setChoices((before) => ({ ...before, ...changes }));
    change(changes);
  }
  const close = () => change({ "get-json": null, ...Object.fromEntries(CHOICES.map((name) => [name, null])) });
  const { last, isRunning, answer, error, begin } = useSynchronizing(integration, { isQuiet: true });
  const isBegun = useRef(false);
  useEffect(() => {
    if (isBegun.current) return;
    isBegun.current = true;
    begin();
  });
  const [isEnough, setEnough] = useState(false);
  const isReady = isEnough || answer?.state === "done";
  return (
    <Dialog title={`Get JSON of ${integration.bucket}`} isOpen onClose={close} isWide>
      <p className="soft">
        The list of the bucket's videos, as a transfer takes it. You can edit it: leave videos out, or name a
        transcription.
      </p>
      <section aria-label="Synchronization" className="note">
        {isRunning &&
          (last?.state === "running" ? (
            <Progress run={last} integration={integration} />
          ) : (
            <Busy>Synchronizing with the bucket first…</Busy>
          ))}
        {answer?.state === "done" && (
          <span role="status">
            Synchronized <Moment value={answer.ended_at} />: {found(answer)}.
          </span>
        )}
        {answer?.state === "cancelled" && <span role="status">The synchronization was stopped. </span>}
        {answer?.state === "failed" && (
          <FaultNote
            title="The synchronization failed:"
            fault={answer.fault ?? { code: "unexpected", message: "No reason was told." }}
            onRetry={begin}
          />
        )}
        {error ? <Failure error={error} onRetry={begin} /> : null}
        {!isReady && !isRunning && integration.synchronized_at && (
          <Button onPress={() => setEnough(true)}>Use the list as it was last known</Button>
        )}
      </section>
      <Form choices={choices} onChange={choose} />
      <Outcome integration={integration} choices={choices} isReady={isReady} onClose={close} />
    </Dialog>
  );
}
