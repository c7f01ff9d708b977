// The objects of a bucket, narrowed by what the address says: the list behind every number.
import { useEffect, useRef, useState } from "react";
import { Link, useParams } from "react-router";
import { ButtonLink, IconButton, Select, TextField } from "../../ui/controls";
import { Empty, Loaded, Moment, Pager, Table } from "../../ui/display";
import { Page } from "../../ui/Page";
import { useAddress } from "./address";
import { useIndexChoices, useIntegration, useObjects } from "./data";
import { columns, Headers } from "./ObjectsTable";
import { address, OBJECT_STATES } from "./words";

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
