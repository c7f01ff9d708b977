// The filters above the list of tasks.
import { useEffect, useRef, useState } from "react";
import { Button, Select, TextField } from "../../../ui/controls";
import { useAllIndexes } from "../new/known";
import { STATUS_WORDS, shortId } from "../state";
import { FILTERS, type TaskFilters } from "./filters";
import { REASONS } from "./reasons";

const ANY = "";
const SETTLED_MS = 350;

export function TaskFilterBar({
  filters,
  onFilter,
  onClear,
}: {
  filters: TaskFilters;
  onFilter: (name: keyof TaskFilters, value: string) => void;
  onClear: () => void;
}) {
  const indexes = useAllIndexes();
  const statuses = Object.entries(STATUS_WORDS).map(([id, label]) => ({ id, label }));
  const isAny = FILTERS.every((name) => filters[name] === "");
  return (
    <search>
      <div className="tr-filters">
        <One
          label="State"
          name="state"
          any="Any state"
          choices={statuses}
          filters={{ ...filters, state: filters.state || filters.status }}
          onFilter={onFilter}
        />
        <One label="Reason" name="code" any="Any reason" choices={REASONS} {...{ filters, onFilter }} />
        <One
          label="Index"
          name="index_id"
          any="Any index"
          choices={indexes.data?.all.map((index) => ({ id: index._id, label: index.index_name })) ?? []}
          {...{ filters, onFilter }}
        />
        <Typed label="Name" name="name" {...{ filters, onFilter }} />
        <TextField label="Made from" type="date" value={filters.from} onChange={(day) => onFilter("from", day)} />
        <TextField label="Made until" type="date" value={filters.to} onChange={(day) => onFilter("to", day)} />
        <Typed label="Transfer" name="transfer_id" {...{ filters, onFilter }} />
        <Button isDisabled={isAny} onPress={onClear}>
          Clear all filters
        </Button>
      </div>
    </search>
  );
}

interface FilterProps {
  label: string;
  name: keyof TaskFilters;
  filters: TaskFilters;
  onFilter: (name: keyof TaskFilters, value: string) => void;
}

function One({
  label,
  name,
  any,
  choices,
  filters,
  onFilter,
}: FilterProps & { any: string; choices: readonly { id: string; label: string }[] }) {
  const value = filters[name];
  const all = [{ id: "any", label: any }, ...choices];
  // An address may hold what the list does not: several states, an index that is gone.
  if (value !== ANY && !choices.some((choice) => choice.id === value))
    all.push({ id: value, label: named(name, value) });
  return (
    <Select
      label={label}
      choices={all}
      value={value === ANY ? "any" : value}
      onChange={(id) => onFilter(name, id === "any" ? ANY : id)}
    />
  );
}

const named = (name: keyof TaskFilters, value: string) =>
  name === "index_id"
    ? shortId(value)
    : value
        .split(",")
        .map((part) => STATUS_WORDS[part] ?? part)
        .join(" or ");

/** A text, taken when it has rested for a moment. */
function Typed({ label, name, filters, onFilter }: FilterProps) {
  const given = filters[name];
  const [text, setText] = useState(given);
  const told = useRef(given);
  useEffect(() => {
    // Another address: a link, back, or a filter that was cleared.
    if (given !== told.current) setText(given);
    told.current = given;
  }, [given]);
  useEffect(() => {
    if (text.trim() === told.current) return;
    const timer = setTimeout(() => {
      told.current = text.trim();
      onFilter(name, text.trim());
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [text, name, onFilter]);
  return <TextField label={label} value={text} onChange={setText} />;
}
