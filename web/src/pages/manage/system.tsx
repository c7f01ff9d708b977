// The page "System": what the server does now, what it does it with, and how much room it has.
import { useState } from "react";
import { Button } from "../../ui/controls";
import { Loaded, Moment } from "../../ui/display";
import { formatBytes, formatDuration } from "../../ui/format";
import { Page } from "../../ui/Page";
import { Disk, isLow } from "./Disk";
import { Models, Running } from "./Models";
import { Prose } from "./Prose";
import { Queue } from "./Queue";
import { type System, useSystem } from "./useSystem";
import { Workers } from "./Workers";
import "./manage.css";

const EVERY_MS = 4_000;

export default function SystemPage() {
  const [isLive, setLive] = useState(true);
  const system = useSystem(isLive ? EVERY_MS : undefined);
  return (
    <Page
      title="System"
      lead="What the server does now, with what, and how much room it has."
      actions={
        <Button icon={isLive ? "pause" : "play"} onPress={() => setLive(!isLive)}>
          {isLive ? "Pause updates" : "Resume updates"}
        </Button>
      }
    >
      <Loaded query={system} what="the state of the server">
        {(it) => <View system={it} isLive={isLive} />}
      </Loaded>
    </Page>
  );
}

function View({ system, isLive }: { system: System; isLive: boolean }) {
  const upSeconds = (Date.parse(system.now) - Date.parse(system.started_at)) / 1000;
  const missing = system.models.filter((model) => model.is_default && model.remedy);
  return (
    <>
      {system.is_stopping && <p className="note warn">The server is about to stop: it takes no new work.</p>}
      {isLow(system.disk) && (
        <p className="note warn">
          <strong>Little room is left on the disk.</strong> Fetching pauses when it runs out. Next: free some of the
          disk that <code className="breakable">{system.disk.data_dir}</code> is on, delete videos or assets, or keep no
          streams.
        </p>
      )}
      {missing.length > 0 && (
        <div className="note warn">
          <strong>Models are missing.</strong>
          {missing.map((model) => (
            <Prose key={model.name} text={`${model.name}: ${model.remedy}`} />
          ))}
        </div>
      )}
      <p className="soft small">
        {isLive ? "Updates by itself every few seconds" : "Updates are paused"}; the server's clock says{" "}
        <Moment value={system.now} isExact />.
      </p>
      <div className="manage-columns">
        <Queue queue={system.queue} />
        <Workers workers={system.workers} />
        <Disk disk={system.disk} />
        <section className="card" aria-labelledby="about-server">
          <h2 id="about-server">Server</h2>
          <dl className="manage-facts">
            <dt>Version</dt>
            <dd>{system.version}</dd>
            <dt>Running for</dt>
            <dd>
              {formatDuration(upSeconds)}, since <Moment value={system.started_at} isExact />
            </dd>
            <dt>Database</dt>
            <dd>
              {system.database.kind} {system.database.version}, {formatBytes(system.database.size_bytes)}
            </dd>
            <dt>Media</dt>
            <dd>{system.media_sandbox}</dd>
          </dl>
          <p className="manage-links">
            <a href="/docs">The API's document</a> <a href="/openapi.json">OpenAPI file</a>{" "}
            <a href="/metrics">Metrics</a>
          </p>
        </section>
        <Running running={system.running} search={system.search} />
      </div>
      <Models models={system.models} />
    </>
  );
}
