// The listings of a bucket so far: when, why, what each found.
import { Badge, Empty, Loaded, Moment, Pager, Table } from "../../ui/display";
import { formatNumber } from "../../ui/format";
import { useAddress } from "./address";
import { type Integration, useSynchronizations } from "./data";
import { Progress } from "./Row";
import { SYNC_STATES, TRIGGERS } from "./words";

const LIMIT = 20;

export function Synchronizations({ integration }: { integration: Integration }) {
  const [params, change] = useAddress();
  const page = Number(params.get("page") ?? 1);
  const runs = useSynchronizations(integration._id, page, LIMIT);
  const running = runs.data?.data.find((run) => run.state === "running");
  return (
    <div className="stack">
      {running && <Progress run={running} integration={integration} />}
      <Loaded query={runs} what="synchronizations">
        {({ data, page_info }) =>
          data.length === 0 ? (
            <Empty title="The bucket was not listed yet">
              <p>Press the icon “Synchronize data” above: its objects are listed, nothing is read or changed.</p>
            </Empty>
          ) : (
            <>
              <Table
                caption="Synchronizations"
                rows={data}
                rowKey={(run) => run._id}
                columns={[
                  { id: "at", label: "Begun", isRowHeader: true, cell: (run) => <Moment value={run.started_at} /> },
                  { id: "why", label: "Why", cell: (run) => TRIGGERS[run.trigger] },
                  {
                    id: "state",
                    label: "State",
                    cell: (run) => (
                      <>
                        <Badge tone={SYNC_STATES[run.state].tone}>{SYNC_STATES[run.state].label}</Badge>
                        {run.fault && (
                          <span className="small int-block">
                            {run.fault.message} {run.fault.remedy && `Next: ${run.fault.remedy}`}
                          </span>
                        )}
                      </>
                    ),
                  },
                  { id: "items", label: "Objects", isNumber: true, cell: (run) => formatNumber(run.items) },
                  { id: "videos", label: "Videos", isNumber: true, cell: (run) => formatNumber(run.videos) },
                  { id: "added", label: "New", isNumber: true, cell: (run) => formatNumber(run.added) },
                  { id: "changed", label: "Changed", isNumber: true, cell: (run) => formatNumber(run.changed) },
                  { id: "removed", label: "Gone", isNumber: true, cell: (run) => formatNumber(run.removed) },
                  { id: "requests", label: "Requests", isNumber: true, cell: (run) => formatNumber(run.requests) },
                ]}
              />
              <Pager
                what="synchronizations"
                page={page}
                pages={page_info.total_page}
                total={page_info.total_results}
                onPage={(next) => change({ page: String(next) }, { isStep: true })}
              />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
