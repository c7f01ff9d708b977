// The numbers of a bucket; every number opens the list behind it.
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Schema } from "../../api/client";
import { Donut, Loaded, Moment, Table } from "../../ui/display";
import { formatBytes, formatDuration, formatNumber, formatPercent } from "../../ui/format";
import { type Integration, type Statistics, useStatistics } from "./data";
import { FaultNote } from "./FaultNote";

export function Numbers({ integration }: { integration: Integration }) {
  const statistics = useStatistics(integration._id);
  return (
    <section className="int-numbers" aria-label={`Statistics of ${integration.bucket}`}>
      <Loaded query={statistics} what="statistics">
        {(numbers) => <Shown numbers={numbers} />}
      </Loaded>
    </section>
  );
}

/** A number that opens its list. */
function Count({ value, list, what, more }: { value: number; list: unknown; what: string; more?: ReactNode }) {
  const shown = formatNumber(value);
  return (
    <div className="int-figure">
      <dt>{what}</dt>
      <dd className="numeric">
        {typeof list === "string" ? (
          <Link to={list} aria-label={`${what}: ${shown}. Show the list`}>
            {shown}
          </Link>
        ) : (
          shown
        )}
        {more && <span className="soft small"> {more}</span>}
      </dd>
    </div>
  );
}

function Shown({ numbers }: { numbers: Statistics }) {
  const { lists, as_of } = numbers;
  const videos = numbers.indexed + numbers.not_indexed;
  const percent = formatPercent(numbers.indexed, videos);
  return (
    <>
      <div className="int-numbers-head">
        <Donut
          middle={percent}
          shares={[
            { label: "Indexed", count: numbers.indexed, tone: "good" },
            { label: "Not yet indexed", count: numbers.not_indexed, tone: "soft" },
          ]}
        />
        <dl className="int-figures">
          <Count
            value={numbers.items}
            list={lists.items}
            what="Files in the bucket"
            more={formatBytes(numbers.bytes)}
          />
          <Count
            value={numbers.indexed}
            list={lists.indexed}
            what="Indexed"
            more={videos > 0 ? `${percent} of ${formatNumber(videos)} videos` : "no videos yet"}
          />
          <Count value={numbers.not_indexed} list={lists.not_indexed} what="Not yet indexed" />
          <Count value={numbers.failed} list={lists.failed} what="Failed" more="at the last try" />
          <Count
            value={numbers.changed_since_indexed}
            list={lists.changed_since_indexed}
            what="Changed since indexed"
          />
          <Count value={numbers.indexed_then_deleted} list={lists.indexed_then_deleted} what="Deleted since indexed" />
          <Count
            value={numbers.taken}
            list={lists.taken}
            what="Taken as videos"
            more={
              numbers.hours_known_of > 0
                ? `${formatDuration(numbers.hours * 3600)}, known of ${formatNumber(numbers.hours_known_of)}`
                : formatBytes(numbers.taken_bytes)
            }
          />
          <Count value={numbers.excluded} list={lists.excluded} what="Not taken" />
        </dl>
      </div>
      {numbers.failed_by_code.length > 0 && (
        <Reasons
          title="Failed, by reason"
          rows={numbers.failed_by_code.map(({ code, count, message, remedy, list }) => ({
            id: code,
            count,
            list,
            why: message ?? code,
            next: remedy ?? undefined,
          }))}
        />
      )}
      {numbers.excluded_by_reason.length > 0 && (
        <Reasons
          title="Not taken, by reason"
          rows={numbers.excluded_by_reason.map(({ reason, count, message, bytes, list }) => ({
            id: reason,
            count,
            list,
            why: message,
            next: formatBytes(bytes),
          }))}
        />
      )}
      {numbers.indexes.length > 0 && <ByIndex numbers={numbers} />}
      {numbers.queue?.fault ? (
        <FaultNote title="The queue that tells changes:" fault={numbers.queue.fault as Schema<"Fault">} />
      ) : null}
      <p className="soft small">
        As of the listing <Moment value={as_of.listed_at} />
        {as_of.told_at && (
          <>
            {" "}
            and the change that was told <Moment value={as_of.told_at} />
          </>
        )}
        . Synchronize to see what changed in the bucket since.
      </p>
    </>
  );
}

interface Reason {
  id: string;
  count: number;
  list: string;
  why: string;
  next?: string;
}

function Reasons({ title, rows }: { title: string; rows: readonly Reason[] }) {
  return (
    <div>
      <h2>{title}</h2>
      <ul className="int-reasons">
        {rows.map((row) => (
          <li key={row.id}>
            <Link className="numeric" to={row.list} aria-label={`${formatNumber(row.count)}: ${row.why} Show the list`}>
              {formatNumber(row.count)}
            </Link>
            <span>
              {row.why}
              {row.next && <span className="soft small"> {row.next}</span>}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function ByIndex({ numbers }: { numbers: Statistics }) {
  const link = (value: number, list: unknown, what: string) => (
    <Link to={String(list)} aria-label={`${what}: ${formatNumber(value)}. Show the list`}>
      {formatNumber(value)}
    </Link>
  );
  return (
    <div>
      <h2>By index</h2>
      <Table
        caption="Numbers by index"
        rows={numbers.indexes}
        rowKey={(row) => row.index_id}
        columns={[
          {
            id: "index",
            label: "Index",
            isRowHeader: true,
            cell: (row) => <Link to={`/indexes/${row.index_id}`}>{row.index_name}</Link>,
          },
          {
            id: "indexed",
            label: "Indexed",
            isNumber: true,
            cell: (row) => link(row.indexed, row.lists.indexed, `Indexed in ${row.index_name}`),
          },
          { id: "hours", label: "Length", isNumber: true, cell: (row) => formatDuration(row.indexed_hours * 3600) },
          {
            id: "not",
            label: "Not yet",
            isNumber: true,
            cell: (row) => link(row.not_indexed, row.lists.not_indexed, `Not yet indexed in ${row.index_name}`),
          },
          {
            id: "changed",
            label: "Changed",
            isNumber: true,
            cell: (row) =>
              link(
                row.changed_since_indexed,
                row.lists.changed_since_indexed,
                `Changed since indexed in ${row.index_name}`,
              ),
          },
          {
            id: "failed",
            label: "Failed",
            isNumber: true,
            cell: (row) => link(row.failed, row.lists.failed, `Failed in ${row.index_name}`),
          },
          {
            id: "deleted",
            label: "Deleted since",
            isNumber: true,
            cell: (row) =>
              link(
                row.indexed_then_deleted,
                row.lists.indexed_then_deleted,
                `Deleted since indexed in ${row.index_name}`,
              ),
          },
        ]}
      />
    </div>
  );
}
