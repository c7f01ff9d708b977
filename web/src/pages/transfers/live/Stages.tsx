// The stages that every video goes through: how many need each no more, how many are in it, and how much of them is done.
import { StageBar } from "../../../ui/display";
import { formatBytes, formatDuration, formatNumber } from "../../../ui/format";
import type { TransferNow } from "./TransferPage";

export function Stages({ transfer }: { transfer: TransferNow }) {
  const { fetch, validate, index, publish } = transfer.stages;
  const stages = [
    {
      label: "Fetch",
      stage: fetch,
      more: fetch.total_bytes > 0 && `${formatBytes(fetch.done_bytes)} of ${formatBytes(fetch.total_bytes)} of these`,
    },
    { label: "Check", stage: validate, more: false },
    {
      label: "Index",
      stage: index,
      more: index.total_s > 0 && `${formatDuration(index.done_s)} of ${formatDuration(index.total_s)} of these`,
    },
    { label: "Publish", stage: publish, more: false },
  ];
  return (
    <section className="card" aria-labelledby="stages">
      <h2 id="stages">Stages</h2>
      <ol className="tr-stages">
        {stages.map(({ label, stage, more }) => (
          <li key={label}>
            <strong>{label}</strong>
            <StageBar
              total={transfer.total}
              shares={[
                { label: "through", count: stage.done, tone: "good" },
                { label: "in it now", count: stage.tasks, tone: "accent" },
              ]}
            />
            <span className="small numeric">
              {formatNumber(stage.done)} of {formatNumber(transfer.total)} through
              {stage.tasks > 0 && `, ${formatNumber(stage.tasks)} in it now`}
              {more && `: ${more}`}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
