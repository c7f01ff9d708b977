// What is left out, and the start.
import { Button, Checkbox } from "../../../ui/controls";
import { counted, formatNumber } from "../../../ui/format";
import type { Draft, Left } from "./draft";

export type AllLeft = Left & { wrong: boolean };

export function StartBox({
  draft,
  left,
  onLeft,
  onStart,
  isStarting,
}: {
  draft: Draft;
  left: AllLeft;
  onLeft: (left: AllLeft) => void;
  onStart: () => void;
  isStarting: boolean;
}) {
  const { reading, refused, skipped, phase } = draft;
  const [good, wrong] = [reading?.good ?? 0, reading?.wrong ?? 0];
  const going = good - (left.refused ? refused : 0) - (left.skipped ? skipped : 0);
  const obstacle = obstacleOf();
  function obstacleOf(): string | undefined {
    if (phase === "reading") return "The manifest is being read.";
    if (wrong > 0 && !left.wrong) return `Mend the wrong entries, or leave them out.`;
    if (going === 0) return "Nothing is left that could be transferred.";
    if (phase === "planning") return "The plan is being made; stop it to start without.";
    return undefined;
  }
  const choice = (of: keyof AllLeft, count: number, words: string) =>
    count > 0 && (
      <Checkbox isSelected={left[of]} onChange={(is) => onLeft({ ...left, [of]: is })}>
        Leave the {formatNumber(count)} {words} out
      </Checkbox>
    );
  return (
    <section className="card stack" aria-labelledby="start">
      <h2 id="start">Start</h2>
      <div className="tr-choices">
        {choice("wrong", wrong, wrong === 1 ? "wrong one" : "wrong ones")}
        {choice("refused", refused, refused === 1 ? "that would fail" : "that would fail")}
        {choice("skipped", skipped, "there already")}
      </div>
      <div className="row">
        <Button
          kind="primary"
          icon="play"
          isDisabled={obstacle !== undefined}
          isPending={isStarting}
          onPress={onStart}
          aria-describedby="start-note"
        >
          {isStarting ? "Starting…" : `Start the transfer of ${counted(Math.max(0, going), "video")}`}
        </Button>
        <span id="start-note" className="soft" aria-live="polite">
          {obstacle ?? "Started once, however often it is pressed."}
        </span>
      </div>
    </section>
  );
}
