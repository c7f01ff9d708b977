// The pages of webhooks: the list, and one of them.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, Route, Routes } from "react-router";
import { NotThere } from "../../App";
import { api, type Schema, unwrap } from "../../api/client";
import { Button } from "../../ui/controls";
import { Badge, type Column, Empty, Loaded, Moment, Table } from "../../ui/display";
import { Page } from "../../ui/Page";
import { WebhookForm } from "./WebhookForm";
import { WebhookPage } from "./WebhookPage";
import "./manage.css";

export type Webhook = Schema<"Webhook">;

export default function Webhooks() {
  return (
    <Routes>
      <Route index element={<List />} />
      <Route path=":id" element={<WebhookPage />} />
      <Route path="*" element={<NotThere />} />
    </Routes>
  );
}

const COLUMNS: readonly Column<Webhook>[] = [
  {
    id: "url",
    label: "Address",
    isRowHeader: true,
    cell: (webhook) => (
      <Link className="breakable" to={webhook._id}>
        {webhook.url}
      </Link>
    ),
  },
  { id: "about", label: "Description", cell: (webhook) => <span className="breakable">{webhook.description}</span> },
  { id: "events", label: "Told of", cell: (webhook) => <span className="small">{webhook.events.join(", ")}</span> },
  { id: "version", label: "Payload", cell: (webhook) => webhook.api_version },
  { id: "state", label: "State", cell: (webhook) => <StateOf webhook={webhook} /> },
  { id: "created", label: "Created", cell: (webhook) => <Moment value={webhook.created_at} /> },
];

export function StateOf({ webhook }: { webhook: Webhook }) {
  return webhook.enabled ? (
    <Badge tone="good">Active</Badge>
  ) : (
    <Badge tone="warn" icon="pause">
      Paused
    </Badge>
  );
}

function List() {
  const webhooks = useQuery({
    queryKey: ["webhooks"],
    queryFn: async () => (await unwrap(api.GET("/webhooks"))).data,
  });
  const [isMaking, setMaking] = useState(false);
  const add = (
    <Button kind="primary" icon="plus" onPress={() => setMaking(true)}>
      Add webhook
    </Button>
  );
  return (
    <Page
      title="Webhooks"
      lead="Telecine tells your servers what happens here: a video is ready, a task failed, a transfer is over."
      actions={add}
    >
      <Loaded query={webhooks} what="the webhooks">
        {(all) =>
          all.length > 0 ? (
            <Table caption="Webhooks" columns={COLUMNS} rows={all} rowKey={(webhook) => webhook._id} />
          ) : (
            <Empty title="No webhook yet">
              <p>
                A webhook is an address of yours that is sent each event as JSON, signed, at least once, and again for
                about a day while it does not answer. With it nobody has to ask whether a task is done.
              </p>
            </Empty>
          )
        }
      </Loaded>
      <WebhookForm isOpen={isMaking} onClose={() => setMaking(false)} />
    </Page>
  );
}
