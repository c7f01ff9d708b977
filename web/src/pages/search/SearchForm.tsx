// The form of a search. What is typed is searched for when it is submitted; what is chosen applies at once.
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Input, Label, TextField } from "react-aria-components";
import type { Schema } from "../../api/client";
import { Button, Checkbox, Select } from "../../ui/controls";
import { counted } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Filters } from "./Filters";
import { useKeys } from "./keys";
import { ChosenPicture, PictureField } from "./Pictures";
import { sensesOf } from "./request";
import { SENSE_WORDS } from "./senses";
import { type SearchState, type Sense, THRESHOLDS, type Threshold } from "./state";

const SURE: Record<Threshold, string> = {
  none: "Any",
  low: "Low and better",
  medium: "Medium and better",
  high: "High",
};
const SURE_CHOICES = THRESHOLDS.map((id) => ({ id, label: SURE[id] }));
const WORD_CHOICES = [
  { id: "meaning", label: "By meaning" },
  { id: "exact", label: "Exactly" },
];
const MATCH_CHOICES = [
  { id: "any", label: "In any way" },
  { id: "all", label: "In every way" },
];
const GROUP_CHOICES = [
  { id: "clip", label: "Best moments" },
  { id: "video", label: "Best videos" },
  { id: "count", label: "Videos with most moments" },
];

interface Props {
  state: SearchState;
  index: string | null;
  indexes: readonly Schema<"Index">[];
  has: readonly Sense[];
  nameOf: (video: string) => string;
  hasKeys: boolean;
  /** `isAgain`: asked for by the button, even if nothing has changed. */
  onSearch: (change: Partial<SearchState>, isAgain?: boolean) => void;
}

export function SearchForm({ state, index, indexes, has, nameOf, hasKeys, onSearch }: Props) {
  const [text, setText] = useState(state.text);
  const [isPicturing, setPicturing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => setText(state.text), [state.text]);
  const slash = useRef({
    "/": () => {
      field.current?.focus();
      field.current?.select();
    },
  });
  useKeys(hasKeys, slash.current);
  // A choice goes with the words as they stand in the field.
  const search = (change: Partial<SearchState>, isAgain?: boolean) => onSearch({ text, ...change }, isAgain);
  function submit(event: FormEvent) {
    event.preventDefault();
    search({ text: text.trim() }, true);
  }
  return (
    <search className="card stack" aria-label="What to search for">
      <form className="search-query" onSubmit={submit}>
        <Select
          label="Index"
          choices={indexes.map(({ _id, index_name, video_count }) => ({
            id: _id,
            label: `${index_name} (${counted(video_count, "video")})`,
          }))}
          value={index}
          onChange={(id) => search({ index: id, senses: null, filter: {} })}
        />
        <TextField className="field grow" value={text} onChange={setText}>
          <Label>{state.picture ? "Words that it must be like, too" : "What to find"}</Label>
          <Input
            ref={field}
            type="search"
            enterKeyHint="search"
            maxLength={2000}
            placeholder={state.picture ? undefined : "a bunny in the grass"}
          />
        </TextField>
        <Button kind="primary" icon="search" type="submit" isDisabled={!text.trim() && !state.picture}>
          Search
        </Button>
        {!state.picture && (
          <Button kind="quiet" icon="picture" aria-expanded={isPicturing} onPress={() => setPicturing(!isPicturing)}>
            Search by a picture
          </Button>
        )}
      </form>
      {state.picture && (
        <ChosenPicture
          picture={state.picture}
          index={index}
          nameOf={nameOf}
          onRemove={() => {
            search({ picture: null });
            field.current?.focus();
          }}
        />
      )}
      {isPicturing && !state.picture && (
        <PictureField
          onPicture={(picture) => {
            setPicturing(false);
            search({ picture });
            field.current?.focus();
          }}
        />
      )}
      <Options state={state} has={has} onChange={search} />
      <Filters index={index} filter={state.filter} nameOf={nameOf} onChange={(filter) => search({ filter })} />
    </search>
  );
}

function Options({
  state,
  has,
  onChange,
}: {
  state: SearchState;
  has: readonly Sense[];
  onChange: (change: Partial<SearchState>) => void;
}) {
  const senses = sensesOf(state, has);
  const byPicture = state.picture !== null;
  function toggle(sense: Sense, isOn: boolean) {
    const next = has.filter((each) => (each === sense ? isOn : senses.includes(each)));
    onChange({ senses: next.length === has.length ? null : next });
  }
  return (
    <div className="search-options">
      <fieldset className="search-senses">
        <legend>Look at what is</legend>
        <div className="row">
          {has.map((sense) => (
            <Checkbox
              key={sense}
              isSelected={senses.includes(sense)}
              // One must stay: without any there is nowhere to look.
              isDisabled={byPicture || (senses.length === 1 && senses[0] === sense)}
              onChange={(isOn) => toggle(sense, isOn)}
            >
              <Icon name={SENSE_WORDS[sense].icon} /> {SENSE_WORDS[sense].label.toLowerCase()}
            </Checkbox>
          ))}
        </div>
        {byPicture && <span className="small soft">A picture is compared with what is seen.</span>}
      </fieldset>
      {senses.length > 1 && (
        <Select
          label="A moment matches"
          choices={MATCH_CHOICES}
          value={state.mustMatchAll ? "all" : "any"}
          onChange={(id) => onChange({ mustMatchAll: id === "all" })}
        />
      )}
      {senses.includes("said") && (
        <Select
          label="Spoken words match"
          choices={WORD_CHOICES}
          value={state.isExact ? "exact" : "meaning"}
          onChange={(id) => onChange({ isExact: id === "exact" })}
        />
      )}
      <Select
        label="How sure"
        choices={SURE_CHOICES}
        value={state.threshold}
        onChange={(id) => onChange({ threshold: id as Threshold })}
      />
      <Select
        label="Show"
        choices={GROUP_CHOICES}
        value={state.isByCount ? "count" : state.isByVideo ? "video" : "clip"}
        onChange={(id) => onChange({ isByVideo: id !== "clip", isByCount: id === "count" })}
      />
    </div>
  );
}
