// A manifest is dropped, pasted or chosen; what is wrong in it and the plan of the rest are shown at once; then it is started.
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useNavigate } from "react-router";
import { Busy, Failure } from "../../../ui/display";
import { counted, formatNumber } from "../../../ui/format";
import { toast } from "../../../ui/overlays";
import type { Draft } from "./draft";
import { Drafting } from "./draft";
import { useKnown } from "./known";
import { ManifestInput, type Source } from "./ManifestInput";
import { PlanView } from "./PlanView";
import { Problems } from "./Problems";
import { StartBox } from "./StartBox";

/** After the last key, before what was typed is read. */
const SETTLED_MS = 500;

export function FromManifest() {
  const [source, setSource] = useState<Source>({ text: "" });
  const drafting = useDrafting(source);
  const draft = useSyncExternalStore(drafting.subscribe, drafting.get);
  const navigate = useNavigate();
  const [left, setLeft] = useState({ wrong: false, refused: false, skipped: false });
  const start = useMutation({
    mutationFn: () => drafting.start(left),
    onSuccess: (accepted) => {
      toast(`The transfer of ${counted(accepted.summary.accepted, "video")} has begun.`);
      navigate(`/transfers/${accepted.transfer_id}`);
    },
  });
  const change = (next: Source) => {
    setSource(next);
    setLeft({ wrong: false, refused: false, skipped: false });
    start.reset();
  };
  const reading = draft.reading;
  return (
    <div className="stack">
      <ManifestInput source={source} onChange={change} />
      <div aria-live="polite" className="visually-hidden">
        {spoken(draft)}
      </div>
      {draft.phase === "reading" && <Busy>Reading the manifest…</Busy>}
      {reading && reading.wrong > 0 && <Problems reading={reading} source={source} />}
      {reading && reading.good > 0 && (
        <PlanView draft={draft} onStop={() => drafting.stop()} onAgain={() => void drafting.plan()} />
      )}
      {draft.phase === "failed" && !reading && <Failure error={draft.error} title="The manifest was not read." />}
      {reading && reading.entries > 0 && (
        <StartBox
          draft={draft}
          left={left}
          onLeft={setLeft}
          onStart={() => start.mutate()}
          isStarting={start.isPending}
        />
      )}
      {start.error && (
        <Failure error={start.error} title="The transfer was not begun." onRetry={() => start.mutate()} />
      )}
    </div>
  );
}

/** Reads and plans what is given, once it is settled and what there is is known. */
function useDrafting(source: Source): Drafting {
  const [drafting] = useState(() => new Drafting());
  const { known, isPending } = useKnown();
  const knownKey = JSON.stringify(known);
  useEffect(() => () => drafting.close(), [drafting]);
  useEffect(() => {
    if (isPending) return;
    const given = source.file ?? source.text;
    const wait = source.file ? 0 : SETTLED_MS;
    const timer = setTimeout(() => void drafting.load(given, JSON.parse(knownKey)), wait);
    return () => clearTimeout(timer);
  }, [drafting, source, knownKey, isPending]);
  return drafting;
}

/** For screen readers: once when it is read, once when the plan stands. */
function spoken({ phase, reading, taken, skipped, refused }: Draft): string {
  if (!reading || phase === "reading") return "";
  const read = `${counted(reading.entries, "entry", "entries")}: ${formatNumber(reading.wrong)} wrong. `;
  if (phase !== "planned") return read;
  return `${read}The plan: ${formatNumber(taken)} would be taken, ${formatNumber(skipped)} there already, ${formatNumber(refused)} would fail.`;
}
