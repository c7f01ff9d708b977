// Asks before a key is made to stop working, and says what stops with it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Schema, unwrap } from "../../api/client";
import { Checkbox } from "../../ui/controls";
import { Failure } from "../../ui/display";
import { Question, toast } from "../../ui/overlays";

export function RevokeKey({
  of: key,
  isOwn,
  isLast,
  onClose,
}: {
  of: Schema<"Key">;
  /** The session lives by it. */
  isOwn: boolean;
  /** No other one works. */
  isLast: boolean;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [isUnderstood, setUnderstood] = useState(false);
  const isDangerous = isOwn || isLast;
  const revoke = useMutation({
    mutationFn: () => unwrap(api.DELETE("/keys/{key_id}", { params: { path: { key_id: key._id } } })),
    onSuccess: async () => {
      toast(`The key “${key.name}” works no more.`);
      onClose();
      await client.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  return (
    <Question
      title={`Revoke “${key.name}”?`}
      yes="Revoke key"
      doing="Revoking…"
      isDoing={revoke.isPending}
      isDisabled={isDangerous && !isUnderstood}
      onYes={() => revoke.mutate()}
      onClose={onClose}
    >
      <p>
        Programs that use the key <code>{key.prefix}…</code> are refused from their next request on, and browsers that
        are signed in by it are signed out. Indexes, videos, integrations and transfers that it made stay, and go on.
        This cannot be undone; make another key instead.
      </p>
      {isOwn && (
        <p className="note warn">
          <strong>You are signed in by this key:</strong> you will be signed out at once. Have another key at hand.
        </p>
      )}
      {isLast && (
        <p className="note warn">
          <strong>No other key works:</strong> afterwards nobody gets in, until someone makes a key on the server's
          machine with <code>telecine key create</code>.
        </p>
      )}
      {isDangerous && (
        <Checkbox isSelected={isUnderstood} onChange={setUnderstood}>
          I know, and can get in otherwise
        </Checkbox>
      )}
      {revoke.error ? <Failure error={revoke.error} /> : null}
    </Question>
  );
}
