// The list of indexes: what each can be searched by, how much is in it; and from here each can be renamed and deleted.
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { ButtonLink, MenuButton } from "../../ui/controls";
import { Badge, type Column, Empty, Loaded, Moment, Pager, Table } from "../../ui/display";
import { formatDuration, formatNumber } from "../../ui/format";
import { Page } from "../../ui/Page";
import { ChangeIndex, type IndexChange } from "./ChangeIndex";
import { type Index, OPTION_ICONS, OPTION_NAMES, searchedBy, useIndexes, writerOf } from "./data";

const LIMIT = 20;

export function IndexList() {
  const [params, setParams] = useSearchParams();
  const page = Math.max(1, Number(params.get("page")) || 1);
  const query = useIndexes(page, LIMIT);
  const [change, setChange] = useState<IndexChange>();
  const columns: Column<Index>[] = [
    {
      id: "name",
      label: "Name",
      isRowHeader: true,
      cell: (index) => <Link to={`/indexes/${index._id}`}>{index.index_name}</Link>,
    },
    { id: "options", label: "Searchable by", cell: (index) => <Options index={index} /> },
    {
      id: "engines",
      label: "Engines",
      cell: (index) => (
        <span className="small">{(index.engines ?? []).map((each) => each.engine_name).join(", ")}</span>
      ),
    },
    { id: "videos", label: "Videos", isNumber: true, cell: (index) => formatNumber(index.video_count) },
    { id: "length", label: "Length", isNumber: true, cell: (index) => formatDuration(index.total_duration) },
    { id: "changed", label: "Changed", cell: (index) => <Moment value={index.updated_at} /> },
    {
      id: "actions",
      label: <span className="visually-hidden">Actions</span>,
      cardLabel: "Actions",
      cell: (index) => (
        <MenuButton
          label="Actions"
          kind="quiet"
          about={index.index_name}
          actions={[
            { id: "rename", label: "Rename…", onAction: () => setChange({ kind: "rename", index }) },
            { id: "delete", label: "Delete…", onAction: () => setChange({ kind: "delete", index }) },
          ]}
        />
      ),
    },
  ];
  return (
    <Page
      title="Indexes"
      lead="An index holds videos, searchable by what was chosen when it was made."
      actions={
        <ButtonLink to="/indexes/new" kind="primary" icon="plus">
          Create index
        </ButtonLink>
      }
    >
      <Loaded query={query} what="the indexes">
        {({ data, page_info }) =>
          page_info.total_results === 0 ? (
            <Empty
              title="No indexes yet"
              action={
                <ButtonLink to="/indexes/new" kind="primary" icon="plus">
                  Create the first index
                </ButtonLink>
              }
            >
              <p>
                Videos are searched in an index: it says by what (what is seen, said and written), and which models do
                the work. Create one, then add videos from a connected bucket.
              </p>
            </Empty>
          ) : (
            <>
              <Table caption="Indexes" columns={columns} rows={data} rowKey={(index) => index._id} />
              <Pager
                page={page}
                pages={page_info.total_page}
                total={page_info.total_results}
                what={page_info.total_results === 1 ? "index" : "indexes"}
                onPage={(next) => setParams(next > 1 ? { page: String(next) } : {})}
              />
            </>
          )
        }
      </Loaded>
      <ChangeIndex change={change} onClose={() => setChange(undefined)} />
    </Page>
  );
}

/** By what it can be searched, in words. */
export function Options({ index }: { index: Index }) {
  const options = searchedBy(index);
  return (
    <span className="row">
      {options.map((option) => (
        <Badge key={option} tone="good" icon={OPTION_ICONS[option]}>
          {OPTION_NAMES[option]}
        </Badge>
      ))}
      {options.length === 0 && <Badge tone="soft">Not searchable</Badge>}
      {writerOf(index) && (
        <Badge tone="info" icon="list">
          Text about videos
        </Badge>
      )}
    </span>
  );
}
