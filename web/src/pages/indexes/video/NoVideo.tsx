// Where a video would be: its task, which has the same id. Failed: why and what to do; under way: how far; else it was deleted.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api, unwrap } from "../../../api/client";
import { Button, ButtonLink } from "../../../ui/controls";
import { Busy, Empty, Failure, Moment } from "../../../ui/display";
import { isGone } from "./moments";

export function NoVideo({ index, id }: { index: string; id: string }) {
  const {
    data: task,
    error,
    refetch,
  } = useQuery({
    queryKey: ["video", index, id, "task"],
    queryFn: () => unwrap(api.GET("/tasks/{task_id}", { params: { path: { task_id: id } } })),
    refetchInterval: (query) => (["ready", "failed"].includes(query.state.data?.status ?? "failed") ? false : 3000),
  });
  const retry = useMutation({
    mutationFn: () => api.POST("/tasks/{task_id}/retry", { params: { path: { task_id: id } } }),
    onSuccess: () => refetch(),
  });
  if (error && !isGone(error)) return <Failure error={error} onRetry={() => refetch()} />;
  if (!error && !task) return <Busy>Looking for what became of the video…</Busy>;
  const toIndex = <ButtonLink to={`/indexes/${index}`}>To the videos of the index</ButtonLink>;
  if (!task || (task.status === "ready" && !task.skipped)) {
    return (
      <Empty title="There is no such video" action={toIndex}>
        <p>
          {task
            ? `It was indexed (${task.system_metadata?.filename}), and deleted later. Its file may be taken anew.`
            : "It may be deleted, or the address is mistyped."}
        </p>
      </Empty>
    );
  }
  const name = task.system_metadata?.filename ?? task.object;
  if (task.skipped) {
    return (
      <Empty title={`${name} is in the index already`} action={toIndex}>
        <p>
          Its content equals that of a video that was there before:{" "}
          <Link to={`/indexes/${index}/videos/${task.skipped.video_id}`}>open that one</Link>.
        </p>
      </Empty>
    );
  }
  if (task.status === "failed") {
    return (
      <section className="stack" aria-labelledby="failed">
        <div className="failure">
          <h2 id="failed">{name} could not be taken</h2>
          <p>
            <strong>{task.error?.message ?? task.error_message}</strong>
          </p>
          {task.error?.value && (
            <p className="breakable">
              Found: <code>{task.error.value}</code>
            </p>
          )}
          {task.error?.rule && <p>Allowed: {task.error.rule}</p>}
          <p>Next: {task.error?.remedy ?? "retry it; if it stays, look for the task in the server's log."}</p>
          <p className="reference">
            {task.error?.code} · task <code>{task._id}</code> · <Moment value={task.updated_at} />
          </p>
        </div>
        <p className="breakable">From {task.object}</p>
        {retry.error && <Failure error={retry.error} title="It was not tried again." />}
        <div className="row">
          <Button kind="primary" icon="sync" isPending={retry.isPending} onPress={() => retry.mutate()}>
            Try this video again
          </Button>
          <ButtonLink to={`/tasks?index_id=${index}&status=failed`}>All failed tasks of the index</ButtonLink>
          {toIndex}
        </div>
      </section>
    );
  }
  return (
    <Empty title={`${name} is not ready yet`} action={toIndex}>
      <p aria-live="polite">
        It is {task.status}
        {task.process ? `: ${task.process.stage}, ${Math.round(task.process.percentage)} %` : ""}
        {task.waiting_for ? `. ${task.waiting_for}` : ""}. This page opens it as soon as it is ready.
      </p>
    </Empty>
  );
}
