// "Get JSON": synchronizes, then gives the list of the bucket's videos for an index: filtered, counted, previewed, downloaded.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { noteCall } from "../../api/calls";
import { API_BASE, type Schema, send } from "../../api/client";
import { Button, Checkbox, Select, TextField } from "../../ui/controls";
import { Busy, Failure, Loaded, Moment } from "../../ui/display";
import { counted, formatBytes, formatNumber } from "../../ui/format";
import { Dialog, toast } from "../../ui/overlays";
import { useAddress } from "./address";
import { type Integration, useIndexChoices } from "./data";
import { FaultNote } from "./FaultNote";
import { CHOICES, type Choices, FORMATS, firstLines, manifestPath, manifestQuery } from "./manifest";
import { found, Progress, useSynchronizing } from "./Row";

/** Lines of the list that are shown before it is downloaded. */
const PREVIEWED = 8;

export function GetJson({ integration }: { integration: Integration }) {
  const [address, change] = useAddress();
  // What is typed is shown at once; the address follows.
  const [choices, setChoices] = useState<Choices>(() =>
    Object.fromEntries(CHOICES.map((name) => [name, address.get(name) ?? undefined])),
  );
  function choose(changes: Choices) {
    setChoices((before) => ({ ...before, ...changes }));
    change(changes);
  }
  const close = () => change({ "get-json": null, ...Object.fromEntries(CHOICES.map((name) => [name, null])) });
  const { last, isRunning, answer, error, begin } = useSynchronizing(integration, { isQuiet: true });
  const isBegun = useRef(false);
  useEffect(() => {
    if (isBegun.current) return;
    isBegun.current = true;
    begin();
  });
  const [isEnough, setEnough] = useState(false);
  const isReady = isEnough || answer?.state === "done";
  return (
    <Dialog title={`Get JSON of ${integration.bucket}`} isOpen onClose={close} isWide>
      <p className="soft">
        The list of the bucket's videos, as a transfer takes it. You can edit it: leave videos out, or name a
        transcription.
      </p>
      <section aria-label="Synchronization" className="note">
        {isRunning &&
          (last?.state === "running" ? (
            <Progress run={last} integration={integration} />
          ) : (
            <Busy>Synchronizing with the bucket first…</Busy>
          ))}
        {answer?.state === "done" && (
          <span role="status">
            Synchronized <Moment value={answer.ended_at} />: {found(answer)}.
          </span>
        )}
        {answer?.state === "cancelled" && <span role="status">The synchronization was stopped. </span>}
        {answer?.state === "failed" && (
          <FaultNote
            title="The synchronization failed:"
            fault={answer.fault ?? { code: "unexpected", message: "No reason was told." }}
            onRetry={begin}
          />
        )}
        {error ? <Failure error={error} onRetry={begin} /> : null}
        {!isReady && !isRunning && integration.synchronized_at && (
          <Button onPress={() => setEnough(true)}>Use the list as it was last known</Button>
        )}
      </section>
      <Form choices={choices} onChange={choose} />
      <Outcome integration={integration} choices={choices} isReady={isReady} onClose={close} />
    </Dialog>
  );
}

interface FormProps {
  choices: Choices;
  onChange: (changes: Choices) => void;
}

function Form({ choices, onChange }: FormProps) {
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

/** The text as it is when it was left alone for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 350);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

interface OutcomeProps {
  integration: Integration;
  choices: Choices;
  isReady: boolean;
  onClose: () => void;
}

function Outcome({ integration, choices, isReady, onClose }: OutcomeProps) {
  const format = choices.format ?? "json";
  const query = useSettled(manifestQuery(choices).toString());
  const path = `${API_BASE}/integrations/${integration._id}/manifest?${query}`;
  const list = useQuery({
    queryKey: ["integrations", integration._id, "manifest", query, format],
    queryFn: async ({ signal }) => {
      const count = (await (await send(`${path}&count=true`, { signal })).json()) as Schema<"ManifestCount">;
      const { body } = await send(`${path}&format=${format}`, { signal });
      return { count, preview: body ? await firstLines(body, PREVIEWED) : [] };
    },
    enabled: isReady && Boolean(choices.index_id),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const count = list.data?.count.count ?? 0;
  const canDownload = isReady && Boolean(choices.index_id) && count > 0 && !list.error;
  return (
    <div className="stack">
      {!choices.index_id && <p className="soft">Choose an index to see the list.</p>}
      {choices.index_id && !isReady && <p className="soft">The list is made when the bucket is synchronized.</p>}
      {choices.index_id && isReady && (
        <section className="stack" aria-label="The list">
          <p role="status" className="int-count">
            {list.data ? (
              <>
                <strong>{counted(count, "video")}</strong>
                {count > 0 && (
                  <>
                    , {formatBytes(list.data.count.bytes)}, {formatNumber(list.data.count.with_transcription)} with
                    captions
                  </>
                )}
                {count === 0 &&
                  (choices.only_not_indexed ? ": all that match are in the index." : ": none match the filters.")}
              </>
            ) : (
              !list.error && <Busy>Counting…</Busy>
            )}
          </p>
          {list.error ? <Failure error={list.error} onRetry={() => list.refetch()} /> : null}
          {count > 0 && list.data && (
            <Preview of={counted(count, "video")} lines={list.data.preview} isCut={count >= PREVIEWED - 1} />
          )}
        </section>
      )}
      <div className="row int-form-end">
        <Button onPress={onClose}>Close</Button>
        {canDownload ? (
          <a
            className="button primary"
            href={manifestPath(integration._id, manifestQuery(choices, { format }))}
            download=""
            onClick={(event) => {
              void noteCall(new Request(event.currentTarget.href));
              toast(`The list of ${counted(count, "video")} is being downloaded.`);
            }}
          >
            Download
          </a>
        ) : (
          <Button kind="primary" icon="download" isDisabled>
            Download
          </Button>
        )}
      </div>
    </div>
  );
}

/** How the list begins. It is not there to be copied: the file has all of it. */
function Preview({ of, lines, isCut }: { of: string; lines: readonly string[]; isCut: boolean }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div className="code" role="group" aria-label={`The first lines of the list of ${of}`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre tabIndex={0}>
        <code>
          {lines.join("\n")}
          {isCut && "\n…"}
        </code>
      </pre>
    </div>
  );
}
