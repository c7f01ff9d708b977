// The wrong entries of a manifest: line, cause, what was found, what to do. A line leads to its place in the field.
import { Button } from "../../../ui/controls";
import { counted, formatNumber } from "../../../ui/format";
import { type Reading, TOLD_PROBLEMS } from "../manifest/sheet";
import { VirtualList } from "../VirtualList";
import { FIELD_ID, type Source } from "./ManifestInput";

export function Problems({ reading, source }: { reading: Reading; source: Source }) {
  return (
    <section className="card" aria-labelledby="problems">
      <h2 id="problems">{counted(reading.wrong, "entry is", "entries are")} wrong</h2>
      <p>
        A manifest is taken whole or not at all, so these are mended above, or left out below.
        {reading.wrong > TOLD_PROBLEMS && ` The first ${formatNumber(TOLD_PROBLEMS)} are shown.`}
      </p>
      <VirtualList label="Wrong entries" rows={reading.problems} rowKey={(problem) => problem.entry} estimate={84}>
        {(problem) => (
          <div className="tr-line-of">
            <span>
              {source.file ? (
                `Line ${formatNumber(problem.line)}`
              ) : (
                <Button kind="quiet" onPress={() => showLine(problem.line)}>
                  Line {formatNumber(problem.line)}
                </Button>
              )}
            </span>
            <div>
              <p>
                <strong>{problem.what}</strong>
              </p>
              {problem.value && (
                <p className="breakable small">
                  Found: <code>{problem.value}</code>
                </p>
              )}
              <p className="small">Next: {problem.fix}</p>
            </div>
          </div>
        )}
      </VirtualList>
    </section>
  );
}

/** Puts the focus on a line of the field, which is marked. */
function showLine(line: number) {
  const field = document.getElementById(FIELD_ID);
  if (!(field instanceof HTMLTextAreaElement)) return;
  const lines = field.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  field.scrollTop = (field.scrollHeight / lines.length) * Math.max(0, line - 3);
  field.scrollIntoView({ block: "nearest" });
}
