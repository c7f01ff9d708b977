// How transfers and tasks are told in words: states, numbers, stages.
import type { Schema } from "../../api/client";
import { Badge, type Share, type Tone } from "../../ui/display";
import { formatNumber } from "../../ui/format";

export type Counts = Schema<"Counts">;
type Shown = Pick<Schema<"Transfer">, "state" | "is_finished" | "counts" | "paused_at">;

/** The parts of a transfer in the order of a task's life; they add up to its total. */
export const PARTS: readonly { of: keyof Counts; label: string; tone: Tone }[] = [
  { of: "validating", label: "To fetch and check", tone: "soft" },
  { of: "pending", label: "Waiting", tone: "soft" },
  { of: "queued", label: "Queued", tone: "soft" },
  { of: "indexing", label: "Indexing", tone: "accent" },
  { of: "ready", label: "Ready", tone: "good" },
  { of: "skipped", label: "There already", tone: "info" },
  { of: "failed", label: "Failed", tone: "bad" },
];

export const finished = (counts: Counts) => counts.ready + counts.skipped + counts.failed;

/** What of a transfer is done first, what waits last: a bar that fills from the left. */
export function sharesOf(counts: Counts): Share[] {
  const order: (keyof Counts)[] = ["ready", "skipped", "failed", "indexing", "queued", "validating", "pending"];
  return order.map((of) => {
    const part = PARTS.find((each) => each.of === of);
    return { label: part?.label ?? of, count: counts[of], tone: of === "queued" ? "warn" : (part?.tone ?? "soft") };
  });
}

export function TransferState({ transfer }: { transfer: Shown }) {
  const { state, is_finished, counts, paused_at } = transfer;
  if (state === "cancelled") {
    return <Badge tone="soft">{is_finished ? "Cancelled" : "Being cancelled"}</Badge>;
  }
  if (state === "receiving") return <Badge tone="info">Being received</Badge>;
  if (is_finished && counts.failed > 0) {
    return <Badge tone="warn">Ended, {formatNumber(counts.failed)} failed</Badge>;
  }
  if (is_finished) return <Badge tone="good">Complete</Badge>;
  if (paused_at) {
    return (
      <Badge tone="warn" icon="pause">
        Paused
      </Badge>
    );
  }
  return (
    <Badge tone="accent" icon="transfer">
      Under way
    </Badge>
  );
}

type Task = Pick<Schema<"Task">, "status" | "skipped" | "waiting_for">;

/** A task's state, in the words of the API; one that was skipped is told apart. */
export function TaskState({ task }: { task: Task }) {
  if (task.skipped) return <Badge tone="info">There already</Badge>;
  const tones: Record<string, Tone> = { ready: "good", failed: "bad", indexing: "accent", validating: "warn" };
  return <Badge tone={tones[task.status] ?? "soft"}>{STATUS_WORDS[task.status] ?? task.status}</Badge>;
}

export const STATUS_WORDS: Record<string, string> = {
  validating: "Validating",
  pending: "Pending",
  queued: "Queued",
  indexing: "Indexing",
  ready: "Ready",
  failed: "Failed",
  skipped: "There already",
};

/** What each state means, for the list of states. */
export const STATUS_MEANING: Record<string, string> = {
  validating: "It is fetched and checked, or waits for that.",
  pending: "It waits; why, is told.",
  queued: "Fetched and checked; it waits for its turn to be indexed.",
  indexing: "It is seen, heard and read.",
  ready: "It can be searched.",
  failed: "It was given up; the reason tells what to do.",
};

export const STAGE_WORDS: Record<string, string> = {
  fetch: "Fetching",
  validate: "Checking",
  index: "Indexing",
  publish: "Publishing",
};

/** The end of an id, enough to tell one from another. */
export const shortId = (id: string) => `…${id.slice(-6)}`;
