// The transfers of the workspace, newest first.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { api, type Schema, unwrap } from "../../api/client";
import { ButtonLink } from "../../ui/controls";
import { Empty, Loaded, Moment, Pager, StageBar, Table } from "../../ui/display";
import { formatMoment, formatNumber, formatPercent } from "../../ui/format";
import { Page } from "../../ui/Page";
import { finished, sharesOf, TransferState } from "./state";

type Transfer = Schema<"Transfer">;

const PER_PAGE = 20;
const AGAIN_MS = 4_000;

const newOne = (
  <ButtonLink to="/transfers/new" kind="primary" icon="plus">
    New transfer
  </ButtonLink>
);

export function TransferList() {
  const [search, setSearch] = useSearchParams();
  const page = Math.max(1, Number(search.get("page")) || 1);
  const transfers = useQuery({
    queryKey: ["transfers", page],
    queryFn: () => unwrap(api.GET("/transfers", { params: { query: { page, page_limit: PER_PAGE } } })),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.data.some((each) => !each.is_finished) ? AGAIN_MS : false),
  });
  return (
    <Page
      title="Transfers"
      lead="What was taken from buckets, manifest by manifest."
      actions={transfers.data?.page_info.total_results === 0 ? undefined : newOne}
    >
      <Loaded query={transfers} what="the transfers">
        {({ data, page_info }) =>
          page_info.total_results === 0 ? (
            <Empty title="Nothing was transferred yet" action={newOne}>
              <p>
                A transfer takes videos from a connected bucket into an index: all that the index does not have, or
                those that a manifest names.
              </p>
            </Empty>
          ) : (
            <>
              <Table caption="Transfers" columns={COLUMNS} rows={data} rowKey={(transfer) => transfer._id} />
              <Pager
                page={page}
                pages={page_info.total_page}
                total={page_info.total_results}
                what={page_info.total_results === 1 ? "transfer" : "transfers"}
                onPage={(next) => setSearch(next === 1 ? {} : { page: String(next) })}
              />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

const COLUMNS = [
  {
    id: "transfer",
    label: "Transfer",
    isRowHeader: true,
    cell: (transfer: Transfer) => (
      <Link to={`/transfers/${transfer._id}`}>
        <span className="visually-hidden">Transfer of </span>
        {formatMoment(transfer.created_at)}
      </Link>
    ),
  },
  { id: "state", label: "State", cell: (transfer: Transfer) => <TransferState transfer={transfer} /> },
  {
    id: "progress",
    label: "Progress",
    cell: ({ counts, total }: Transfer) => (
      <div className="tr-list-progress">
        <StageBar shares={sharesOf(counts)} total={total} />
        <span className="small soft numeric">
          {formatNumber(finished(counts))} of {formatNumber(total)}, {formatPercent(finished(counts), total)}
        </span>
      </div>
    ),
  },
  { id: "ready", label: "Ready", isNumber: true, cell: ({ counts }: Transfer) => formatNumber(counts.ready) },
  {
    id: "skipped",
    label: "There already",
    isNumber: true,
    cell: ({ counts }: Transfer) => formatNumber(counts.skipped),
  },
  { id: "failed", label: "Failed", isNumber: true, cell: ({ counts }: Transfer) => formatNumber(counts.failed) },
  {
    id: "ended",
    label: "Ended",
    cell: ({ ended_at }: Transfer) => (ended_at ? <Moment value={ended_at} /> : <span className="soft">not yet</span>),
  },
];
