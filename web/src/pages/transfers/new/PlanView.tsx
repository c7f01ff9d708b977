// The plan: what would be taken, skipped and refused and why, how much that is, and how long it may take.
import { useState } from "react";
import { Link } from "react-router";
import { Button, Select } from "../../../ui/controls";
import { Badge, Busy, Failure, StageBar, type Tone } from "../../../ui/display";
import { counted, formatBytes, formatNumber } from "../../../ui/format";
import { VirtualList } from "../VirtualList";
import type { Draft, PlanRow } from "./draft";
import { Estimates } from "./Estimates";

const VERDICTS: Record<PlanRow["verdict"], { label: string; tone: Tone }> = {
  taken: { label: "Would be taken", tone: "good" },
  skipped: { label: "There already", tone: "info" },
  refused: { label: "Would fail", tone: "bad" },
};

export function PlanView({ draft, onStop, onAgain }: { draft: Draft; onStop: () => void; onAgain: () => void }) {
  const { phase, reading, rows, taken, skipped, refused } = draft;
  const total = reading?.good ?? 0;
  const isWhole = phase === "planned";
  return (
    <section className="card stack" aria-labelledby="plan">
      <div>
        <h2 id="plan">Plan</h2>
        {phase !== "failed" && (
          <div className="row">
            {phase === "planning" && (
              <Busy>
                Asking the buckets: {formatNumber(rows.length)} of {counted(total, "video")}…
              </Busy>
            )}
            {phase === "stopped" && (
              <span>
                Stopped after {formatNumber(rows.length)} of {counted(total, "video")}; the others are checked when they
                are fetched.
              </span>
            )}
            {phase === "planned" && <span className="soft">As the buckets answered just now; nothing was moved.</span>}
            <Button icon={phase === "planning" ? undefined : "sync"} onPress={phase === "planning" ? onStop : onAgain}>
              {phase === "planning" ? "Stop asking" : "Ask again"}
            </Button>
          </div>
        )}
        {phase === "failed" && <Failure error={draft.error} title="There is no plan." onRetry={onAgain} />}
      </div>
      <StageBar
        total={total}
        shares={[
          { label: "taken", count: taken, tone: "good" },
          { label: "there already", count: skipped, tone: "info" },
          { label: "would fail", count: refused, tone: "bad" },
        ]}
      />
      <dl className="tr-numbers">
        <div className="good">
          <dt>Would be taken</dt>
          <dd>
            {formatNumber(taken)} <small>{formatBytes(draft.bytes)}</small>
          </dd>
        </div>
        <div className="info">
          <dt>There already</dt>
          <dd>
            {formatNumber(skipped)} <small>skipped; nothing is moved</small>
          </dd>
        </div>
        <div className="bad">
          <dt>Would fail</dt>
          <dd>
            {formatNumber(refused)} <small>each alone; the others go on</small>
          </dd>
        </div>
        {!isWhole && (
          <div>
            <dt>Not asked yet</dt>
            <dd>{formatNumber(total - rows.length)}</dd>
          </div>
        )}
        <Estimates taken={taken} bytes={draft.bytes} known={draft.known} indexes={reading?.indexes ?? {}} />
      </dl>
      {rows.length > 0 && <PlanRows rows={rows} />}
    </section>
  );
}

function PlanRows({ rows }: { rows: readonly PlanRow[] }) {
  const [shown, setShown] = useState("all");
  const reasons = reasonsOf(rows);
  const found = shown === "all" ? rows : rows.filter((row) => row.verdict === shown || reasonOf(row) === shown);
  const choices = [
    { id: "all", label: `All, ${formatNumber(rows.length)}` },
    ...Object.entries(VERDICTS).map(([id, { label }]) => ({
      id,
      label: `${label}, ${formatNumber(rows.filter((row) => row.verdict === id).length)}`,
    })),
    ...reasons.map(([reason, count]) => ({ id: reason, label: `${reason} ${formatNumber(count)}` })),
  ];
  return (
    <div className="stack">
      <Select label="Show" choices={choices} value={shown} onChange={setShown} />
      <VirtualList label="Planned videos" rows={found} rowKey={(row) => row.number} estimate={64}>
        {(row) => (
          <div className="tr-line-of">
            <span className="soft small numeric">Line {formatNumber(row.line)}</span>
            <div>
              <p className="breakable">{row.object}</p>
              <p className="small">
                <Badge tone={VERDICTS[row.verdict].tone}>{VERDICTS[row.verdict].label}</Badge>{" "}
                {row.size_bytes != null && formatBytes(row.size_bytes)}
              </p>
              <Why row={row} />
            </div>
          </div>
        )}
      </VirtualList>
    </div>
  );
}

function Why({ row }: { row: PlanRow }) {
  if (row.duplicate) {
    return (
      <p className="small">
        {row.duplicate.by === "object" ? "The same version of the same object" : "The same content"} is{" "}
        <Link to={`/indexes/${row.index_id}/videos/${row.duplicate.video}`}>a video of the index</Link>.
      </p>
    );
  }
  if (!row.fault) return null;
  return (
    <p className="small breakable">
      {row.fault.message}{" "}
      {row.fault.value && (
        <>
          Found: <code>{row.fault.value}</code>.{" "}
        </>
      )}
      {row.fault.rule && `Allowed: ${row.fault.rule}. `}
      {row.fault.remedy && `Next: ${row.fault.remedy}`}
    </p>
  );
}

const reasonOf = (row: PlanRow) => (row.verdict === "refused" ? row.fault?.code : undefined);

/** Why entries would fail, most frequent first. */
function reasonsOf(rows: readonly PlanRow[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const reason = reasonOf(row);
    if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one);
}
