// The table of objects: what each is, whether it is taken, and what became of it in each index.
import { Link } from "react-router";
import type { Schema } from "../../api/client";
import { Button } from "../../ui/controls";
import { Badge, Busy, type Column, Failure, Moment } from "../../ui/display";
import { formatBytes, formatClock } from "../../ui/format";
import { useProbe } from "./data";
import { IN_INDEX } from "./words";

type BucketObject = Schema<"BucketObject">;

/** Lengths are in the files: they are read when asked for. */
export function Headers({ id, objects }: { id: string; objects: readonly BucketObject[] }) {
  const probe = useProbe(id);
  const unknown = objects.filter((object) => object.is_video && !object.header && !object.removed_at);
  if (unknown.length === 0 && !probe.data) return null;
  const failed = probe.data?.filter((read) => read.error).length ?? 0;
  return (
    <div className="row">
      <Button
        onPress={() => probe.mutate(unknown.map((object) => object.key))}
        isPending={probe.isPending}
        isDisabled={unknown.length === 0}
      >
        Read lengths and picture sizes
      </Button>
      {probe.isPending && <Busy>Reading the beginnings of {unknown.length} files…</Busy>}
      {probe.data && (
        <span role="status" className="soft">
          {probe.data.length - failed} read{failed > 0 && `, ${failed} could not be read: they may be no videos`}.
        </span>
      )}
      {probe.error ? <Failure error={probe.error} /> : null}
    </div>
  );
}

export const columns = (named: ReadonlyMap<string, string>): Column<BucketObject>[] => [
  {
    id: "key",
    label: "Key",
    isRowHeader: true,
    cell: (object) => (
      <span className="breakable mono int-key-cell" title={object.object}>
        {object.key}
      </span>
    ),
  },
  { id: "size", label: "Size", isNumber: true, cell: (object) => formatBytes(object.size_bytes) },
  {
    id: "length",
    label: "Length",
    isNumber: true,
    cell: ({ header }) =>
      header ? (
        <span title={`${header.video_codec}, ${header.width} × ${header.height}`}>
          {header.duration_s ? formatClock(header.duration_s) : "unknown"}{" "}
          <span className="soft">{header.height}p</span>
        </span>
      ) : (
        <span className="soft">–</span>
      ),
  },
  {
    id: "modified",
    label: "Changed",
    cell: (object) =>
      object.removed_at ? (
        <>
          Gone <Moment value={object.removed_at} />
        </>
      ) : (
        <Moment value={object.modified_at} />
      ),
  },
  {
    id: "decision",
    label: "Taken",
    cell: (object) =>
      object.decision === "taken" ? (
        <Badge tone="good">Taken</Badge>
      ) : (
        <span>
          <Badge tone="soft">Not taken</Badge> <span className="small">{object.reason_message}</span>
        </span>
      ),
  },
  {
    id: "indexes",
    label: "In indexes",
    cell: (object) =>
      object.indexes.length === 0 ? (
        <span className="soft">In none</span>
      ) : (
        <ul className="int-indexes">
          {object.indexes.map((place) => (
            <li key={place.index_id}>
              <Place place={place} name={named.get(place.index_id) ?? place.index_id} />
            </li>
          ))}
        </ul>
      ),
  },
];

function Place({ place, name }: { place: Schema<"ObjectInIndex">; name: string }) {
  const { label, tone } = IN_INDEX[place.state] ?? { label: place.state, tone: "soft" as const };
  return (
    <>
      <Badge tone={tone}>{label}</Badge>{" "}
      {place.video_id && place.state !== "failed" ? (
        <Link to={`/indexes/${place.index_id}/videos/${place.video_id}`}>{name}</Link>
      ) : (
        <Link to={`/tasks/${place.task_id}`} aria-label={`The task of ${name}`}>
          {name}
        </Link>
      )}
      {place.error && (
        <span className="small int-block">
          {place.error.message} {place.error.value && `Found: ${place.error.value}.`}{" "}
          {place.error.remedy && `Next: ${place.error.remedy}`}
        </span>
      )}
    </>
  );
}
