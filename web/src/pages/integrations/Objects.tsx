// The objects of a bucket, narrowed by what the address says: the list behind every number.
import { useEffect, useRef, useState } from "react";
import { Link, useParams } from "react-router";
import type { Schema } from "../../api/client";
import { Button, ButtonLink, IconButton, Select, TextField } from "../../ui/controls";
import { Badge, Busy, type Column, Empty, Failure, Loaded, Moment, Pager, Table } from "../../ui/display";
import { formatBytes, formatClock } from "../../ui/format";
import { Page } from "../../ui/Page";
import { useAddress } from "./address";
import { useIndexChoices, useIntegration, useObjects, useProbe } from "./data";
import { address, IN_INDEX, OBJECT_STATES } from "./words";

type BucketObject = Schema<"BucketObject">;

/** What of the address is asked of the server. */
const ASKED = [
  ...["state", "index_id", "code", "reason", "key", "prefix", "glob", "exclude", "min_bytes", "max_bytes"],
  ...["modified_after", "modified_before", "storage_class", "page"],
];
/** What has no control of its own is a chip that can be taken away. */
const CHIPS: Record<string, string> = {
  code: "Failed with",
  reason: "Not taken:",
  key: "Key",
  exclude: "Not",
  min_bytes: "At least (bytes)",
  max_bytes: "At most (bytes)",
  modified_after: "Changed after",
  modified_before: "Changed before",
  storage_class: "Storage class",
};

export function Objects() {
  const { id = "" } = useParams();
  const [params, change] = useAddress();
  const integration = useIntegration(id);
  const indexes = useIndexChoices();
  const query = Object.fromEntries(ASKED.flatMap((name) => [[name, params.get(name) ?? ""]]).filter(([, v]) => v));
  const objects = useObjects(id, query);
  const state = params.get("state") ?? (params.get("key") ? "any" : "present");
  const narrow = (changes: Record<string, string | null>) => change({ ...changes, page: null });
  const named = new Map((indexes.data ?? []).map((index) => [index._id as string, index.index_name]));
  return (
    <Page
      title={OBJECT_STATES.find((each) => each.id === state)?.label ?? "Objects"}
      lead={
        integration.data && (
          <>
            Objects of <Link to={`/integrations/${id}`}>{address(integration.data)}</Link>, as of the listing{" "}
            <Moment value={integration.data.synchronized_at} />
          </>
        )
      }
      actions={<ButtonLink to={`/integrations?open=${id}`}>To the numbers</ButtonLink>}
    >
      <section className="int-fields" aria-label="Which objects">
        <Select
          label="List"
          choices={OBJECT_STATES}
          value={state}
          onChange={(next) => narrow({ state: next, code: null, reason: null })}
        />
        <Select
          label="In the index"
          choices={[{ id: "", label: "Any index" }, ...[...named].map(([id, label]) => ({ id, label }))]}
          value={params.get("index_id") ?? ""}
          onChange={(index) => narrow({ index_id: index })}
        />
        <Typed label="Key begins with" value={params.get("prefix") ?? ""} onChange={(prefix) => narrow({ prefix })} />
        <Typed
          label="Key matches"
          hint="* stays within a folder, ** does not"
          value={params.get("glob") ?? ""}
          onChange={(glob) => narrow({ glob })}
        />
      </section>
      <Chips onTake={(name) => narrow({ [name]: null })} />
      <Loaded query={objects} what="objects">
        {(found) => {
          const { page = 1, total_page, total_results } = found.page_info;
          return (
            <div className="stack" aria-busy={objects.isPlaceholderData}>
              {found.data.length === 0 ? (
                <Empty title="No object is on this list">
                  <p>
                    Take a filter away, choose another list, or synchronize the integration if the bucket has changed.
                  </p>
                </Empty>
              ) : (
                <>
                  <Headers id={id} objects={found.data} />
                  <Table caption="Objects" columns={columns(named)} rows={found.data} rowKey={(object) => object.key} />
                </>
              )}
              <Pager
                what="objects"
                page={page ?? 1}
                pages={total_page ?? 1}
                total={total_results ?? 0}
                onPage={(next) => change({ page: String(next) }, { isStep: true })}
              />
            </div>
          );
        }}
      </Loaded>
    </Page>
  );
}

/** A text that narrows the list when it was left alone for a moment. */
function Typed({
  label,
  hint,
  value,
  onChange,
}: {
  label: string;
  hint?: string;
  value: string;
  onChange: (v: string) => void;
}) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  // What was not sent from here came by the address; what was is overtaken by what is typed since.
  useEffect(() => {
    if (value !== sent.current) setText(value);
    sent.current = value;
  }, [value]);
  useEffect(() => {
    if (text === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text;
      onChange(text);
    }, 350);
    return () => clearTimeout(timer);
  });
  return <TextField label={label} hint={hint} value={text} onChange={setText} />;
}

function Chips({ onTake }: { onTake: (name: string) => void }) {
  const [params] = useAddress();
  const shown = Object.entries(CHIPS).filter(([name]) => params.get(name));
  if (shown.length === 0) return null;
  return (
    <ul className="row int-chips" aria-label="Filters">
      {shown.map(([name, label]) => (
        <li key={name} className="chip">
          {label} <code className="breakable">{params.get(name)}</code>
          <IconButton
            icon="cross"
            label={`Take the filter “${label} ${params.get(name)}” away`}
            onPress={() => onTake(name)}
          />
        </li>
      ))}
    </ul>
  );
}

/** Lengths are in the files: they are read when asked for. */
function Headers({ id, objects }: { id: string; objects: readonly BucketObject[] }) {
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

const columns = (named: ReadonlyMap<string, string>): Column<BucketObject>[] => [
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
