// The videos of an index, as cards or as a list, filtered and paged by the address.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { API_BASE, type Schema, send } from "../../api/client";
import { Button, ButtonLink, Select, TextField } from "../../ui/controls";
import { Empty, Loaded, Moment, Pager, Table } from "../../ui/display";
import { formatBytes, formatClock } from "../../ui/format";
import { HoverPreview } from "../../video/HoverPreview";
import type { Video } from "./data";
import { isFiltered, NO_FILTER, problemOf, queryOf, readFilter, type VideoFilter, writeFilter } from "./videoFilter";

const LIMIT = 24;
const ORDERS = [
  { id: "created_at desc", label: "Newest first" },
  { id: "created_at asc", label: "Oldest first" },
  { id: "updated_at desc", label: "Last changed first" },
];
const VIEWS = [
  { id: "cards", label: "Pictures" },
  { id: "list", label: "List" },
];

export function VideoList({ index, hasAny }: { index: string; hasAny: boolean }) {
  const [params, setParams] = useSearchParams();
  const filter = readFilter(params);
  const page = Math.max(1, Number(params.get("page")) || 1);
  const order = ORDERS.find((each) => each.id === params.get("order")) ?? ORDERS[0];
  const view = params.get("view") === "list" ? "list" : "cards";
  const [sortBy = "", sortOption = ""] = order?.id.split(" ") ?? [];
  const asked = new URLSearchParams({
    page: String(page),
    page_limit: String(LIMIT),
    sort_by: sortBy,
    sort_option: sortOption,
    ...queryOf(filter),
  }).toString();
  const query = useQuery({
    queryKey: ["index", index, "videos", asked],
    // Ranges are parameters whose names the document cannot list.
    queryFn: async (): Promise<Schema<"Page_Video">> =>
      (await send(`${API_BASE}/indexes/${index}/videos?${asked}`)).json(),
    placeholderData: (before) => before,
  });

  function set(name: string, value: string | null) {
    const next = new URLSearchParams(params);
    if (value === null) next.delete(name);
    else next.set(name, value);
    if (name !== "page") next.delete("page");
    setParams(next);
  }

  if (!hasAny && !isFiltered(filter)) {
    return (
      <Empty
        title="No videos yet"
        action={
          <ButtonLink to={`/transfers/new?index=${index}`} kind="primary" icon="plus">
            Add videos
          </ButtonLink>
        }
      >
        <p>
          Start a transfer from a connected bucket; each video is here, and can be searched, as soon as it is ready.
        </p>
      </Empty>
    );
  }
  return (
    <section className="stack" aria-labelledby="videos">
      <div className="row spread">
        <h2 id="videos">Videos</h2>
        <div className="row">
          <Select
            label="Order"
            isLabelHidden
            choices={ORDERS}
            value={order?.id ?? null}
            onChange={(id) => set("order", id === ORDERS[0]?.id ? null : id)}
          />
          <Select
            label="Show as"
            isLabelHidden
            choices={VIEWS}
            value={view}
            onChange={(id) => set("view", id === "cards" ? null : id)}
          />
        </div>
      </div>
      <FilterForm
        key={JSON.stringify(filter)}
        filter={filter}
        onFilter={(next) => setParams(writeFilter(params, next))}
      />
      <Loaded query={query} what="the videos">
        {({ data, page_info }) => (
          <>
            {data.length === 0 ? (
              <Empty
                title={isFiltered(filter) ? "No video is like that" : "Nothing on this page"}
                action={<Button onPress={() => setParams(writeFilter(params, NO_FILTER))}>Show all videos</Button>}
              >
                <p>
                  {isFiltered(filter)
                    ? "Widen a bound, or leave the file name out: it must be the whole name."
                    : "The list has fewer pages by now."}
                </p>
              </Empty>
            ) : view === "list" ? (
              <AsList index={index} videos={data} />
            ) : (
              <AsCards index={index} videos={data} />
            )}
            <Pager
              page={page}
              pages={page_info.total_page}
              total={page_info.total_results}
              what={page_info.total_results === 1 ? "video" : "videos"}
              onPage={(next) => set("page", next > 1 ? String(next) : null)}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}

const nameOf = (video: Video) => video.system_metadata?.filename ?? video.object;
const lengthOf = (video: Video) => formatClock(video.system_metadata?.duration ?? 0);

function AsCards({ index, videos }: { index: string; videos: readonly Video[] }) {
  return (
    <ul className="cards-grid">
      {videos.map((video) => (
        <li key={video._id} className="card video-card">
          <Link to={`/indexes/${index}/videos/${video._id}`}>
            <HoverPreview
              index={index}
              video={video._id}
              start={Math.min(1, (video.system_metadata?.duration ?? 0) / 4)}
              picture={video.hls?.thumbnail_urls[0]}
            >
              {lengthOf(video)}
            </HoverPreview>
            <span className="breakable">{nameOf(video)}</span>
          </Link>
          <span className="small soft">
            {formatBytes(video.system_metadata?.size ?? 0)} · <Moment value={video.created_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function AsList({ index, videos }: { index: string; videos: readonly Video[] }) {
  return (
    <Table
      caption="Videos"
      rows={videos}
      rowKey={(video) => video._id}
      columns={[
        {
          id: "name",
          label: "File",
          isRowHeader: true,
          cell: (video) => <Link to={`/indexes/${index}/videos/${video._id}`}>{nameOf(video)}</Link>,
        },
        { id: "length", label: "Length", isNumber: true, cell: lengthOf },
        {
          id: "size",
          label: "Size",
          isNumber: true,
          cell: (video) => formatBytes(video.system_metadata?.size ?? 0),
        },
        {
          id: "picture",
          label: "Picture",
          isNumber: true,
          cell: (video) => `${video.system_metadata?.width}×${video.system_metadata?.height}`,
        },
        { id: "from", label: "From", cell: (video) => <span className="small breakable">{video.object}</span> },
        { id: "added", label: "Added", cell: (video) => <Moment value={video.created_at} /> },
      ]}
    />
  );
}

const LABELS: Record<keyof VideoFilter, string> = {
  filename: "Whole file name",
  longerThan: "At least minutes",
  shorterThan: "At most minutes",
  from: "Added from day",
  to: "Added to day",
  largerThan: "At least MB",
  smallerThan: "At most MB",
};

function FilterForm({ filter, onFilter }: { filter: VideoFilter; onFilter: (filter: VideoFilter) => void }) {
  const [draft, setDraft] = useState(filter);
  const fields = Object.keys(LABELS) as (keyof VideoFilter)[];
  const problems = fields.filter((field) => problemOf(field, draft[field]) !== undefined);
  return (
    <details className="card" open={isFiltered(filter) || undefined}>
      <summary>
        Filter{" "}
        <span className="soft">
          {isFiltered(filter)
            ? `· ${fields
                .filter((field) => filter[field])
                .map((field) => `${LABELS[field].toLowerCase()}: ${filter[field]}`)
                .join(" · ")}`
            : "by name, length, day and size"}
        </span>
      </summary>
      <form
        className="filter-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (problems.length === 0) onFilter(draft);
        }}
      >
        {fields.map((field) => (
          <TextField
            key={field}
            label={LABELS[field]}
            value={draft[field]}
            onChange={(value) => setDraft({ ...draft, [field]: value })}
            error={problemOf(field, draft[field])}
            type={field === "from" || field === "to" ? "date" : "text"}
            inputMode={field === "filename" ? "text" : "decimal"}
          />
        ))}
        <div className="row end">
          <Button onPress={() => onFilter(NO_FILTER)} isDisabled={!isFiltered(filter)}>
            Clear
          </Button>
          <Button type="submit" kind="primary">
            Filter
          </Button>
        </div>
      </form>
    </details>
  );
}
