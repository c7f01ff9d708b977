// The report of a transfer: every video with its state, hash and error, to be downloaded.
import { API_BASE } from "../../../api/client";
import { counted } from "../../../ui/format";
import { Icon } from "../../../ui/icons";

const FORMATS = [
  { id: "csv", label: "CSV" },
  { id: "json", label: "JSON" },
  { id: "jsonl", label: "JSON lines" },
] as const;

export function Reports({ id, total }: { id: string; total: number }) {
  return (
    <section className="card" aria-labelledby="report">
      <h2 id="report">Report</h2>
      <p>
        All {counted(total, "video")} with state, size, hash of the content, tries, and error with rule and remedy; as
        things stand when it is downloaded.
      </p>
      <div className="row">
        {FORMATS.map((format) => (
          <a
            key={format.id}
            className="button"
            href={`${API_BASE}/transfers/${id}/report?format=${format.id}`}
            download={`transfer-${id}.${format.id}`}
          >
            <Icon name="download" /> {format.label}
          </a>
        ))}
      </div>
    </section>
  );
}
