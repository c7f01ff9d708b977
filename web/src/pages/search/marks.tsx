// Which words of a text matched a query, by the rules of the server's exact search (crates/telecine/src/search/words.rs).
import type { ReactNode } from "react";

/** Words that tell nothing while others remain; the server's list. */
const STOP_WORDS = new Set(
  `a about an and any are as at be been but by can could did do does for from had has have he her him his how i if in into
  is it its me my of on or our she should so some that the their them there these they this those to us was we were what
  when where which who why will with would you your`.split(/\s+/),
);
const WORD = /[\p{L}\p{N}]+/gu;
const STEM = 4;
const ENDING = 3;

const words = (text: string) => [...text.matchAll(WORD)].map(([word]) => word.toLowerCase());

/** The words of a query, each alone or as a phrase; `isExact`: all as one phrase. */
export function termsOf(query: string, isExact: boolean): string[][] {
  if (isExact) return [words(query)].filter((term) => term.length > 0);
  const terms: string[][] = [];
  query.split(/["“”]/).forEach((part, place) => {
    const found = words(part);
    if (place % 2 === 1 && found.length > 0) terms.push(found);
    else terms.push(...found.map((word) => [word]));
  });
  const telling = terms.filter((term) => term.length > 1 || !STOP_WORDS.has(term[0] ?? ""));
  return telling.length > 0 ? telling : terms;
}

/** Equal, or equal up to short endings. */
function isFormOf(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, other] = [[...a], [...b]];
  let common = 0;
  while (common < one.length && one[common] === other[common]) common += 1;
  return common >= STEM && one.length - common <= ENDING && other.length - common <= ENDING;
}

/** The stretches of a text that match, in order, none over another. */
export function matchedRanges(text: string, terms: readonly string[][]): [number, number][] {
  const found = [...text.matchAll(WORD)].map((match) => ({
    word: match[0].toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }));
  const isMarked = new Array<boolean>(found.length).fill(false);
  for (const term of terms) {
    for (let at = 0; at + term.length <= found.length; at += 1) {
      if (term.every((word, offset) => isFormOf(word, found[at + offset]?.word ?? ""))) {
        isMarked.fill(true, at, at + term.length);
      }
    }
  }
  const ranges: [number, number][] = [];
  found.forEach(({ start, end }, place) => {
    if (!isMarked[place]) return;
    const last = ranges.at(-1);
    if (last && isMarked[place - 1]) last[1] = end;
    else ranges.push([start, end]);
  });
  return ranges;
}

/** The text with its matched words marked. */
export function marked(text: string, terms: readonly string[][]): ReactNode {
  let at = 0;
  const parts: ReactNode[] = [];
  for (const [start, end] of matchedRanges(text, terms)) {
    parts.push(text.slice(at, start), <mark key={start}>{text.slice(start, end)}</mark>);
    at = end;
  }
  parts.push(text.slice(at));
  return parts;
}
