// What is asked before a webhook has another secret, and before it is deleted.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { api, type Schema, unwrap } from "../../api/client";
import { Button } from "../../ui/controls";
import { Failure } from "../../ui/display";
import { Dialog, Question, toast } from "../../ui/overlays";
import { Secret } from "./Secret";

type Webhook = Schema<"Webhook">;

export function RotateSecret({ of: webhook, onClose }: { of: Webhook; onClose: () => void }) {
  const client = useQueryClient();
  const rotate = useMutation({
    mutationFn: () =>
      unwrap(api.POST("/webhooks/{webhook_id}/rotate", { params: { path: { webhook_id: webhook._id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["webhooks"] }),
  });
  const secret = rotate.data?.secret;
  return (
    <Dialog
      title={secret ? "The webhook's new secret" : "Another secret?"}
      role="alertdialog"
      isOpen
      isSticky={Boolean(secret)}
      onClose={onClose}
    >
      {secret ? (
        <>
          <Secret label="The secret" secret={secret} />
          <div className="row end">
            <Button kind="primary" onPress={onClose}>
              I have kept it
            </Button>
          </div>
        </>
      ) : (
        <>
          <p>
            From now on events are signed with a new secret, those that wait included; the one before signs nothing any
            more. Until the receiver knows the new one, it has to refuse what it gets: that is sent again for about a
            day.
          </p>
          {rotate.error ? <Failure error={rotate.error} /> : null}
          <div className="row end">
            <Button onPress={onClose} autoFocus>
              Keep the old one
            </Button>
            <Button kind="danger" isPending={rotate.isPending} onPress={() => rotate.mutate()}>
              {rotate.isPending ? "Making another one…" : "Make another secret"}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

export function DeleteWebhook({ of: webhook, onClose }: { of: Webhook; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => unwrap(api.DELETE("/webhooks/{webhook_id}", { params: { path: { webhook_id: webhook._id } } })),
    onSuccess: async () => {
      toast("The webhook is deleted.");
      onClose();
      navigate("/webhooks");
      client.removeQueries({ queryKey: ["webhooks", webhook._id] });
      await client.invalidateQueries({ queryKey: ["webhooks"], exact: true });
    },
  });
  return (
    <Question
      title="Delete the webhook?"
      yes="Delete webhook"
      doing="Deleting…"
      icon="trash"
      isDoing={remove.isPending}
      onYes={() => remove.mutate()}
      onClose={onClose}
    >
      <p>
        <strong className="breakable">{webhook.url}</strong> is told nothing any more. Its log goes, and events that
        wait to be sent are dropped. This cannot be undone; to stop it for a while, pause it.
      </p>
      {remove.error ? <Failure error={remove.error} /> : null}
    </Question>
  );
}
