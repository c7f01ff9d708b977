// Where a manifest is dropped, pasted, typed or chosen. Large ones are kept as files: a field would not bear them.
import { type DragEvent, useState } from "react";
import * as Aria from "react-aria-components";
import { Button } from "../../../ui/controls";
import { formatBytes } from "../../../ui/format";
import { Icon } from "../../../ui/icons";

export interface Source {
  text: string;
  /** What was dropped or chosen, or was too much for the field. */
  file?: Blob & { name?: string };
}

/** Characters that a field of text takes without becoming slow. */
const FIELD_BEARS = 200_000;
export const FIELD_ID = "manifest-text";

const EXAMPLE = `[
  {"index_id": "65f0c1d2e3a4b5c6d7e8f901", "language": "en", "object": "s3://harbour/2024/pier.mp4",
   "transcription": "s3://harbour/2024/pier.srt"}
]`;

export function ManifestInput({ source, onChange }: { source: Source; onChange: (source: Source) => void }) {
  const [isOver, setOver] = useState(false);
  const give = async (file: File | undefined) => {
    if (!file) return;
    // What fits is shown, so that it can be mended here.
    if (file.size > FIELD_BEARS) onChange({ text: "", file });
    else onChange({ text: await file.text() });
  };
  const giveText = (text: string) =>
    onChange(text.length > FIELD_BEARS ? { text: "", file: new Blob([text]) } : { text });
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file) void give(file);
    else giveText(event.dataTransfer.getData("text/plain"));
  };
  const clear = () => {
    onChange({ text: "" });
    // The button goes; the field is there again.
    requestAnimationFrame(() => document.getElementById(FIELD_ID)?.focus());
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one of several ways; the others are its field and button
    <div
      className="tr-drop"
      data-over={isOver}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      onPasteCapture={(event) => {
        const text = event.clipboardData.getData("text/plain");
        if (text.length <= FIELD_BEARS) return;
        event.preventDefault();
        giveText(text);
      }}
    >
      {source.file ? (
        <p>
          <Icon name="list" /> <strong>{source.file.name ?? "The pasted text"}</strong>, {formatBytes(source.file.size)}
          : too much to be shown here, but it is read whole.
        </p>
      ) : (
        <Aria.TextField className="field" value={source.text} onChange={giveText}>
          <Aria.Label>Manifest</Aria.Label>
          <Aria.TextArea id={FIELD_ID} spellCheck={false} placeholder={EXAMPLE} wrap="off" />
          <Aria.Text slot="description" className="hint">
            Drop a file here, or paste: a JSON array as <em>Get JSON</em> of an integration gives it, JSON lines, or
            CSV.
          </Aria.Text>
        </Aria.TextField>
      )}
      <div className="row">
        <Aria.FileTrigger
          acceptedFileTypes={[".json", ".jsonl", ".ndjson", ".csv", ".txt"]}
          onSelect={(files) => void give(files?.[0])}
        >
          <Button icon="up">Choose a file…</Button>
        </Aria.FileTrigger>
        {(source.text || source.file) && <Button onPress={clear}>Clear</Button>}
      </div>
    </div>
  );
}
