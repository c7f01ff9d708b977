// An empty result: what was asked too strictly, each with a button that relaxes it.
import { Button } from "../../ui/controls";
import { Empty } from "../../ui/display";
import { counted } from "../../ui/format";
import { sensesOf } from "./request";
import { SENSE_WORDS } from "./senses";
import type { SearchState, Sense } from "./state";

export interface Relaxation {
  label: string;
  change: Partial<SearchState>;
}

/** What can be relaxed, that which helps most often first. */
export function relaxations(state: SearchState, has: readonly Sense[]): Relaxation[] {
  const found: Relaxation[] = [];
  const senses = sensesOf(state, has);
  const filters = Object.keys(state.filter).length;
  if (filters > 0) found.push({ label: `Without the ${counted(filters, "filter")}`, change: { filter: {} } });
  if (state.mustMatchAll && senses.length > 1) {
    found.push({ label: "Match in any of the ways", change: { mustMatchAll: false } });
  }
  if (state.isExact && senses.includes("said")) {
    found.push({ label: "Spoken words by their meaning", change: { isExact: false } });
  }
  if (!state.picture && senses.length < has.length) {
    const others = has.filter((sense) => !senses.includes(sense));
    const words = others.map((sense) => SENSE_WORDS[sense].label.toLowerCase()).join(" and ");
    found.push({ label: `Look at what is ${words}, too`, change: { senses: null } });
  }
  if (state.picture && state.text.trim()) found.push({ label: "By the picture alone", change: { text: "" } });
  if (state.threshold !== "none") found.push({ label: "Show unsure matches, too", change: { threshold: "none" } });
  return found;
}

export function NothingFound({
  state,
  has,
  videos,
  onRelax,
}: {
  state: SearchState;
  has: readonly Sense[];
  /** How many were looked at. */
  videos: number;
  onRelax: (change: Partial<SearchState>) => void;
}) {
  const ways = relaxations(state, has);
  return (
    <Empty title="Nothing was found">
      <p>
        {videos === 0
          ? "No video was searched: the index is empty, or the filters leave none."
          : `${counted(videos, "video was", "videos were")} searched.`}{" "}
        {ways.length > 0 ? "It may help to ask less strictly:" : "Try other words, or fewer."}
      </p>
      <div className="row">
        {ways.map(({ label, change }) => (
          <Button key={label} onPress={() => onRelax(change)}>
            {label}
          </Button>
        ))}
      </div>
    </Empty>
  );
}
