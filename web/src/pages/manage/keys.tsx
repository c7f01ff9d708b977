// The page "API keys": who may ask this server, how often, and since when.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { api, type Schema, unwrap } from "../../api/client";
import { useSession } from "../../api/session";
import { Button, Select } from "../../ui/controls";
import { Badge, type Column, Empty, Loaded, Moment, Table } from "../../ui/display";
import { counted } from "../../ui/format";
import { Page } from "../../ui/Page";
import { ChangeLimits, toldLimits } from "./KeyLimits";
import { NewKey } from "./NewKey";
import { RevokeKey } from "./RevokeKey";
import "./manage.css";

export type Key = Schema<"Key">;

/** What is done with a key. */
type Deed = { kind: "limits" | "revoke"; key: Key };

export default function Keys() {
  const keys = useQuery({ queryKey: ["keys"], queryFn: async () => (await unwrap(api.GET("/keys"))).data });
  const [isMaking, setMaking] = useState(false);
  return (
    <Page
      title="API keys"
      lead="A key opens this workspace to a program, or to a person who signs in here."
      actions={
        <Button kind="primary" icon="plus" onPress={() => setMaking(true)}>
          Create key
        </Button>
      }
    >
      <Loaded query={keys} what="the keys">
        {(all) => <KeyList keys={all} />}
      </Loaded>
      <NewKey isOpen={isMaking} onClose={() => setMaking(false)} />
    </Page>
  );
}

function KeyList({ keys }: { keys: readonly Key[] }) {
  const [params, setParams] = useSearchParams();
  const [deed, setDeed] = useState<Deed>();
  const session = useSession().data;
  const working = keys.filter((key) => !key.revoked_at);
  const lists = { working, revoked: keys.filter((key) => key.revoked_at), all: keys };
  const shown = params.get("show") === "revoked" ? "revoked" : params.get("show") === "all" ? "all" : "working";
  const columns: Column<Key>[] = [
    {
      id: "name",
      label: "Name",
      isRowHeader: true,
      cell: (key) => (
        <span className="row">
          <span className="breakable">{key.name}</span>
          {key._id === session?.key_id && <Badge tone="info">You are signed in by it</Badge>}
        </span>
      ),
    },
    { id: "prefix", label: "Begins with", cell: (key) => <code>{key.prefix}…</code> },
    {
      id: "state",
      label: "State",
      cell: (key) =>
        key.revoked_at ? (
          <span>
            <Badge tone="soft">Revoked</Badge> <Moment value={key.revoked_at} />
          </span>
        ) : (
          <Badge tone="good">Works</Badge>
        ),
    },
    { id: "created", label: "Created", cell: (key) => <Moment value={key.created_at} /> },
    { id: "limits", label: "Limits", cell: (key) => toldLimits(key.rate_limits) },
    {
      id: "actions",
      label: <span className="visually-hidden">Actions</span>,
      cardLabel: "Actions",
      cell: (key) =>
        !key.revoked_at && (
          <span className="row end">
            <Button aria-label={`Limits of ${key.name}`} onPress={() => setDeed({ kind: "limits", key })}>
              Limits
            </Button>
            <Button kind="danger" aria-label={`Revoke ${key.name}`} onPress={() => setDeed({ kind: "revoke", key })}>
              Revoke
            </Button>
          </span>
        ),
    },
  ];
  return (
    <>
      <div className="filters">
        <Select
          label="Show"
          choices={[
            { id: "working", label: `Those that work (${lists.working.length})` },
            { id: "revoked", label: `Revoked (${lists.revoked.length})` },
            { id: "all", label: `All (${lists.all.length})` },
          ]}
          value={shown}
          onChange={(show) => setParams(show === "working" ? {} : { show }, { replace: true })}
        />
      </div>
      {lists[shown].length > 0 ? (
        <Table caption="API keys" columns={columns} rows={lists[shown]} rowKey={(key) => key._id} />
      ) : (
        <Empty title="No key here">
          <p>{counted(keys.length, "key")} in all. Choose another list above.</p>
        </Empty>
      )}
      {deed?.kind === "limits" && <ChangeLimits of={deed.key} onClose={() => setDeed(undefined)} />}
      {deed?.kind === "revoke" && (
        <RevokeKey
          of={deed.key}
          isOwn={deed.key._id === session?.key_id}
          isLast={working.length === 1}
          onClose={() => setDeed(undefined)}
        />
      )}
    </>
  );
}
