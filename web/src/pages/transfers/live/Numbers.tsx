// Where the videos of a transfer stand: numbers that add up to the total, each with its list; the pace and the time left.
import { Link } from "react-router";
import { StageBar } from "../../../ui/display";
import { counted, formatDuration, formatNumber, formatPercent } from "../../../ui/format";
import { finished, PARTS, sharesOf } from "../state";
import type { paceOf } from "./rate";
import type { TransferNow } from "./TransferPage";

const HEADING = "numbers";

/** Where the focus goes when what had it is gone: this stays. */
export const focusNumbers = () => document.getElementById(HEADING)?.focus();

export function Numbers({ transfer, pace }: { transfer: TransferNow; pace: ReturnType<typeof paceOf> }) {
  const { _id, counts, total, repeated } = transfer;
  const done = finished(counts);
  return (
    <section className="card stack" aria-labelledby={HEADING}>
      <div className="row spread">
        <h2 id={HEADING} tabIndex={-1}>
          {formatNumber(done)} of {counted(total, "video")} done, {formatPercent(done, total)}
        </h2>
        <Pace transfer={transfer} pace={pace} />
      </div>
      <StageBar shares={sharesOf(counts)} total={total} />
      <dl className="tr-numbers">
        {PARTS.map(({ of, label, tone }) => (
          <div key={of} className={tone}>
            <dt>{label}</dt>
            <dd>
              {counts[of] > 0 ? (
                <Link to={`/tasks?transfer_id=${_id}&state=${of}`}>{formatNumber(counts[of])}</Link>
              ) : (
                <span className="soft">0</span>
              )}
            </dd>
          </div>
        ))}
        <div>
          <dt>All together</dt>
          <dd>
            <Link to={`/tasks?transfer_id=${_id}`}>{formatNumber(total)}</Link>
          </dd>
        </div>
      </dl>
      {repeated > 0 && (
        <p className="soft">
          {counted(repeated, "entry", "entries")} of the manifest repeated an earlier one and made no task.
        </p>
      )}
    </section>
  );
}

function Pace({ transfer, pace }: { transfer: TransferNow; pace: ReturnType<typeof paceOf> }) {
  const { is_finished, remain_seconds, paused_at, created_at, ended_at, counts } = transfer;
  if (is_finished) {
    const took = ended_at ? (Date.parse(ended_at) - Date.parse(created_at)) / 1000 : undefined;
    return took === undefined ? null : <span className="soft">took {formatDuration(took)}</span>;
  }
  const left = paused_at
    ? "paused"
    : remain_seconds
      ? remain_seconds.low === remain_seconds.high
        ? `about ${formatDuration(remain_seconds.low)}`
        : `${formatDuration(remain_seconds.low)} – ${formatDuration(remain_seconds.high)}`
      : "unknown";
  const rate = pace
    ? `${pace.perMinute >= 10 ? Math.round(pace.perMinute) : pace.perMinute.toFixed(1)} videos a minute lately`
    : finished(counts) === 0
      ? "no pace yet"
      : "pace: measured in a moment";
  return (
    <span className="numeric">
      {rate} · <strong>Time left: {left}</strong>
    </span>
  );
}
