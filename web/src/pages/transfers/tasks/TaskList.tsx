// All tasks, newest first, a page at a time as the server cuts them; the next page is asked for in advance, and the page
// before stays until the next is there.
import { keepPreviousData, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { Link, useSearchParams } from "react-router";
import { api, type Schema, unwrap } from "../../../api/client";
import { Button, ButtonLink } from "../../../ui/controls";
import { type Column, Empty, Loaded, Moment, Pager, Table } from "../../../ui/display";
import { Dialog } from "../../../ui/overlays";
import { Page } from "../../../ui/Page";
import { useAllIndexes } from "../new/known";
import { shortId, TaskState } from "../state";
import { FILTERS, filtersOf, queryOf, type TaskFilters, withFilter } from "./filters";
import { TaskDetails } from "./TaskDetails";
import { TaskFilterBar } from "./TaskFilterBar";

type Task = Schema<"Task">;

const AGAIN_MS = 5_000;
const isFinal = (task: Task) => task.status === "ready" || task.status === "failed";

const page = (filters: TaskFilters, number: number) => {
  const query = queryOf(filters, number);
  return queryOptions({
    queryKey: ["tasks", query],
    // Bounds of moments are beyond what the document can say of a query.
    queryFn: () => unwrap(api.GET("/tasks", { params: { query: query as { page: number } } })),
    staleTime: AGAIN_MS,
  });
};

/** The address as it is now: of two quick changes the second must not undo the first. */
const current = () => new URLSearchParams(window.location.search);

export function TaskList() {
  const [search, setSearch] = useSearchParams();
  const filters = filtersOf(search);
  const number = Math.max(1, Number(search.get("page")) || 1);
  const client = useQueryClient();
  const tasks = useQuery({
    ...page(filters, number),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.data.some((task) => !isFinal(task)) ? AGAIN_MS : false),
  });
  const pages = tasks.data?.page_info.total_page ?? 0;
  const isShown = tasks.isSuccess && !tasks.isPlaceholderData;
  const filterKey = JSON.stringify(filters);
  useEffect(() => {
    if (isShown && number < pages) void client.prefetchQuery(page(JSON.parse(filterKey), number + 1));
  }, [client, filterKey, number, pages, isShown]);

  const filter = useCallback(
    (name: keyof TaskFilters, value: string) => setSearch(withFilter(current(), name, value), { replace: true }),
    [setSearch],
  );
  const clear = () =>
    setSearch(
      FILTERS.reduce((left, name) => withFilter(left, name, ""), current()),
      { replace: true },
    );
  const turn = (to: number) => {
    const next = current();
    if (to === 1) next.delete("page");
    else next.set("page", String(to));
    setSearch(next);
  };
  const opened = search.get("task");
  const isFiltered = FILTERS.some((name) => filters[name] !== "");
  return (
    <Page title="Tasks" lead="Every video that was given, from the newest: where it stands, and why.">
      <TaskFilterBar filters={filters} onFilter={filter} onClear={clear} />
      <Loaded query={tasks} what="the tasks">
        {({ data, page_info }) =>
          page_info.total_results === 0 ? (
            <NoTasks isFiltered={isFiltered} onClear={clear} />
          ) : (
            <>
              <div
                className="tr-tasks-table"
                data-waiting={tasks.isPlaceholderData}
                aria-busy={tasks.isPlaceholderData}
              >
                <Rows tasks={data} search={search} />
              </div>
              <Pager
                page={number}
                pages={pages}
                total={page_info.total_results}
                isAtLeast={page_info.total_relation === "gte"}
                what={page_info.total_results === 1 ? "task" : "tasks"}
                onPage={turn}
              />
            </>
          )
        }
      </Loaded>
      <Drawer
        id={opened}
        onClose={() => {
          const next = current();
          next.delete("task");
          setSearch(next);
        }}
      />
    </Page>
  );
}

function NoTasks({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  if (isFiltered) {
    return (
      <Empty title="No task is like that" action={<Button onPress={onClear}>Clear all filters</Button>}>
        <p>Take a filter away to see more.</p>
      </Empty>
    );
  }
  return (
    <Empty title="There are no tasks yet" action={<ButtonLink to="/transfers/new">New transfer</ButtonLink>}>
      <p>Each video that is given to an index is a task, from its file to its being found.</p>
    </Empty>
  );
}

function Drawer({ id, onClose }: { id: string | null; onClose: () => void }) {
  return (
    <Dialog title="Task" isOpen={id !== null} onClose={onClose} isWide>
      {id !== null && <TaskDetails id={id} onDeleted={onClose} />}
    </Dialog>
  );
}

function Rows({ tasks, search }: { tasks: readonly Task[]; search: URLSearchParams }) {
  const indexes = useAllIndexes();
  const name = (id: string) => indexes.data?.all.find((index) => index._id === id)?.index_name ?? shortId(id);
  const open = (id: string) => {
    const next = new URLSearchParams(search);
    next.set("task", id);
    return `?${next}`;
  };
  const columns: Column<Task>[] = [
    {
      id: "video",
      label: "Video",
      isRowHeader: true,
      cell: (task) => (
        <Link to={open(task._id)} className="tr-one-line" title={task.object}>
          {task.system_metadata?.filename ?? task.object}
        </Link>
      ),
    },
    { id: "state", label: "State", cell: (task) => <TaskState task={task} /> },
    {
      id: "why",
      label: "Why",
      cell: (task) => (
        <span className="tr-one-line small" title={whyOf(task)}>
          {whyOf(task) || "–"}
        </span>
      ),
    },
    { id: "index", label: "Index", cell: (task) => <span className="tr-one-line">{name(task.index_id)}</span> },
    { id: "made", label: "Made", cell: (task) => <When value={task.created_at} /> },
    { id: "changed", label: "Changed", cell: (task) => <When value={task.updated_at} /> },
  ];
  return <Table caption="Tasks" columns={columns} rows={tasks} rowKey={(task) => task._id} />;
}

const When = ({ value }: { value: string }) => (
  <span className="tr-one-line small">
    <Moment value={value} />
  </span>
);

/** In short, why a task is where it is. */
function whyOf(task: Task): string {
  if (task.error) return task.error.value ? `${task.error.message} Found: ${task.error.value}` : task.error.message;
  if (task.skipped) return "The index has this video already.";
  if (task.process) return `${Math.round(task.process.percentage)} % of the stage`;
  return task.waiting_for ?? "";
}
