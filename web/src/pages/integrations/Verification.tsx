// "Verify My Account": runs the checklist, fills it line by line, and says how it ended.
import { useEffect, useRef } from "react";
import { Button } from "../../ui/controls";
import { Busy, Failure, Moment } from "../../ui/display";
import { counted } from "../../ui/format";
import { Checklist } from "./Checklist";
import type { Integration } from "./data";
import { type Line, useVerification } from "./verify";
import { isUsable } from "./words";

const stored = (integration: Integration): Line[] =>
  integration.checks.map((check) => ({ name: check.name, title: check.title, check }));

export function Verification({ integration, label }: { integration: Integration; label: string }) {
  const { lines, isRunning, error, run } = useVerification(integration._id);
  const outcome = useRef<HTMLDivElement>(null);
  const wasRunning = useRef(false);
  const shown = lines ?? stored(integration);
  const failed = shown.filter((line) => line.check?.outcome === "failed").length;
  const warned = shown.filter((line) => line.check?.outcome === "warning").length;
  // "Check again" beside a failed line goes away with it: the focus goes to how it ended.
  useEffect(() => {
    if (wasRunning.current && !isRunning && document.activeElement === document.body) outcome.current?.focus();
    wasRunning.current = isRunning;
  }, [isRunning]);
  const looked = shown.find((line) => !line.check)?.title;
  const isOver = !isRunning && shown.length > 0 && !error;
  return (
    <div className="stack">
      <div className="row">
        <Button kind={isUsable(integration) ? "plain" : "primary"} icon="check" onPress={run} isPending={isRunning}>
          {label}
        </Button>
        {isRunning && <Busy>Verifying{looked ? `: ${looked}` : ""}…</Busy>}
      </div>
      <div ref={outcome} tabIndex={-1} role="status" className="int-outcome">
        {isOver && isUsable(integration) && (
          <p className="note good">
            <strong>Verification successful!</strong>{" "}
            {warned > 0
              ? `The bucket can be read; ${counted(warned, "line")} should be looked at.`
              : "The bucket can be read."}{" "}
            {!lines && (
              <span className="soft">
                Verified <Moment value={integration.checked_at} />.
              </span>
            )}
          </p>
        )}
        {isOver && failed > 0 && (
          <p className="note warn">
            <strong>Not yet: {counted(failed, "line")} failed.</strong> What mends it stands beside it. Nothing is lost:
            mend it, then check again.
          </p>
        )}
      </div>
      {error ? <Failure error={error} onRetry={run} /> : null}
      {shown.length > 0 && (
        <Checklist integrationId={integration._id} lines={shown} isRunning={isRunning} onAgain={run} />
      )}
    </div>
  );
}
