// A search in a line of words.
import { formatClock } from "../../ui/format";
import { inWords } from "./filter";
import { SENSE_WORDS } from "./senses";
import type { SearchState, Sense } from "./state";

export function summaryOf(state: SearchState, senses: readonly Sense[], nameOf: (video: string) => string): string {
  const { picture, text, filter } = state;
  const parts = [
    text.trim() && `“${text.trim()}”`,
    picture?.kind === "url" && `the picture ${picture.url}`,
    picture?.kind === "file" && `the picture ${picture.name}`,
    picture?.kind === "moment" && `like ${nameOf(picture.video)} at ${formatClock(picture.at, true)}`,
    senses.map((sense) => SENSE_WORDS[sense].label.toLowerCase()).join(", "),
    ...Object.entries(filter).map(([field, test]) => inWords(field, test, nameOf)),
  ].filter(Boolean);
  return parts.join(" · ");
}
