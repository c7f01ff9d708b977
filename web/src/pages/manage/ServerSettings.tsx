// The server's settings as they are in force: searched, grouped, each with what it is for and how it is changed.
import { useState } from "react";
import { useSearchParams } from "react-router";
import type { Schema } from "../../api/client";
import { Button, Checkbox, TextField } from "../../ui/controls";
import { Badge, Code, Empty } from "../../ui/display";
import { counted } from "../../ui/format";
import { Prose } from "./Prose";
import { groupsOf, matching, written } from "./settings-list";

type Setting = Schema<"Setting">;

export function ServerSettings({ settings }: { settings: readonly Setting[] }) {
  const [params, setParams] = useSearchParams();
  // The address follows what is typed; a field that followed the address would lose letters of who types fast.
  const [words, setWords] = useState(params.get("q") ?? "");
  const isChangedOnly = params.get("changed") === "1";
  const found = matching(settings, words, isChangedOnly);
  function change(name: string, value: string) {
    const next = new URLSearchParams(window.location.search);
    if (value) next.set(name, value);
    else next.delete(name);
    setParams(next, { replace: true });
  }
  return (
    <>
      <HowToChange />
      <div className="filters">
        <TextField
          label="Find a setting"
          type="search"
          value={words}
          onChange={(text) => {
            setWords(text);
            change("q", text);
          }}
          placeholder="such as disk or webhooks"
        />
        <Checkbox isSelected={isChangedOnly} onChange={(isOn) => change("changed", isOn ? "1" : "")}>
          Changed ones only
        </Checkbox>
      </div>
      <p className="soft" role="status">
        {counted(found.length, "setting")} of {settings.length}
      </p>
      {groupsOf(found).map(([section, members]) => (
        <section key={section} className="card stack" aria-labelledby={`section-${section}`}>
          <h3 id={`section-${section}`} className="mono">
            [{section}]
          </h3>
          <ul className="manage-settings">
            {members.map((setting) => (
              <Row key={setting.key} setting={setting} />
            ))}
          </ul>
        </section>
      ))}
      {found.length === 0 && (
        <Empty
          title="No setting is like that"
          action={
            <Button
              onPress={() => {
                setWords("");
                setParams({}, { replace: true });
              }}
            >
              Show all
            </Button>
          }
        >
          <p>Search for a part of its name, its value, or of what it is for.</p>
        </Empty>
      )}
    </>
  );
}

function Row({ setting: { key, value, is_changed, about, variable } }: { setting: Setting }) {
  return (
    <li>
      <div className="row spread">
        <span className="row">
          <code className="breakable">{key}</code>
          {is_changed && <Badge tone="accent">Changed</Badge>}
        </span>
        <code className="breakable">{written(value)}</code>
      </div>
      <Prose text={about} />
      <div className="small soft breakable">
        In the environment: <code>{variable}</code>
      </div>
    </li>
  );
}

function HowToChange() {
  return (
    <details className="card manage-fold">
      <summary>How settings are changed</summary>
      <div className="stack manage-how">
        <p>
          They are read when the server starts, so that nobody who is signed in here can change what it may reach; a
          change needs a restart. The later wins: what is built in, the settings file, the environment, a flag. What is
          secret is never a setting: settings only name the file or the variable that holds it.
        </p>
        <Code
          label="In the settings file"
          text={"# telecine.toml, or the file that --config or TELECINE_CONFIG names\n[pipeline]\ntasks = 4"}
        />
        <Code label="In the environment" text="TELECINE_PIPELINE__TASKS=4 telecine serve" />
        <Code label="By a flag" text="telecine serve --set pipeline.tasks=4" />
        <p>
          <code>telecine serve --print-config</code> prints all of them with comments: a file to begin with.
        </p>
      </div>
    </details>
  );
}
