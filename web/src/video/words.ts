// Lines of text as words with times, the captions of a player, and which words are those that were looked for. Lines have
// times, words have none: where a word lies is reckoned by its place among the line's characters.
import type { Line } from "./source";

export interface Piece {
  text: string;
  /** Where the word lies, in seconds; none for what stands between words. */
  at?: number;
  isMarked: boolean;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/** A word without its case and accents. */
export const plain = (word: string) =>
  word
    .normalize("NFKD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase();

/** The words of what was looked for. */
export function termsOf(query: string): string[] {
  const words = Array.from(segmenter.segment(query)).filter((piece) => piece.isWordLike);
  return [...new Set(words.map((piece) => plain(piece.segment)))];
}

/** The very word, or one that begins with it or it with, as `gull` and `gulls`. */
function isOf(word: string, terms: readonly string[]): boolean {
  const one = plain(word);
  return terms.some((term) => {
    if (one === term) return true;
    const [short, long] = one.length < term.length ? [one, term] : [term, one];
    return short.length >= 4 && long.startsWith(short) && long.length - short.length <= 3;
  });
}

/** The pieces of a line: words with their times, and what stands between them. */
export function piecesOf(line: Line, terms: readonly string[] = []): Piece[] {
  const perCharacter = (line.end - line.start) / Math.max(1, line.value.length);
  return Array.from(segmenter.segment(line.value), ({ segment, index, isWordLike }) =>
    isWordLike
      ? { text: segment, at: line.start + index * perCharacter, isMarked: isOf(segment, terms) }
      : { text: segment, isMarked: false },
  );
}

/** The number of the line that is said at a moment; -1 between lines. The last one that has begun wins. */
export function lineAt(lines: readonly Line[], time: number): number {
  return lines.findLastIndex((line) => line.start <= time + 0.01 && time < line.end);
}

/** The lines as WebVTT. */
export function captionsOf(lines: readonly Line[]): string {
  const stamp = (seconds: number) => new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23);
  const safe = (text: string) =>
    text
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(/\n{2,}/g, "\n");
  const cues = lines.map((line) => `${stamp(line.start)} --> ${stamp(line.end)}\n${safe(line.value)}\n`);
  return `WEBVTT\n\n${cues.join("\n")}`;
}
