// What "Get JSON" lets one choose: index, language, format, which videos.
import { useState } from "react";
import { Checkbox, Select, TextField } from "../../ui/controls";
import { Loaded } from "../../ui/display";
import { useIndexChoices } from "./data";
import { CHOICES, type Choices, FORMATS } from "./manifest";

interface FormProps {
  choices: Choices;
  onChange: (changes: Choices) => void;
}

export function Form({ choices, onChange }: FormProps) {
  const indexes = useIndexChoices();
  const [isFiltering, setFiltering] = useState(() => CHOICES.slice(5).some((name) => choices[name]));
  const text = (name: keyof Choices, label: string, hint?: string, isMultiline = false) => (
    <TextField
      label={label}
      hint={hint}
      value={choices[name] ?? ""}
      onChange={(value) => onChange({ [name]: value })}
      isMultiline={isMultiline}
      isDisabled={name === "extensions" && Boolean(choices.glob)}
    />
  );
  return (
    <div className="stack">
      <Loaded query={indexes} what="indexes">
        {(found) =>
          found.length > 0 ? (
            <div className="int-fields">
              <Select
                label="Index"
                choices={found.map((index) => ({ id: index._id, label: index.index_name }))}
                value={choices.index_id ?? null}
                onChange={(id) => onChange({ index_id: id })}
                placeholder="Choose an index…"
                hint="Where the videos are to go."
              />
              <TextField
                label="Language"
                hint="What is spoken: en, de, pt-BR…"
                value={choices.language ?? "en"}
                onChange={(language) => onChange({ language })}
              />
              <Select
                label="Format"
                choices={FORMATS}
                value={choices.format ?? "json"}
                onChange={(format) => onChange({ format })}
              />
            </div>
          ) : (
            <p className="note warn">
              There is no index yet. <a href="/dashboard/indexes">Create one</a>, then come back.
            </p>
          )
        }
      </Loaded>
      <Checkbox
        isSelected={Boolean(choices.only_not_indexed)}
        onChange={(on) => onChange({ only_not_indexed: on ? "yes" : "" })}
      >
        Not yet indexed only
      </Checkbox>
      <Checkbox isSelected={choices.captions !== "no"} onChange={(on) => onChange({ captions: on ? "" : "no" })}>
        Name captions that lie beside the videos as their transcription
      </Checkbox>
      <details className="int-more" open={isFiltering} onToggle={(event) => setFiltering(event.currentTarget.open)}>
        <summary>Filters</summary>
        <div className="int-fields">
          {text("prefix", "Key begins with", "Such as 2024/.")}
          {text("extensions", "Extensions", choices.glob ? "Put them into the pattern." : "Such as mp4, mov.")}
          {text("min_mb", "At least (MB)")}
          {text("max_mb", "At most (MB)")}
          {text("modified_after", "Changed on or after", "A date, such as 2026-03-01.")}
          {text("modified_before", "Changed before")}
          {text("storage_class", "Storage class", "Such as STANDARD.")}
          {text("glob", "Only these patterns", "One a line; * stays within a folder, ** does not.", true)}
          {text("exclude", "Not these patterns", "One a line.", true)}
        </div>
      </details>
    </div>
  );
}
