// A transcript while it is being edited: lines with what was typed, and what is wrong with them.
import type { Line } from "../../../video/source";
import { parseClock, showClock } from "./clock";

export interface DraftLine {
  /** Stays while the line is edited. */
  key: number;
  start: string;
  end: string;
  value: string;
}

/** The server's limit. */
export const LONGEST = 2000;

let keys = 0;
export const newKey = () => {
  keys += 1;
  return keys;
};

export const draftOf = (lines: readonly Line[]): DraftLine[] =>
  lines.map((line) => ({ key: newKey(), start: showClock(line.start), end: showClock(line.end), value: line.value }));

/** What is wrong with a line; nothing if it can be saved. */
export function problemOf(line: DraftLine, duration: number): string | undefined {
  const [start, end] = [parseClock(line.start), parseClock(line.end)];
  if (start === undefined) return `“${line.start}” is no moment; write it as 1:02.5.`;
  if (end === undefined) return `“${line.end}” is no moment; write it as 1:02.5.`;
  if (end <= start) return "It must end after it begins.";
  if (start >= duration) return `It begins after the video's end (${showClock(duration)}).`;
  if (line.value.trim() === "") return "It has no words; remove the line instead.";
  if (line.value.length > LONGEST) return `At most ${LONGEST} characters; split the line.`;
  return undefined;
}

/** The lines as the server takes them, in order; of a draft without problems. */
export const linesOf = (draft: readonly DraftLine[]): Line[] =>
  draft
    .map((line) => ({
      start: parseClock(line.start) ?? 0,
      end: parseClock(line.end) ?? 0,
      value: line.value.trim(),
    }))
    .toSorted((a, b) => a.start - b.start || a.end - b.end);

/** A line after another one: it takes the time up to the next one, at most three seconds. */
export function lineAfter(draft: readonly DraftLine[], place: number, duration: number): DraftLine {
  const start = Math.min(parseClock(draft[place]?.end ?? "0") ?? 0, Math.max(0, duration - 0.5));
  const next = parseClock(draft[place + 1]?.start ?? "") ?? duration;
  const end = Math.max(start + 0.5, Math.min(next, start + 3, duration));
  return { key: newKey(), start: showClock(start), end: showClock(end), value: "" };
}
