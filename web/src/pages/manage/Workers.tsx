// Classes of work with their places: how many are taken.
import { StageBar } from "../../ui/display";
import { formatBytes, formatNumber } from "../../ui/format";
import type { System } from "./useSystem";

type WorkClass = System["workers"][number];

const NAMES: Record<string, string> = {
  tasks: "Tasks in hand",
  fetch: "Fetching",
  decode: "Decoding",
  inferences: "Inference",
  streams: "Making streams",
  room: "Room for files at work",
};

export function Workers({ workers }: { workers: readonly WorkClass[] }) {
  return (
    <section className="card" aria-labelledby="workers">
      <h2 id="workers">Workers</h2>
      {workers.length === 0 && (
        <p>This process works on no tasks: it only serves. Others with the same data folder or queue do the work.</p>
      )}
      <ul className="manage-plain manage-meters">
        {workers.map((each) => (
          <li key={each.name}>
            <div className="row spread">
              <span>{NAMES[each.name] ?? each.name}</span>
              <span className="numeric">
                {amount(each, each.in_use)} of {amount(each, each.limit)}
              </span>
            </div>
            <StageBar
              shares={[{ label: "taken", count: each.in_use, tone: each.in_use >= each.limit ? "info" : "accent" }]}
              total={each.limit}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

const amount = ({ unit }: WorkClass, value: number) => (unit === "bytes" ? formatBytes(value) : formatNumber(value));
