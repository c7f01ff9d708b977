// Which models run, and the sets that can be had: state, licence, what to do for one that is missing.
import { Badge, type Column, Table } from "../../ui/display";
import { counted, formatBytes, formatNumber } from "../../ui/format";
import { Prose } from "./Prose";
import type { System } from "./useSystem";

type Model = System["models"][number];

const STATES = {
  loaded: { tone: "good", label: "Runs" },
  present: { tone: "soft", label: "There, not used" },
  incomplete: { tone: "bad", label: "Incomplete" },
  missing: { tone: "warn", label: "Missing" },
} as const;

const COLUMNS: readonly Column<Model>[] = [
  { id: "name", label: "Set", isRowHeader: true, cell: (model) => <code>{model.name}</code> },
  { id: "about", label: "What for", cell: (model) => <Prose text={model.about} /> },
  {
    id: "state",
    label: "State",
    cell: (model) => (
      <>
        <Badge tone={STATES[model.state].tone}>{STATES[model.state].label}</Badge>
        {model.remedy && (
          <div className="small">
            <Prose text={model.is_default ? model.remedy : `Not needed unless wanted. ${model.remedy}`} />
          </div>
        )}
      </>
    ),
  },
  { id: "licence", label: "Licence", cell: (model) => model.licence },
  { id: "from", label: "From", cell: (model) => <span className="small breakable">{model.revisions.join(", ")}</span> },
  { id: "size", label: "Size", isNumber: true, cell: (model) => formatBytes(model.size_bytes) },
];

export function Models({ models }: { models: readonly Model[] }) {
  return (
    <section className="stack" aria-labelledby="models">
      <h2 id="models">Models</h2>
      <Table caption="Models" columns={COLUMNS} rows={models} rowKey={(model) => model.name} />
    </section>
  );
}

/** All of them when they are few. */
function languages(codes: readonly string[]): string {
  return codes.length > 0 && codes.length <= 8 ? codes.join(", ") : counted(codes.length, "language");
}

export function Running({ running, search }: { running: System["running"]; search: System["search"] }) {
  return (
    <section className="card" aria-labelledby="running">
      <h2 id="running">What it understands with</h2>
      <dl className="manage-facts">
        <dt>Sees</dt>
        <dd>{running.see}</dd>
        <dt>Hears</dt>
        <dd>
          {running.hear} <span className="soft">({languages(running.hear_languages)})</span>
        </dd>
        <dt>Reads</dt>
        <dd>{running.read}</dd>
        <dt>Words</dt>
        <dd>{running.words}</dd>
        <dt>Writes</dt>
        <dd>{running.write ?? <span className="soft">nothing: texts are taken from the video itself</span>}</dd>
        <dt>Search</dt>
        <dd>
          {search.is_in_database
            ? `about ${counted(search.vectors, "vector")} in the database, ${counted(search.indexes, "graph")} over them, `
            : `${counted(search.vectors, "vector")} of ${counted(search.indexes, "index", "indexes")} in memory, `}
          {formatBytes(search.bytes)}
          {search.waiting_vectors > 0 && `; ${formatNumber(search.waiting_vectors)} wait for the graph`}
          {search.is_building && "; a graph is being built"}
        </dd>
      </dl>
    </section>
  );
}
