// What of an index cannot be searched: videos that are on their way, and those that failed, each with cause and remedy.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { api, unwrap } from "../../api/client";
import { Loaded } from "../../ui/display";
import { counted, formatNumber } from "../../ui/format";
import { underWay, useCounts } from "./data";

const SHOWN = 5;
const STAGES = ["validating", "pending", "queued", "indexing"] as const;

export function UnderWay({ index }: { index: string }) {
  const client = useQueryClient();
  const { data: counts } = useCounts(index);
  // Videos that became ready meanwhile are in the list.
  const ready = useRef<number>(undefined);
  useEffect(() => {
    if (!counts) return;
    if (ready.current !== undefined && ready.current !== counts.ready) {
      void client.invalidateQueries({ queryKey: ["index", index] });
    }
    ready.current = counts.ready;
  }, [counts, client, index]);
  if (!counts) return null;
  const waiting = underWay(counts);
  const stages = STAGES.filter((stage) => counts[stage] > 0).map((stage) => `${formatNumber(counts[stage])} ${stage}`);
  return (
    <div>
      <div aria-live="polite">
        {waiting > 0 && (
          <p className="note">
            <strong>{counted(waiting, "video")} cannot be found yet</strong>: {stages.join(", ")}. Each is searchable,
            by all options at once, as soon as it is ready.{" "}
            <Link to={`/tasks?index_id=${index}&status=${STAGES.join(",")}`}>See where they are</Link>
          </p>
        )}
      </div>
      {counts.failed > 0 && <Failed index={index} count={counts.failed} />}
    </div>
  );
}

function Failed({ index, count }: { index: string; count: number }) {
  const query = useQuery({
    queryKey: ["index", index, "failed", count],
    queryFn: () =>
      unwrap(api.GET("/tasks", { params: { query: { index_id: index, status: "failed", page_limit: SHOWN } } })),
  });
  return (
    <details className="card">
      <summary>
        <strong>{counted(count, "video")} could not be taken</strong>{" "}
        <span className="soft">– see why and what to do</span>
      </summary>
      <Loaded query={query} what="what failed">
        {({ data }) => (
          <>
            <ul className="failed-list">
              {data.map((task) => (
                <li key={task._id}>
                  <Link to={`/indexes/${index}/videos/${task._id}`}>
                    {task.system_metadata?.filename ?? task.object}
                  </Link>
                  <br />
                  {task.error?.message} {task.error?.value && <>Found: {task.error.value}. </>}
                  {task.error?.rule && <>Allowed: {task.error.rule}. </>}
                  {task.error?.remedy && <strong>Next: {task.error.remedy}</strong>}
                </li>
              ))}
            </ul>
            <Link to={`/tasks?index_id=${index}&status=failed`}>
              {count > SHOWN ? `All ${formatNumber(count)} of them, to retry` : "Their tasks, to retry"}
            </Link>
          </>
        )}
      </Loaded>
    </details>
  );
}
