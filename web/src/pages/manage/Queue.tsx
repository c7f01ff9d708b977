// What waits and what is in hand.
import type { ReactNode } from "react";
import { Link } from "react-router";
import { Moment } from "../../ui/display";
import { counted, formatNumber } from "../../ui/format";
import type { System } from "./useSystem";

const STATES = [
  ["validating", "To be fetched and checked"],
  ["pending", "Put back, with a reason"],
  ["queued", "Checked, wait for a decoder"],
  ["indexing", "Being indexed"],
] as const;
const STAGES = [
  ["fetch", "fetched"],
  ["validate", "checked"],
  ["index", "indexed"],
  ["publish", "published"],
] as const;

export function Queue({ queue }: { queue: System["queue"] }) {
  const all = STATES.reduce((sum, [state]) => sum + queue[state], 0);
  const told = STAGES.filter(([stage]) => queue.stages[stage] > 0).map(
    ([stage, done]) => `${formatNumber(queue.stages[stage])} being ${done}`,
  );
  return (
    <section className="card" aria-labelledby="queue">
      <h2 id="queue">Queue</h2>
      <dl className="manage-facts numeric">
        <Fact name="In hand">
          {formatNumber(queue.in_hand)}
          {told.length > 0 && <span className="soft"> ({told.join(", ")} here)</span>}
        </Fact>
        <Fact name="Waiting">
          {formatNumber(Math.max(0, all - queue.in_hand))}
          {queue.is_more && " or more"}
          {queue.paused > 0 && <span className="soft"> ({formatNumber(queue.paused)} of paused transfers)</span>}
        </Fact>
        <Fact name="Oldest">
          {queue.waits_since ? (
            <>
              waits since <Moment value={queue.waits_since} />
            </>
          ) : (
            <span className="soft">nothing waits that could be begun</span>
          )}
        </Fact>
        {STATES.map(([state, words]) => (
          <Fact key={state} name={words}>
            {queue[state] > 0 ? (
              <Link to={`/tasks?status=${state}`}>{formatNumber(queue[state])}</Link>
            ) : (
              formatNumber(queue[state])
            )}
          </Fact>
        ))}
        <Fact name="Open transfers">
          <Link to="/transfers">{counted(queue.open_transfers, "transfer")}</Link>
          {queue.paused_transfers > 0 && `, ${formatNumber(queue.paused_transfers)} paused`}
        </Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
