// One webhook: what it is told, how a test was answered, what became of each event; pause, another secret, delete.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { NotThere } from "../../App";
import { ApiFailure, api, type Schema, unwrap } from "../../api/client";
import { Button, ButtonLink, MenuButton } from "../../ui/controls";
import { CopyButton, Failure, Loaded, Moment } from "../../ui/display";
import { toast } from "../../ui/overlays";
import { Page } from "../../ui/Page";
import { Deliveries, Told } from "./Deliveries";
import { EVENTS } from "./events";
import { WebhookForm } from "./WebhookForm";
import { DeleteWebhook, RotateSecret } from "./WebhookQuestions";
import { StateOf } from "./webhooks";

type Webhook = Schema<"Webhook">;

export function WebhookPage() {
  const { id = "" } = useParams();
  const webhook = useQuery({
    queryKey: ["webhooks", id],
    queryFn: () => unwrap(api.GET("/webhooks/{webhook_id}", { params: { path: { webhook_id: id } } })),
  });
  if (webhook.error instanceof ApiFailure && [400, 404].includes(webhook.error.status)) return <NotThere />;
  if (webhook.data)
    return (
      <Loaded query={webhook} what="the webhook">
        {(it) => <View webhook={it} />}
      </Loaded>
    );
  return (
    <Page title="Webhook">
      <Loaded query={webhook} what="the webhook">
        {() => null}
      </Loaded>
    </Page>
  );
}

function View({ webhook }: { webhook: Webhook }) {
  const client = useQueryClient();
  const [opened, setOpened] = useState<"edit" | "rotate" | "delete">();
  const path = { webhook_id: webhook._id };
  const close = () => setOpened(undefined);
  const pause = useMutation({
    mutationFn: (enabled: boolean) =>
      unwrap(api.PATCH("/webhooks/{webhook_id}", { params: { path }, body: { enabled } })),
    onSuccess: async (changed) => {
      await client.invalidateQueries({ queryKey: ["webhooks"] });
      toast(changed.enabled ? "The webhook is active again." : "The webhook is paused: it is told nothing.");
    },
  });
  const test = useMutation({
    mutationFn: () => unwrap(api.POST("/webhooks/{webhook_id}/test", { params: { path } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["deliveries", webhook._id] }),
  });
  return (
    <Page
      title={`Webhook to ${hostOf(webhook.url)}`}
      lead={webhook.description}
      actions={
        <>
          <Button kind="primary" isPending={test.isPending} onPress={() => test.mutate()}>
            {test.isPending ? "Sending a test…" : "Send a test"}
          </Button>
          <Button
            icon={webhook.enabled ? "pause" : "play"}
            isPending={pause.isPending}
            onPress={() => pause.mutate(!webhook.enabled)}
          >
            {webhook.enabled ? "Pause" : "Resume"}
          </Button>
          <MenuButton
            label="More"
            actions={[
              { id: "edit", label: "Change…", onAction: () => setOpened("edit") },
              { id: "rotate", label: "Another secret…", onAction: () => setOpened("rotate") },
              { id: "delete", label: "Delete…", onAction: () => setOpened("delete") },
            ]}
          />
        </>
      }
    >
      <div>
        <ButtonLink to="/webhooks" kind="quiet" icon="left">
          All webhooks
        </ButtonLink>
      </div>
      {pause.error ? <Failure error={pause.error} /> : null}
      <section className="card" aria-label="What it is told">
        <dl className="manage-facts">
          <dt>State</dt>
          <dd>
            <StateOf webhook={webhook} /> {!webhook.enabled && "What happens meanwhile is not told; what waits, waits."}
          </dd>
          <dt>Address</dt>
          <dd>
            <span className="breakable">{webhook.url}</span>
            <CopyButton isIcon text={webhook.url} label="Copy the address" />
          </dd>
          <dt>Told of</dt>
          <dd>
            <ul className="manage-plain">
              {webhook.events.map((event) => (
                <li key={event}>
                  {EVENTS.find((each) => each.id === event)?.label} <code className="soft">{event}</code>
                </li>
              ))}
            </ul>
          </dd>
          <dt>Payload</dt>
          <dd>{webhook.api_version}</dd>
          <dt>Created</dt>
          <dd>
            <Moment value={webhook.created_at} />, changed <Moment value={webhook.updated_at} />
          </dd>
        </dl>
      </section>
      {test.error ? <Failure error={test.error} /> : null}
      {test.data && (
        <section className="card" aria-labelledby="test-answer" aria-live="polite">
          <h2 id="test-answer">How the test was answered</h2>
          <Told delivery={test.data} />
        </section>
      )}
      <Deliveries webhook={webhook._id} />
      <WebhookForm isOpen={opened === "edit"} of={webhook} onClose={close} />
      {opened === "rotate" && <RotateSecret of={webhook} onClose={close} />}
      {opened === "delete" && <DeleteWebhook of={webhook} onClose={close} />}
    </Page>
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
