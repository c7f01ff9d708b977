// The user's own fields of a video, which filter searches and lists: shown, and edited as a form that replaces all of them.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api } from "../../../api/client";
import { Button, IconButton, Select, TextField } from "../../../ui/controls";
import { Failure } from "../../../ui/display";
import { toast } from "../../../ui/overlays";
import type { Video } from "../data";
import { type Field, type FieldType, fieldsOf, newField, ownOf, PROTECTED, problemOf } from "./fields";

const TYPES: readonly { id: FieldType; label: string }[] = [
  { id: "text", label: "Text" },
  { id: "number", label: "Number" },
  { id: "boolean", label: "Yes or no" },
];
const YES_NO = [
  { id: "true", label: "Yes" },
  { id: "false", label: "No" },
];

export function OwnFields({ index, video }: { index: string; video: Video }) {
  const own = video.user_metadata ?? {};
  const [isEditing, setEditing] = useState(false);
  const section = useRef<HTMLElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    if (wasEditing.current && !isEditing) section.current?.querySelector<HTMLElement>("button")?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  return (
    <section className="card" aria-labelledby="own-fields" ref={section}>
      <h2 id="own-fields">Your own metadata</h2>
      {isEditing ? (
        <FieldForm index={index} video={video._id} own={own} onDone={() => setEditing(false)} />
      ) : (
        <>
          {Object.keys(own).length === 0 ? (
            <p className="soft">No fields yet. Searches and lists can be filtered by them.</p>
          ) : (
            <dl className="pairs">
              {Object.entries(own).map(([name, value]) => (
                <div key={name} style={{ display: "contents" }}>
                  <dt className="breakable">{name}</dt>
                  <dd className="breakable">{typeof value === "boolean" ? (value ? "yes" : "no") : String(value)}</dd>
                </div>
              ))}
            </dl>
          )}
          <Button onPress={() => setEditing(true)}>Edit your metadata</Button>
        </>
      )}
    </section>
  );
}

function FieldForm({
  index,
  video,
  own,
  onDone,
}: {
  index: string;
  video: string;
  own: Readonly<Record<string, unknown>>;
  onDone: () => void;
}) {
  const client = useQueryClient();
  const [fields, setFields] = useState(() => (Object.keys(own).length > 0 ? fieldsOf(own) : [newField()]));
  const [isTried, setTried] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<number | "add">();
  useEffect(() => {
    if (focused === undefined) return;
    const place = focused === "add" ? "[data-add] button" : `[data-field="${focused}"] input`;
    list.current?.querySelector<HTMLElement>(place)?.focus();
    setFocused(undefined);
  }, [focused]);
  const save = useMutation({
    mutationFn: () =>
      api.PUT("/indexes/{index_id}/videos/{video_id}", {
        params: { path: { index_id: index, video_id: video } },
        body: { user_metadata: ownOf(fields) as Record<string, never> },
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["video", index, video], exact: true });
      toast("Your metadata is saved.");
      onDone();
    },
  });
  const set = (place: number, change: Partial<Field>) => {
    const field = fields[place];
    if (field) setFields(fields.with(place, { ...field, ...change }));
  };
  return (
    <form
      className="own-fields"
      aria-label="Edit your metadata"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        const wrong = fields.find((field) => problemOf(field, fields));
        if (wrong) setFocused(wrong.key);
        else save.mutate();
      }}
    >
      <p className="small soft">Names of what is measured cannot be taken: {PROTECTED.join(", ")}.</p>
      <div className="own-fields" ref={list}>
        {fields.map((field, place) => {
          const problem = problemOf(field, fields);
          const isNameProblem = problem !== undefined && !problem.includes("number");
          return (
            <div className="own-field" key={field.key} data-field={field.key}>
              <TextField
                label="Name"
                value={field.name}
                onChange={(name) => set(place, { name })}
                error={isNameProblem && (isTried || field.name !== "") ? problem : undefined}
              />
              <Select
                label="Type"
                choices={TYPES}
                value={field.type}
                onChange={(type) =>
                  set(place, { type: type as FieldType, ...(type === "boolean" ? { value: "true" } : {}) })
                }
              />
              {field.type === "boolean" ? (
                <Select
                  label="Value"
                  choices={YES_NO}
                  value={field.value}
                  onChange={(value) => set(place, { value })}
                />
              ) : (
                <TextField
                  label="Value"
                  value={field.value}
                  onChange={(value) => set(place, { value })}
                  error={problem?.includes("number") && (isTried || field.value !== "") ? problem : undefined}
                />
              )}
              <IconButton
                icon="trash"
                label={`Remove the field ${field.name || "without a name"}`}
                onPress={() => {
                  setFields(fields.toSpliced(place, 1));
                  setFocused("add");
                }}
              />
            </div>
          );
        })}
        <span data-add="">
          <Button
            icon="plus"
            onPress={() => {
              const made = newField();
              setFields([...fields, made]);
              setFocused(made.key);
            }}
          >
            Add a field
          </Button>
        </span>
      </div>
      {save.error && <Failure error={save.error} title="Nothing was saved." />}
      <div className="row end">
        <Button onPress={onDone}>Cancel</Button>
        <Button type="submit" kind="primary" isPending={save.isPending}>
          {save.isPending ? "Saving…" : "Save your metadata"}
        </Button>
      </div>
    </form>
  );
}
