// Making a webhook, and changing one: address, events, shape of payloads; the secret of a new one, once.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { api, type Schema, unwrap } from "../../api/client";
import { Button, Checkbox, Select, TextField } from "../../ui/controls";
import { Failure } from "../../ui/display";
import { Dialog, toast } from "../../ui/overlays";
import { EVENTS, VERSIONS } from "./events";
import { Secret } from "./Secret";
import { HowToCheck } from "./Signature";

type Webhook = Schema<"Webhook">;

export function WebhookForm({
  isOpen,
  of: webhook,
  onClose,
}: {
  isOpen: boolean;
  /** The one that is changed; without it another is made. */
  of?: Webhook;
  onClose: () => void;
}) {
  const [made, setMade] = useState<Webhook>();
  const navigate = useNavigate();
  function close() {
    onClose();
    if (made) navigate(`/webhooks/${made._id}`);
    setMade(undefined);
  }
  const title = made ? "The webhook's secret" : webhook ? "Change the webhook" : "Add a webhook";
  return (
    <Dialog title={title} isOpen={isOpen} isSticky={made !== undefined} onClose={close}>
      {made?.secret ? (
        <>
          <Secret label="The secret" secret={made.secret}>
            <HowToCheck />
          </Secret>
          <div className="row end">
            <Button kind="primary" onPress={close}>
              I have kept it
            </Button>
          </div>
        </>
      ) : (
        <Fields of={webhook} onClose={close} onMade={setMade} />
      )}
    </Dialog>
  );
}

function Fields({
  of: webhook,
  onClose,
  onMade,
}: {
  of?: Webhook;
  onClose: () => void;
  onMade: (webhook: Webhook) => void;
}) {
  const client = useQueryClient();
  const usual = EVENTS.filter((event) => event.isUsual).map((event): string => event.id);
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [events, setEvents] = useState<readonly string[]>(webhook?.events ?? usual);
  const [version, setVersion] = useState<Schema<"PayloadVersion">>(webhook?.api_version ?? "v1.3");
  const [description, setDescription] = useState(webhook?.description ?? "");
  const [isTried, setTried] = useState(false);
  const body = { url: url.trim(), events: [...events], api_version: version, description };
  const save = useMutation({
    mutationFn: () =>
      webhook
        ? unwrap(api.PATCH("/webhooks/{webhook_id}", { params: { path: { webhook_id: webhook._id } }, body }))
        : unwrap(api.POST("/webhooks", { body })),
    onSuccess: (saved) => {
      void client.invalidateQueries({ queryKey: ["webhooks"] });
      if (!webhook) return onMade(saved);
      toast("The webhook is changed: it holds from the next event on.");
      onClose();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (!save.isPending && url.trim() && events.length > 0) save.mutate();
  }
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <TextField
        label="Address"
        type="url"
        placeholder="https://example.com/telecine"
        hint="Encrypted (https), and reachable from the server. Private hosts only where the setting urls.allow_private_hosts names them."
        value={url}
        onChange={setUrl}
        isRequired
        autoFocus
        error={isTried && !url.trim() && "An address is needed, such as https://example.com/telecine."}
      />
      <fieldset className="manage-choices" aria-describedby={events.length === 0 ? "no-event" : undefined}>
        <legend>Told of</legend>
        {EVENTS.map((event) => (
          <Checkbox
            key={event.id}
            isSelected={events.includes(event.id)}
            onChange={(isOn) => setEvents(isOn ? [...events, event.id] : events.filter((each) => each !== event.id))}
          >
            <span>
              {event.label} <code className="soft">{event.id}</code>
            </span>
          </Checkbox>
        ))}
        {events.length === 0 && (
          <p className="error" id="no-event">
            Choose one event or more.
          </p>
        )}
      </fieldset>
      <Select
        label="Shape of the payload"
        choices={VERSIONS}
        value={version}
        onChange={(id) => setVersion(id as typeof version)}
        hint="As the version of the API that your program was written for."
      />
      <TextField label="Description" value={description} onChange={setDescription} maxLength={200} />
      {save.error ? <Failure error={save.error} /> : null}
      <div className="row end">
        <Button onPress={onClose}>Cancel</Button>
        <Button kind="primary" type="submit" isPending={save.isPending}>
          {save.isPending ? "Saving…" : webhook ? "Save" : "Add webhook"}
        </Button>
      </div>
    </form>
  );
}
