// "Connected Integrations": the buckets as rows, what can be done with them, and what an integration is where there is none.
import { useEffect, useRef, useState } from "react";
import { Checkbox, IconButton, MenuButton } from "../../ui/controls";
import { type Column, CopyButton, Empty, Loaded, Moment, Table } from "../../ui/display";
import { counted } from "../../ui/format";
import { Page } from "../../ui/Page";
import { listed, useAddress } from "./address";
import { Connect } from "./Connect";
import { Deleted, DeleteIntegrations } from "./Delete";
import { type Integration, useIntegrations } from "./data";
import { GetJson } from "./GetJson";
import { BucketCell, GetJsonCell, StatusCell, SynchronizeCell } from "./Row";
import { Numbers } from "./Statistics";
import { PROVIDERS, providerName } from "./words";

export function ConnectedIntegrations() {
  const integrations = useIntegrations();
  const [address, change] = useAddress();
  const list = integrations.data ?? [];
  const add = (
    <MenuButton
      label="Add Integration"
      kind="primary"
      actions={PROVIDERS.map(({ id, label }) => ({ id, label, onAction: () => change({ add: id }, { isStep: true }) }))}
    />
  );
  const wanted = list.find((integration) => integration._id === address.get("get-json"));
  return (
    <Page
      title="Connected Integrations"
      lead="Buckets whose videos this server may read. Nothing is ever written to them."
      actions={list.length > 0 && add}
    >
      <Loaded query={integrations} what="integrations">
        {(found) => (found.length > 0 ? <Connected integrations={found} /> : <Nothing add={add} />)}
      </Loaded>
      <Deleted />
      <Connect provider={address.get("add")} onClose={() => change({ add: null })} />
      {wanted && <GetJson integration={wanted} />}
    </Page>
  );
}

function Nothing({ add }: { add: React.ReactNode }) {
  return (
    <Empty title="No bucket is connected yet" action={add}>
      <p>
        An integration lets this server read the videos of a bucket, so that you can choose, transfer and index them
        without downloading anything yourself.
      </p>
      <ul className="int-promises">
        <li>
          <strong>What we can read:</strong> the list of the objects in the bucket, or below a folder of it that you
          name, and the objects themselves.
        </li>
        <li>
          <strong>What we can never do:</strong> write, change or delete anything; see other buckets; let anyone else
          in. The role that you create demands an id that only this server has.
        </li>
        <li>
          <strong>You stay in charge:</strong> take the role away and access ends at once.
        </li>
      </ul>
    </Empty>
  );
}

function Connected({ integrations }: { integrations: readonly Integration[] }) {
  const [address, change] = useAddress();
  const [ticked, setTicked] = useState<readonly string[]>([]);
  const [isDeleting, setDeleting] = useState(false);
  const ids = integrations.map((integration) => integration._id);
  const selected = ids.filter((id) => ticked.includes(id));
  const open = listed(address, "open");
  const toggle = (list: readonly string[], id: string) =>
    list.includes(id) ? list.filter((each) => each !== id) : [...list, id];

  const tools = useRef<HTMLDivElement>(null);
  const isParted = useRef(false);
  // The button that deletes is disabled afterwards: the focus stays beside it.
  useEffect(() => {
    if (selected.length > 0 || !isParted.current) return;
    isParted.current = false;
    const timer = setTimeout(() => tools.current?.querySelector<HTMLElement>("input")?.focus(), 50);
    return () => clearTimeout(timer);
  }, [selected.length]);

  const columns: Column<Integration>[] = [
    {
      id: "tick",
      label: <span className="visually-hidden">Select</span>,
      cardLabel: "Select",
      cell: (row) => (
        <Checkbox
          aria-label={`Select ${row.bucket}`}
          isSelected={selected.includes(row._id)}
          onChange={() => setTicked(toggle(selected, row._id))}
        />
      ),
    },
    {
      id: "synchronize",
      label: <span className="visually-hidden">Synchronize</span>,
      cardLabel: "Synchronize",
      cell: (row) => <SynchronizeCell integration={row} />,
    },
    { id: "provider", label: "Provider", cell: (row) => providerName(row.provider) },
    { id: "bucket", label: "Bucket", isRowHeader: true, cell: (row) => <BucketCell integration={row} /> },
    {
      id: "id",
      label: "Integration ID",
      cell: (row) => (
        <span className="int-id-cell">
          <code title={row._id}>{row._id}</code>
          <CopyButton isIcon text={row._id} label={`Copy the id of ${row.bucket}`} />
        </span>
      ),
    },
    { id: "status", label: "Status", cell: (row) => <StatusCell integration={row} /> },
    {
      id: "updated",
      label: "Last updated",
      cell: (row) =>
        row.synchronized_at ? (
          <Moment value={row.synchronized_at} />
        ) : (
          <span className="soft">not synchronized yet</span>
        ),
    },
    {
      id: "json",
      label: "List of videos",
      cell: (row) => <GetJsonCell integration={row} onOpen={() => change({ "get-json": row._id }, { isStep: true })} />,
    },
    {
      id: "open",
      label: <span className="visually-hidden">Statistics</span>,
      cardLabel: "Statistics",
      cell: (row) => (
        <IconButton
          icon={open.includes(row._id) ? "up" : "down"}
          label={`${open.includes(row._id) ? "Hide" : "Show"} the statistics of ${row.bucket}`}
          aria-expanded={open.includes(row._id)}
          onPress={() => change({ open: toggle(open, row._id).join(",") })}
        />
      ),
    },
  ];
  return (
    <section className="stack" aria-label="Connected buckets">
      <div className="row" ref={tools}>
        <Checkbox
          isSelected={selected.length === ids.length}
          isIndeterminate={selected.length > 0 && selected.length < ids.length}
          onChange={(all) => setTicked(all ? ids : [])}
        >
          Select all
        </Checkbox>
        <IconButton
          icon="trash"
          label="Delete the selected integrations"
          isDisabled={selected.length === 0}
          onPress={() => setDeleting(true)}
        />
        <span className="soft" aria-live="polite">
          {selected.length > 0 ? `${counted(selected.length, "integration")} selected` : "Select rows to delete them."}
        </span>
      </div>
      <Table
        caption="Connected integrations"
        columns={columns}
        rows={integrations}
        rowKey={(row) => row._id}
        after={(row) => open.includes(row._id) && <Numbers integration={row} />}
      />
      {isDeleting && (
        <DeleteIntegrations
          ids={selected}
          onClose={() => setDeleting(false)}
          onDeleted={() => {
            isParted.current = true;
            setDeleting(false);
            setTicked([]);
          }}
        />
      )}
    </section>
  );
}
