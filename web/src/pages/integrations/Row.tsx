// The cells of an integration's row that do something: its bucket, synchronizing, its status with the reason, Get JSON.
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { Button, IconButton } from "../../ui/controls";
import { Badge, Busy, Failure } from "../../ui/display";
import { counted, formatNumber } from "../../ui/format";
import { Dialog, toast } from "../../ui/overlays";
import {
  type Integration,
  type Synchronization,
  useCancelSynchronization,
  useSynchronizations,
  useSynchronize,
  useTold,
} from "./data";
import { address, isUsable, reason, STATUS, whyNoList } from "./words";

export function BucketCell({ integration }: { integration: Integration }) {
  return (
    <Link className="breakable int-name-cell" to={`/integrations/${integration._id}`} title={address(integration)}>
      {integration.bucket}
      {integration.prefix && `/${integration.prefix}`}
    </Link>
  );
}

/** Begins a synchronization and says what came of it; each one that ends renews the numbers. */
export function useSynchronizing(integration: Integration, { isQuiet = false } = {}) {
  const last = useSynchronizations(integration._id).data?.data[0];
  const begin = useSynchronize(integration._id);
  const told = useTold();
  const [awaited, setAwaited] = useState<string>();
  const [answer, setAnswer] = useState<Synchronization>();
  const [seen, setSeen] = useState(last?.ended_at);
  useEffect(() => {
    if (!last || last.ended_at === seen) return;
    setSeen(last.ended_at);
    if (seen !== undefined) void told();
  }, [last, seen, told]);
  useEffect(() => {
    if (!last || last._id !== awaited || last.state === "running") return;
    setAwaited(undefined);
    setAnswer(last);
    if (isQuiet) return;
    if (last.state === "done") toast(`${integration.bucket} is synchronized: ${found(last)}.`);
    if (last.state === "cancelled") toast(`The synchronization of ${integration.bucket} was cancelled.`);
  }, [last, awaited, isQuiet, integration.bucket]);
  return {
    last,
    isRunning: begin.isPending || awaited !== undefined || last?.state === "running",
    /** The one that was begun here, when it has ended. */
    answer,
    error: begin.error,
    begin: () => {
      setAnswer(undefined);
      begin.mutate(undefined, { onSuccess: (run) => setAwaited(run._id) });
    },
    forget: begin.reset,
  };
}

/** What a synchronization found. */
export function found({ items, added, changed, removed }: Synchronization): string {
  return `${counted(items, "object")}, ${formatNumber(added)} new, ${formatNumber(changed)} changed, ${formatNumber(removed)} gone`;
}

export function SynchronizeCell({ integration }: { integration: Integration }) {
  const { isRunning, error, begin, forget } = useSynchronizing(integration);
  return (
    <>
      <IconButton
        icon="sync"
        label={`Synchronize data of ${integration.bucket}`}
        isDisabled={!isUsable(integration)}
        isPending={isRunning}
        onPress={begin}
      />
      {error ? (
        <Dialog title="The synchronization did not begin" isOpen onClose={forget}>
          <Failure error={error} onRetry={begin} />
        </Dialog>
      ) : null}
    </>
  );
}

/** How far a synchronization has come. */
export function Progress({ run, integration }: { run: Synchronization; integration: Integration }) {
  const cancel = useCancelSynchronization(integration._id);
  return (
    <div className="stack int-tight">
      <Busy>Synchronizing; it goes on if you leave</Busy>
      <span className="small soft numeric">
        {counted(run.listed, "key")} listed, {formatNumber(Math.round(run.keys_per_second))} keys per second
      </span>
      <span>
        <Button kind="quiet" icon="cross" onPress={() => cancel.mutate(run._id)} isPending={cancel.isPending}>
          Stop
        </Button>
      </span>
      {cancel.error ? <Failure error={cancel.error} /> : null}
    </div>
  );
}

export function StatusCell({ integration }: { integration: Integration }) {
  const last = useSynchronizations(integration._id).data?.data[0];
  const { label, tone } = STATUS[integration.status];
  const why = reason(integration);
  return (
    <div className="stack int-tight int-status-cell">
      <span>
        <Badge tone={tone}>{label}</Badge>
      </span>
      {why && <span className="small">{why}</span>}
      {integration.status === "pending" && (
        <Link to={`/integrations/${integration._id}/setup`}>Continue the set-up</Link>
      )}
      {(integration.status === "failed" || integration.status === "degraded") && (
        <Link to={`/integrations/${integration._id}?tab=checks`}>See the checks and how to mend it</Link>
      )}
      {last?.state === "running" && <Progress run={last} integration={integration} />}
      {last?.state === "failed" && (
        <span className="small">The last synchronization failed: {last.fault?.message ?? "no reason was told."}</span>
      )}
    </div>
  );
}

export function GetJsonCell({ integration, onOpen }: { integration: Integration; onOpen: () => void }) {
  const why = whyNoList(integration);
  const id = `why-${integration._id}`;
  return (
    <div className="stack int-tight">
      <span>
        <Button
          icon="download"
          aria-label={`Get JSON of ${integration.bucket}`}
          aria-describedby={why ? id : undefined}
          isDisabled={why !== undefined}
          onPress={onOpen}
        >
          Get JSON
        </Button>
      </span>
      {why && (
        <span id={id} className="small soft">
          {why}
        </span>
      )}
    </div>
  );
}
