// The settings of an integration that can be changed: what is taken, when it is listed, how it is reached, its secret.
import { type FormEvent, useState } from "react";
import { Button, Checkbox, Select, TextField } from "../../ui/controls";
import { Code, Failure } from "../../ui/display";
import { formatDuration } from "../../ui/format";
import { toast } from "../../ui/overlays";
import { changeOf, type Draft, draftOf, SECRETS } from "./change";
import { type Integration, useChange } from "./data";

const EVERY = [900, 3600, 21_600, 86_400];

export function Change({ integration }: { integration: Integration }) {
  const before = draftOf(integration);
  const [draft, setDraft] = useState<Draft>(before);
  const change = useChange(integration._id);
  const body = changeOf(before, draft);
  const isS3 = integration.provider === "aws_s3" || integration.provider === "s3_compatible";
  const secrets = SECRETS[integration.credentials ?? ""] ?? [];
  const text = (name: keyof Draft, label: string, hint?: string, isMultiline = false) => (
    <TextField
      label={label}
      hint={hint}
      value={draft[name]}
      onChange={(value) => setDraft({ ...draft, [name]: value })}
      isMultiline={isMultiline}
      autoComplete="off"
    />
  );
  function submit(event: FormEvent) {
    event.preventDefault();
    if (body) change.mutate(body, { onSuccess: () => toast(`The settings of ${integration.bucket} are changed.`) });
  }
  const every = [...new Set([...EVERY, ...(Number(draft.every_s) > 0 ? [Number(draft.every_s)] : [])])].sort(
    (a, b) => a - b,
  );
  return (
    <form className="stack" onSubmit={submit}>
      <fieldset className="card int-group">
        <legend>Which objects are taken for videos to index</legend>
        <div className="int-fields">
          {text("include", "Only these patterns", "One a line, such as 2024/**; none takes every video.", true)}
          {text("exclude", "Not these patterns", "One a line.", true)}
          {text("storage_classes", "Storage classes", "One a line, such as STANDARD; none for all.", true)}
          {text("min_bytes", "At least (bytes)")}
          {text("max_bytes", "At most (bytes)")}
          {text("modified_after", "Changed on or after", "A date or a moment, such as 2026-03-01.")}
          {text("modified_before", "Changed before")}
        </div>
      </fieldset>
      <fieldset className="card int-group">
        <legend>When the bucket is listed by itself</legend>
        <div className="int-fields">
          <Select
            label="List it"
            choices={[
              { id: "0", label: "Only when asked" },
              ...every.map((s) => ({ id: String(s), label: `Every ${formatDuration(s)}` })),
            ]}
            value={draft.every_s || "0"}
            onChange={(every_s) => setDraft({ ...draft, every_s: every_s === "0" ? "" : every_s })}
          />
          {integration.provider === "aws_s3" &&
            text(
              "queue_url",
              "Queue that tells changes (SQS)",
              "Its URL. The documents to apply are shown when it is saved.",
            )}
        </div>
        {integration.queue_policy && (
          <div className="stack">
            <h3>For the queue's owner</h3>
            <Code label="Policy of the queue" text={JSON.stringify(integration.queue_policy, null, 2)} />
            <Code label="Notification of the bucket" text={JSON.stringify(integration.queue_notification, null, 2)} />
          </div>
        )}
      </fieldset>
      {(isS3 || secrets.length > 0) && (
        <fieldset className="card int-group">
          <legend>How it is reached</legend>
          <div className="int-fields">
            {isS3 && text("region", "Region", "A hint; it is found unless given.")}
            {isS3 &&
              text("kms_key_arn", "Key that encrypts the objects (KMS)", "It goes into the policy: apply that anew.")}
            {secrets.map(({ name, label, isShown }) => (
              <TextField
                key={name}
                label={label}
                type={isShown ? "text" : "password"}
                autoComplete="off"
                hint={isShown ? undefined : "Stays as it is unless given. It is sealed, and never shown."}
                value={draft[name]}
                onChange={(value) => setDraft({ ...draft, [name]: value })}
              />
            ))}
          </div>
          {isS3 && (
            <Checkbox
              isSelected={draft.requester_pays === "yes"}
              onChange={(on) => setDraft({ ...draft, requester_pays: on ? "yes" : "" })}
            >
              This server's account pays for requests
            </Checkbox>
          )}
        </fieldset>
      )}
      {change.error ? <Failure error={change.error} /> : null}
      <div className="row int-form-end">
        {!body && <span className="soft small">Nothing is changed yet.</span>}
        <Button onPress={() => setDraft(before)} isDisabled={!body}>
          Undo changes
        </Button>
        <Button kind="primary" type="submit" isDisabled={!body} isPending={change.isPending}>
          Save changes
        </Button>
      </div>
    </form>
  );
}
