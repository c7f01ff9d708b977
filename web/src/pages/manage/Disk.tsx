// The disk of the data folder: what takes its room, and whether little is left.
import { Badge, Moment, type Share, StageBar } from "../../ui/display";
import { formatBytes, formatPercent } from "../../ui/format";
import type { System } from "./useSystem";

type DiskState = System["disk"];

const LOW_PART = 0.1;
const LOW_BYTES = 5e9;

/** Less than a tenth, or than what a few long videos take. */
export function isLow({ free_bytes, total_bytes }: Pick<DiskState, "free_bytes" | "total_bytes">): boolean {
  return free_bytes < LOW_BYTES || free_bytes < total_bytes * LOW_PART;
}

export function Disk({ disk }: { disk: DiskState }) {
  const used = disk.total_bytes - disk.free_bytes;
  const ours = disk.database_bytes + (disk.streams_bytes ?? 0) + (disk.assets_bytes ?? 0);
  const shares: Share[] = [
    { label: "Database", count: disk.database_bytes, tone: "accent" },
    { label: "Streams of videos", count: disk.streams_bytes ?? 0, tone: "info" },
    { label: "Assets", count: disk.assets_bytes ?? 0, tone: "good" },
    { label: "Everything else", count: Math.max(0, used - ours), tone: "soft" },
  ];
  const isUnknown = disk.streams_bytes == null || disk.assets_bytes == null;
  return (
    <section className="card" aria-labelledby="disk">
      <h2 id="disk">Disk</h2>
      <p>
        {formatBytes(disk.free_bytes)} free of {formatBytes(disk.total_bytes)} (
        {formatPercent(disk.free_bytes, disk.total_bytes)}) {isLow(disk) && <Badge tone="warn">Low</Badge>}
      </p>
      <StageBar shares={shares} total={disk.total_bytes} />
      <dl className="manage-facts manage-legend">
        {shares.map((share) => (
          <div key={share.label}>
            <dt>
              <span className={`swatch tone-${share.tone}`} aria-hidden="true" />
              {share.label}
            </dt>
            <dd className="numeric">{formatBytes(share.count)}</dd>
          </div>
        ))}
      </dl>
      <p className="small soft breakable">
        {isUnknown ? "Streams and assets are being added up. " : null}
        {disk.added_up_at && (
          <>
            Streams and assets were added up <Moment value={disk.added_up_at} />.{" "}
          </>
        )}
        Data folder: <code>{disk.data_dir}</code>
      </p>
    </section>
  );
}
