// The filters of a search: chips that can be removed, and a form that adds one.
import { type FormEvent, useId, useState } from "react";
import { Button, IconButton, Select, TextField } from "../../ui/controls";
import { useSuggestions } from "./data";
import { FIELDS, inWords, NOTHING_TYPED, type Typed, without, withTyped } from "./filter";
import type { Filter } from "./state";

interface Props {
  index: string | null;
  filter: Filter;
  nameOf: (video: string) => string;
  onChange: (filter: Filter) => void;
}

export function Filters({ index, filter, nameOf, onChange }: Props) {
  const [isAdding, setAdding] = useState(false);
  const chips = Object.entries(filter);
  return (
    <div className="stack">
      <fieldset className="row search-filters" aria-label="Filters">
        {chips.map(([field, test]) => {
          const words = inWords(field, test, nameOf);
          return (
            <span className="chip" key={field}>
              {words}
              <IconButton icon="cross" label={`Remove: ${words}`} onPress={() => onChange(without(filter, field))} />
            </span>
          );
        })}
        <Button kind="quiet" icon="filter" aria-expanded={isAdding} onPress={() => setAdding(!isAdding)}>
          Add a filter
        </Button>
      </fieldset>
      {isAdding && (
        <AddFilter
          index={index}
          filter={filter}
          onChange={(next) => {
            setAdding(false);
            onChange(next);
          }}
        />
      )}
    </div>
  );
}

function AddFilter({ index, filter, onChange }: Omit<Props, "nameOf">) {
  const [typed, setTyped] = useState<Typed>(NOTHING_TYPED);
  const [wrong, setWrong] = useState<string>();
  const suggestions = useSuggestions(index, true).data;
  const list = useId();
  const field = FIELDS.find(({ id }) => id === typed.field);
  const set = (part: Partial<Typed>) => {
    setTyped({ ...typed, ...part });
    setWrong(undefined);
  };
  function submit(event: FormEvent) {
    event.preventDefault();
    const done = withTyped(filter, typed);
    if ("wrong" in done) setWrong(done.wrong);
    else onChange(done.filter);
  }
  const isOwn = field?.kind === "own";
  const isText = field?.kind === "text" || isOwn;
  return (
    <form className="search-add-filter" onSubmit={submit}>
      <Select
        label="Videos whose"
        choices={FIELDS}
        value={typed.field}
        onChange={(id) => {
          setTyped({ ...NOTHING_TYPED, field: id });
          setWrong(undefined);
        }}
      />
      {isOwn && (
        <TextField
          label="Field"
          value={typed.name}
          onChange={(name) => set({ name })}
          hint={
            suggestions?.fields.length
              ? `Here: ${suggestions.fields.join(", ")}.`
              : "None of the newest videos has one."
          }
        />
      )}
      {isText && (
        <div className="field">
          <label htmlFor={`${list}-text`}>{isOwn ? "is" : "is exactly"}</label>
          <input
            id={`${list}-text`}
            className="input"
            value={typed.text}
            list={isOwn ? undefined : list}
            onChange={(event) => set({ text: event.target.value })}
          />
          <datalist id={list}>
            {suggestions?.files.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
      )}
      {field?.kind === "day" && (
        <>
          <TextField label="From" type="date" value={typed.from} onChange={(from) => set({ from })} />
          <TextField label="to" type="date" value={typed.to} onChange={(to) => set({ to })} />
        </>
      )}
      {field?.kind !== "text" && field?.kind !== "day" && (
        <>
          <TextField label={isOwn ? "or from" : "From"} value={typed.from} onChange={(from) => set({ from })} />
          <TextField label="to" value={typed.to} onChange={(to) => set({ to })} />
        </>
      )}
      <Button type="submit">Add</Button>
      <p className="small soft hint">{field?.hint}</p>
      {wrong && (
        <p className="search-wrong" role="alert">
          {wrong}
        </p>
      )}
    </form>
  );
}
