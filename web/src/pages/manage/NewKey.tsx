// Making a key: its name, limits if it shall have some, and its secret, once.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schema, unwrap } from "../../api/client";
import { Button, Checkbox, TextField } from "../../ui/controls";
import { Code, Failure } from "../../ui/display";
import { Dialog } from "../../ui/overlays";
import { LimitFields, limitsOf, type RateLimits, type Typed } from "./KeyLimits";
import { Secret } from "./Secret";

export function NewKey({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [made, setMade] = useState<Schema<"Key">>();
  function close() {
    setMade(undefined);
    onClose();
  }
  return (
    <Dialog
      title={made ? `The key “${made.name}”` : "Create an API key"}
      isOpen={isOpen}
      isSticky={made !== undefined}
      onClose={close}
    >
      {made?.key ? (
        <>
          <Secret label="The key" secret={made.key}>
            <p>
              Programs send it with each request, in the header x-api-key. For the commands that the dashboard shows:
            </p>
            <Code label="Setting the key for a shell" text={`export TELECINE_API_KEY=${made.key}`} isWrapped />
          </Secret>
          <div className="row end">
            <Button kind="primary" onPress={close}>
              I have kept it
            </Button>
          </div>
        </>
      ) : (
        <Form onClose={close} onMade={setMade} />
      )}
    </Dialog>
  );
}

function Form({ onClose, onMade }: { onClose: () => void; onMade: (key: Schema<"Key">) => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [isLimited, setLimited] = useState(false);
  const [typed, setTyped] = useState<Typed>({});
  const [wrong, setWrong] = useState<(keyof RateLimits)[]>([]);
  const [isNameWrong, setNameWrong] = useState(false);
  const make = useMutation({
    mutationFn: (limits: RateLimits | null) =>
      unwrap(api.POST("/keys", { body: { name: name.trim(), ...(limits ? { rate_limits: limits } : {}) } })),
    onSuccess: (key) => {
      void client.invalidateQueries({ queryKey: ["keys"] });
      onMade(key);
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    // Enter in a field is heard while it waits, too.
    if (make.isPending) return;
    const read = isLimited ? limitsOf(typed) : { limits: null };
    setWrong("wrong" in read ? read.wrong : []);
    setNameWrong(!name.trim());
    if (name.trim() && "limits" in read) make.mutate(read.limits);
  }
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <TextField
        label="Name"
        hint="Who or what will use it, such as “nightly import”. At most 100 characters."
        value={name}
        onChange={setName}
        maxLength={100}
        isRequired
        autoFocus
        error={isNameWrong && "A key needs a name, by which it is told apart later."}
      />
      <Checkbox isSelected={isLimited} onChange={setLimited}>
        Limit how often it may ask
      </Checkbox>
      {isLimited && (
        <>
          <p className="soft">
            An empty field has no limit. A key with limits of its own can neither make nor change keys, nor see how the
            server is set up.
          </p>
          <LimitFields typed={typed} wrong={wrong} onChange={setTyped} />
        </>
      )}
      {make.error ? <Failure error={make.error} /> : null}
      <div className="row end">
        <Button onPress={onClose}>Cancel</Button>
        <Button kind="primary" type="submit" isPending={make.isPending}>
          {make.isPending ? "Creating…" : "Create key"}
        </Button>
      </div>
    </form>
  );
}
