// Above an opened hit: its video, what was searched for, and the way back to the results.
import { ButtonLink } from "../../ui/controls";
import { formatClock } from "../../ui/format";
import { inWords } from "./filter";
import { HIT_TITLE } from "./ids";
import { SENSE_WORDS } from "./senses";
import type { SearchState, Sense } from "./state";

export function Summary({
  state,
  senses,
  nameOf,
  video,
  back,
}: {
  state: SearchState;
  senses: readonly Sense[];
  nameOf: (video: string) => string;
  video: string;
  back: string;
}) {
  const { picture, text, filter } = state;
  const parts = [
    text.trim() && `“${text.trim()}”`,
    picture?.kind === "url" && `the picture ${picture.url}`,
    picture?.kind === "file" && `the picture ${picture.name}`,
    picture?.kind === "moment" && `like ${nameOf(picture.video)} at ${formatClock(picture.at, true)}`,
    senses.map((sense) => SENSE_WORDS[sense].label.toLowerCase()).join(", "),
    ...Object.entries(filter).map(([field, test]) => inWords(field, test, nameOf)),
  ].filter(Boolean);
  return (
    <div className="row spread summary">
      <div>
        <h2 id={HIT_TITLE} tabIndex={-1} className="breakable">
          {nameOf(video)}
        </h2>
        <div className="soft breakable">Search: {parts.join(" · ")}</div>
      </div>
      <ButtonLink to={back} icon="left">
        Back to the results
      </ButtonLink>
    </div>
  );
}
