// The modal "Integrate …": what connecting a store needs. What is typed is kept until it is sent; secrets stay nowhere.
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { Button, Checkbox, Select, TextField } from "../../ui/controls";
import { Busy, Failure } from "../../ui/display";
import { Dialog } from "../../ui/overlays";
import { useConnect } from "./data";
import { type Field, FORMS, fieldsFor, missing, request, type Values } from "./fields";
import { PROVIDERS, type ProviderId } from "./words";

export function Connect({ provider, onClose }: { provider: string | null; onClose: () => void }) {
  const known = PROVIDERS.find((each) => each.id === provider);
  return known ? <ConnectForm key={known.id} provider={known.id} onClose={onClose} /> : null;
}

function ConnectForm({ provider, onClose }: { provider: ProviderId; onClose: () => void }) {
  const form = FORMS[provider];
  const navigate = useNavigate();
  const [credentials, setCredentials] = useState(form.credentials[0]?.id);
  const [values, setValues] = useState<Values>({});
  const [isTried, setTried] = useState(false);
  const connect = useConnect();
  const fields = fieldsFor(form, credentials);
  const lacking = isTried ? missing(fields, values) : [];
  const rare = fields.filter((field) => field.isRare);

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    const [first] = missing(fields, values);
    if (first) {
      document.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
      return;
    }
    connect.mutate(request(provider, credentials, fields, values), {
      onSuccess: (made) => navigate(`/integrations/${made._id}/setup`),
    });
  }
  const shown = (field: Field) => (
    <Input
      key={field.name}
      field={field}
      value={values[field.name] ?? ""}
      isLacking={lacking.includes(field.name)}
      isFirst={field === fields[0]}
      onChange={(value) => setValues({ ...values, [field.name]: value })}
    />
  );
  return (
    <Dialog title={form.title} isOpen onClose={onClose}>
      <p className="soft">{form.about}</p>
      <form className="stack" onSubmit={submit} noValidate>
        {fields.filter((field) => !field.isRare).map(shown)}
        {form.credentials.length > 0 && (
          <Select
            label="Read it with"
            choices={form.credentials}
            value={credentials ?? null}
            onChange={setCredentials}
          />
        )}
        {rare.length > 0 && (
          <details className="int-more">
            <summary>More</summary>
            <div className="stack">{rare.map(shown)}</div>
          </details>
        )}
        {connect.error ? <Failure error={connect.error} /> : null}
        <div className="row int-form-end">
          {connect.isPending && <Busy>Connecting…</Busy>}
          <Button onPress={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" isPending={connect.isPending}>
            Next
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface InputProps {
  field: Field;
  value: string;
  isLacking: boolean;
  isFirst: boolean;
  onChange: (value: string) => void;
}

function Input({ field, value, isLacking, isFirst, onChange }: InputProps) {
  if (field.kind === "flag") {
    return (
      <Checkbox isSelected={value !== ""} onChange={(on) => onChange(on ? "on" : "")}>
        {field.label}
      </Checkbox>
    );
  }
  return (
    <TextField
      name={field.name}
      label={field.label}
      hint={field.hint}
      placeholder={field.placeholder}
      value={value}
      onChange={onChange}
      isRequired={field.isRequired}
      isMultiline={field.kind === "lines" || field.kind === "json"}
      type={field.kind === "secret" ? "password" : "text"}
      autoComplete="off"
      autoFocus={isFirst}
      error={isLacking ? `Give the ${field.label.toLowerCase()}.` : undefined}
    />
  );
}
