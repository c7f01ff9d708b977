// A task: its state and since when, why it waits or failed with value, rule and remedy, where it comes from and what became
// of it; another try, and its removal.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";
import { api, type Schema, unwrap } from "../../../api/client";
import { Button, ButtonLink } from "../../../ui/controls";
import { CopyButton, Failure, Loaded, Moment, StageBar } from "../../../ui/display";
import { formatClock, formatDuration } from "../../../ui/format";
import { toast } from "../../../ui/overlays";
import { useAllIndexes } from "../new/known";
import { STAGE_WORDS, STATUS_MEANING, shortId, TaskState } from "../state";

type Task = Schema<"Task">;

const AGAIN_MS = 2_000;

export function TaskDetails({ id, onDeleted }: { id: string; onDeleted: () => void }) {
  const path = { task_id: id };
  const task = useQuery({
    queryKey: ["task", id],
    queryFn: () => unwrap(api.GET("/tasks/{task_id}", { params: { path } })),
    refetchInterval: ({ state }) =>
      state.data && state.data.status !== "ready" && state.data.status !== "failed" ? AGAIN_MS : false,
  });
  return (
    <Loaded query={task} what="the task">
      {(data) => (
        <div className="stack">
          <div>
            <h2 className="breakable">{data.system_metadata?.filename ?? data.object}</h2>
            <div className="row">
              <TaskState task={data} />
              <span className="soft">
                {data.skipped ? "The index had this video; nothing was taken twice." : STATUS_MEANING[data.status]}
              </span>
            </div>
          </div>
          <Why task={data} />
          <Facts task={data} />
          <TaskActions task={data} onDeleted={onDeleted} />
        </div>
      )}
    </Loaded>
  );
}

function Why({ task }: { task: Task }) {
  const { error, process, waiting_for } = task;
  return (
    <>
      {error && (
        <div className="failure">
          <p>
            <strong>{error.message}</strong>
          </p>
          {error.value && (
            <p className="breakable">
              Found: <code>{error.value}</code>
            </p>
          )}
          {error.rule && <p>Allowed: {error.rule}</p>}
          {error.remedy && <p>Next: {error.remedy}</p>}
          <p className="reference">
            {error.code} · reference <code>{task._id}</code>
          </p>
        </div>
      )}
      {waiting_for && <p className="note">It waits: {waiting_for}</p>}
      {process && (
        <div>
          <p>
            {STAGE_WORDS[process.stage] ?? process.stage}: {Math.round(process.percentage)} % of the stage
            {process.remain_seconds != null && `, about ${formatDuration(process.remain_seconds)} left`}
          </p>
          <StageBar total={100} shares={[{ label: "done", count: process.percentage, tone: "accent" }]} />
        </div>
      )}
    </>
  );
}

function Facts({ task }: { task: Task }) {
  const indexes = useAllIndexes();
  const measured = task.system_metadata;
  const index = indexes.data?.all.find((each) => each._id === task.index_id);
  const isEnded = task.status === "ready" || task.status === "failed";
  const tookS = (Date.parse(task.updated_at) - Date.parse(task.created_at)) / 1000;
  return (
    <dl className="tr-facts">
      <dt>Made</dt>
      <dd>
        {/* One run of text: the cell sets its parts apart. */}
        <span>
          <Moment value={task.created_at} isExact /> (<Moment value={task.created_at} />)
        </span>
      </dd>
      <dt>In this state since</dt>
      <dd>
        <span>
          <Moment value={task.updated_at} isExact /> (<Moment value={task.updated_at} />)
          {isEnded && `, ${formatDuration(tookS)} after it was made`}
        </span>
      </dd>
      <dt>From</dt>
      <dd>
        <code>{task.object}</code> <CopyButton text={task.object} label="Copy the address" isIcon />
      </dd>
      <dt>Into the index</dt>
      <dd>
        <Link to={`/indexes/${task.index_id}`}>{index?.index_name ?? shortId(task.index_id)}</Link>
      </dd>
      {task.transfer_id && (
        <>
          <dt>Transfer</dt>
          <dd>
            <Link to={`/transfers/${task.transfer_id}`}>{shortId(task.transfer_id)}</Link>
          </dd>
        </>
      )}
      {measured?.duration != null && (
        <>
          <dt>Measured</dt>
          <dd>
            {formatClock(measured.duration)}
            {measured.width != null && `, ${measured.width} × ${measured.height}`}
          </dd>
        </>
      )}
      <dt>Id</dt>
      <dd>
        <code>{task._id}</code> <CopyButton text={task._id} label="Copy the id" isIcon />
      </dd>
    </dl>
  );
}

function TaskActions({ task, onDeleted }: { task: Task; onDeleted: () => void }) {
  const client = useQueryClient();
  const again = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ["task", task._id] }),
      client.invalidateQueries({ queryKey: ["tasks"] }),
    ]);
  const path = { task_id: task._id };
  const retry = useMutation({
    mutationFn: () => unwrap(api.POST("/tasks/{task_id}/retry", { params: { path } })),
    onSuccess: () => {
      toast("It will be tried again.");
      return again();
    },
  });
  const remove = useMutation({
    mutationFn: () => unwrap(api.DELETE("/tasks/{task_id}", { params: { path } })),
    onSuccess: async () => {
      toast("The task is deleted.");
      onDeleted();
      client.removeQueries({ queryKey: ["task", task._id] });
      await client.invalidateQueries({ queryKey: ["tasks"] });
    },
  });
  const isEnded = task.status === "ready" || task.status === "failed";
  return (
    <>
      <div className="row">
        {task.status === "ready" && task.video_id && (
          <ButtonLink to={`/indexes/${task.index_id}/videos/${task.video_id}`} kind="primary" icon="film">
            To the video
          </ButtonLink>
        )}
        {task.status === "failed" && (
          <Button kind="primary" icon="sync" isPending={retry.isPending} onPress={() => retry.mutate()}>
            Try again
          </Button>
        )}
        {isEnded && (
          <Button kind="danger" icon="trash" isPending={remove.isPending} onPress={() => remove.mutate()}>
            Delete the task
          </Button>
        )}
      </div>
      {(retry.error ?? remove.error) && <Failure error={retry.error ?? remove.error} />}
    </>
  );
}
