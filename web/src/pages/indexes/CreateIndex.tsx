// The form that makes an index: its name, what it is searched by, whether texts are written about its videos, and what each of
// these needs. All but the name is fixed then.
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";
import { ApiFailure, api, type Schema, unwrap } from "../../api/client";
import { Button, ButtonLink, Checkbox, Select, TextField } from "../../ui/controls";
import { Failure, Loaded } from "../../ui/display";
import { toast } from "../../ui/overlays";
import { Page } from "../../ui/Page";
import {
  isSearching,
  isWriting,
  OPTION_FINDS,
  OPTION_NAMES,
  OPTIONS,
  type Option,
  useEngines,
  useForgetIndexes,
} from "./data";

type Engine = Schema<"Engine">;

const NEEDS: Record<Option, string> = {
  visual: "Any video. The server's model that sees looks at every shot.",
  conversation:
    "A sound track: videos without one are refused. Captions are taken where they come with the video, else speech is heard.",
  text_in_video: "Any video. Changed pictures are read, so that it takes longest.",
};

export function CreateIndex() {
  const engines = useEngines();
  return (
    <Page title="Create an index" lead="What is chosen here stays; only the name can be changed later.">
      <Loaded query={engines} what="the engines">
        {(list) => <Form engines={list} />}
      </Loaded>
    </Page>
  );
}

function Form({ engines }: { engines: readonly Engine[] }) {
  const navigate = useNavigate();
  const forget = useForgetIndexes();
  const searching = engines.filter((engine) => isSearching(engine._id));
  const writing = engines.filter((engine) => isWriting(engine._id));
  const [name, setName] = useState("");
  const [engine, setEngine] = useState<string | null>(searching.at(-1)?._id ?? null);
  const [options, setOptions] = useState<readonly Option[]>(OPTIONS);
  const [writer, setWriter] = useState<string | null>(null);
  const [hasPictures, setPictures] = useState(true);
  const [isTried, setTried] = useState(false);

  const allowed = searching.find((each) => each._id === engine)?.allowed_engine_options ?? [];
  const chosen = OPTIONS.filter((option) => options.includes(option) && allowed.includes(option));
  const nameError = name.trim() === "" ? "Give it a name." : undefined;
  const optionError = chosen.length === 0 && writer === null ? "Choose at least one." : undefined;

  const create = useMutation({
    mutationFn: () => {
      const wanted: Schema<"NewEngine">[] = [];
      if (engine && chosen.length > 0) wanted.push({ engine_name: engine, engine_options: chosen });
      const told = writing.find((each) => each._id === writer);
      // A text is written of what the index knows; without a searching engine, of all that the writer takes in.
      const seen = (told?.allowed_engine_options ?? []).filter((each) => chosen.length === 0 || chosen.includes(each));
      const ofWriter = seen.length > 0 ? seen : (told?.allowed_engine_options ?? []);
      if (told) wanted.push({ engine_name: told._id, engine_options: ofWriter });
      const addons = hasPictures && chosen.length > 0 ? ["thumbnail"] : [];
      return unwrap(api.POST("/indexes", { body: { index_name: name.trim(), engines: wanted, addons } }));
    },
    onSuccess: async ({ _id }) => {
      await forget();
      toast(`The index “${name.trim()}” is made.`);
      navigate(`/indexes/${_id}`);
    },
  });
  const isTaken = create.error instanceof ApiFailure && create.error.code === "index_name_already_exists";

  return (
    <form
      className="card stack index-form"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!nameError && !optionError) create.mutate();
      }}
    >
      <TextField
        label="Name"
        value={name}
        onChange={(value) => {
          setName(value);
          create.reset();
        }}
        maxLength={128}
        error={(isTried && nameError) || (isTaken ? "There is an index of this name; choose another one." : undefined)}
        hint="Unique among your indexes, up to 128 characters."
        autoFocus
      />

      <fieldset className="stack plain-set">
        <legend>Searchable by</legend>
        {OPTIONS.map((option) => (
          <Choice
            key={option}
            title={`${OPTION_NAMES[option]}: ${OPTION_FINDS[option]}`}
            isSelected={chosen.includes(option)}
            isDisabled={!allowed.includes(option)}
            onChange={(isOn) => setOptions(isOn ? [...options, option] : options.filter((each) => each !== option))}
          >
            {NEEDS[option]}
          </Choice>
        ))}
        {isTried && optionError && <p className="problem">{optionError}</p>}
        <Select
          label="Name of the engine"
          choices={searching.map((each) => ({
            id: each._id,
            label: each.ready ? each._id : `${each._id} (not ready)`,
            isDisabled: !each.ready,
          }))}
          value={engine}
          onChange={setEngine}
          hint="The name under which programs made for the Twelve Labs API know it. All of them are served by this server's own models, which the index tells once it is made. Takes videos of 4 seconds to 2 hours, at least 360 lines, up to 2 GB."
        />
      </fieldset>

      <fieldset className="stack plain-set">
        <legend>Besides</legend>
        <Choice
          title="Text about videos: title, topics, summary, chapters, answers"
          isSelected={writer !== null}
          isDisabled={writing.length === 0}
          onChange={(isOn) => setWriter(isOn ? (writing.at(-1)?._id ?? null) : null)}
        >
          Needs a writer, which whoever runs the server sets up ([writer] in its settings). Then only videos of 30
          seconds to 30 minutes are taken, for the strictest engine decides.
        </Choice>
        {writer !== null && (
          <Select
            label="Name of the writing engine"
            choices={writing.map((each) => ({ id: each._id, label: each._id, isDisabled: !each.ready }))}
            value={writer}
            onChange={setWriter}
          />
        )}
        <Choice
          title="Pictures of each shot"
          isSelected={hasPictures && chosen.length > 0}
          isDisabled={chosen.length === 0}
          onChange={setPictures}
        >
          Needs a few kilobytes of disk a shot. Without them, lists and results have no pictures.
        </Choice>
      </fieldset>

      {create.error && !isTaken ? <Failure error={create.error} /> : null}
      <div className="row end">
        <ButtonLink to="/indexes">Cancel</ButtonLink>
        <Button type="submit" kind="primary" isPending={create.isPending}>
          {create.isPending ? "Creating…" : "Create index"}
        </Button>
      </div>
    </form>
  );
}

/** A box to tick, with what it needs below. */
function Choice({
  title,
  children,
  ...box
}: {
  title: string;
  children: ReactNode;
  isSelected: boolean;
  isDisabled: boolean;
  onChange: (isOn: boolean) => void;
}) {
  return (
    <div>
      <Checkbox {...box}>{title}</Checkbox>
      <div className="soft small below-box">{children}</div>
    </div>
  );
}
