// How often a key may ask: in words, as fields, and the dialog that changes it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schema, unwrap } from "../../api/client";
import { Button, TextField } from "../../ui/controls";
import { Failure } from "../../ui/display";
import { formatNumber } from "../../ui/format";
import { Dialog, toast } from "../../ui/overlays";

export type RateLimits = Schema<"RateLimits">;

const CLASSES = [
  ["search", "Searches"],
  ["create_task", "Single tasks"],
  ["generate", "Generated texts"],
  ["embed", "Embeddings"],
  ["other", "All other requests"],
] as const;
const SPANS = ["minute", "day"] as const;

type Field = keyof RateLimits;
/** What is typed: texts, empty for no limit. */
export type Typed = Partial<Record<Field, string>>;

/** `searches 3,000 a day`. */
export function toldLimits(limits: RateLimits | null | undefined): string {
  if (!limits) return "The server's";
  const told = CLASSES.flatMap(([name, label]) =>
    SPANS.flatMap((span) => {
      const limit = limits[`${name}_per_${span}`];
      return typeof limit === "number" ? [`${label.toLowerCase()} ${formatNumber(limit)} a ${span}`] : [];
    }),
  );
  return told.length > 0 ? told.join(", ") : "None";
}

/** The limits that are typed; null for none at all, an error for what is no number. */
export function limitsOf(typed: Typed): { limits: RateLimits | null } | { wrong: Field[] } {
  const given = Object.entries(typed).filter(([, text]) => text.trim() !== "") as [Field, string][];
  const wrong = given.filter(([, text]) => !/^\d{1,9}$/.test(text.trim())).map(([field]) => field);
  if (wrong.length > 0) return { wrong };
  if (given.length === 0) return { limits: null };
  return { limits: Object.fromEntries(given.map(([field, text]) => [field, Number(text)])) as RateLimits };
}

export function typedOf(limits: RateLimits | null | undefined): Typed {
  const set = Object.entries(limits ?? {}).filter(([, limit]) => limit !== null && limit !== undefined);
  return Object.fromEntries(set.map(([field, limit]) => [field, String(limit)]));
}

/** Two fields for each class of requests. */
export function LimitFields({
  typed,
  wrong,
  onChange,
}: {
  typed: Typed;
  wrong: readonly Field[];
  onChange: (typed: Typed) => void;
}) {
  return (
    <div className="manage-limits">
      {CLASSES.map(([name, label]) => (
        <fieldset key={name}>
          <legend>{label}</legend>
          {SPANS.map((span) => {
            const field = `${name}_per_${span}` as const;
            return (
              <TextField
                key={span}
                label={`a ${span}`}
                inputMode="numeric"
                value={typed[field] ?? ""}
                onChange={(text) => onChange({ ...typed, [field]: text })}
                error={wrong.includes(field) && "A whole number, or nothing for no limit."}
              />
            );
          })}
        </fieldset>
      ))}
    </div>
  );
}

export function ChangeLimits({ of: key, onClose }: { of: Schema<"Key">; onClose: () => void }) {
  const client = useQueryClient();
  const [typed, setTyped] = useState<Typed>(() => typedOf(key.rate_limits));
  const [wrong, setWrong] = useState<Field[]>([]);
  const change = useMutation({
    mutationFn: (limits: RateLimits | null) =>
      unwrap(api.PATCH("/keys/{key_id}", { params: { path: { key_id: key._id } }, body: { rate_limits: limits } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["keys"] });
      toast(`The limits of “${key.name}” hold from its next request on.`);
      onClose();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const read = limitsOf(typed);
    setWrong("wrong" in read ? read.wrong : []);
    if ("limits" in read) change.mutate(read.limits);
  }
  return (
    <Dialog title={`Limits of “${key.name}”`} isOpen onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <p>
          How many requests this key may make; 0 forbids them, an empty field has no limit. With all fields empty the
          server's own limits hold. A key with limits of its own can neither make nor change keys, nor see how the
          server is set up.
        </p>
        <LimitFields typed={typed} wrong={wrong} onChange={setTyped} />
        {change.error ? <Failure error={change.error} /> : null}
        <div className="row end">
          <Button onPress={onClose}>Cancel</Button>
          <Button onPress={() => setTyped({})}>Clear all</Button>
          <Button kind="primary" type="submit" isPending={change.isPending}>
            {change.isPending ? "Setting…" : "Set limits"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
