// What workers have in hand of a transfer now.
import { Link } from "react-router";
import { StageBar, Table } from "../../../ui/display";
import { formatPercent } from "../../../ui/format";
import { STAGE_WORDS } from "../state";
import type { TransferNow } from "./TransferPage";

/** More are told by the list of tasks. */
const MOST = 20;

export function InHand({ transfer }: { transfer: TransferNow }) {
  const { in_hand, paused_at } = transfer;
  return (
    <section aria-labelledby="in-hand">
      <h2 id="in-hand">In hand now</h2>
      {in_hand.length === 0 ? (
        <p className="soft">
          {paused_at
            ? "Nothing: the transfer is paused."
            : "Nothing: the workers are busy with other videos, or wait for the bucket. Each waiting task says why."}
        </p>
      ) : (
        <Table
          caption="Videos that are worked on now"
          rows={in_hand.slice(0, MOST)}
          rowKey={(task) => task._id}
          columns={[
            {
              id: "file",
              label: "Video",
              isRowHeader: true,
              cell: (task) => (
                <Link to={`/tasks/${task._id}`} className="breakable">
                  {task.filename}
                </Link>
              ),
            },
            { id: "stage", label: "Stage", cell: (task) => STAGE_WORDS[task.stage] ?? task.stage },
            {
              id: "done",
              label: "Of the stage",
              isNumber: true,
              cell: (task) => formatPercent(task.fraction, 1),
            },
            {
              id: "bar",
              label: <span className="visually-hidden">Progress</span>,
              cell: (task) => (
                <span className="tr-in-hand-bar">
                  <StageBar total={1} shares={[{ label: "done", count: task.fraction, tone: "accent" }]} />
                </span>
              ),
            },
          ]}
        />
      )}
      {in_hand.length > MOST && (
        <p className="soft">
          … and{" "}
          <Link to={`/tasks?transfer_id=${transfer._id}&state=validating,indexing`}>{in_hand.length - MOST} more</Link>
        </p>
      )}
    </section>
  );
}
