// All that an index does not have of a connected bucket: how much that is, and the start of its import.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api, type Schema, unwrap } from "../../../api/client";
import { Button, ButtonLink, Checkbox, Select } from "../../../ui/controls";
import { Busy, Empty, Failure, Loaded } from "../../../ui/display";
import { counted, formatBytes, formatNumber } from "../../../ui/format";
import { toast } from "../../../ui/overlays";
import { newKey } from "./draft";
import { Estimates } from "./Estimates";
import { useAllIndexes, useIntegrations } from "./known";

/** The count tells no lengths. */
const NOTHING_KNOWN = { of: 0, seconds: 0, bytes: 0 };

const isUsable = ({ status }: Schema<"Integration">) => status === "active" || status === "degraded";

export function FromIntegration() {
  const [integrations, indexes] = [useIntegrations(), useAllIndexes()];
  return (
    <Loaded query={integrations} what="the integrations">
      {({ data }) => (
        <Loaded query={indexes} what="the indexes">
          {({ all }) => <Choose integrations={data} indexes={all} />}
        </Loaded>
      )}
    </Loaded>
  );
}

function Choose({
  integrations,
  indexes,
}: {
  integrations: readonly Schema<"Integration">[];
  indexes: readonly Schema<"Index">[];
}) {
  const [search, setSearch] = useSearchParams();
  const usable = integrations.filter(isUsable);
  const integration = search.get("integration") ?? (usable.length === 1 ? (usable[0]?._id ?? null) : null);
  const index = search.get("index");
  if (usable.length === 0) {
    return (
      <Empty
        title="No bucket can be read yet"
        action={
          <ButtonLink to="/integrations" kind="primary">
            To the integrations
          </ButtonLink>
        }
      >
        <p>A bucket is connected and verified first. Then all of it, or what is new in it, is transferred from here.</p>
      </Empty>
    );
  }
  if (indexes.length === 0) {
    return (
      <Empty
        title="There is no index yet"
        action={
          <ButtonLink to="/indexes" kind="primary">
            To the indexes
          </ButtonLink>
        }
      >
        <p>Videos are transferred into an index. Make one first.</p>
      </Empty>
    );
  }
  const set = (name: string, value: string) =>
    setSearch(
      (before) => {
        before.set(name, value);
        return before;
      },
      { replace: true },
    );
  return (
    <div className="stack">
      <div className="tr-filters">
        <Select
          label="Integration"
          choices={integrations.map((each) => ({
            id: each._id,
            label: `${each.bucket}${each.prefix ? `/${each.prefix}` : ""}${isUsable(each) ? "" : ` (${each.status})`}`,
            isDisabled: !isUsable(each),
          }))}
          value={integration}
          onChange={(id) => set("integration", id)}
        />
        <Select
          label="Into the index"
          choices={indexes.map((each) => ({ id: each._id, label: each.index_name }))}
          value={index}
          onChange={(id) => set("index", id)}
        />
      </div>
      {integration && index ? (
        <Import key={`${integration} ${index}`} integration={integration} index={index} />
      ) : (
        <p className="soft">Choose a bucket and an index to see what would be taken.</p>
      )}
    </div>
  );
}

function Import({ integration, index }: { integration: string; index: string }) {
  const [retryFailed, setRetryFailed] = useState(false);
  const [key] = useState(newKey);
  const navigate = useNavigate();
  const path = { integration_id: integration };
  const count = useQuery({
    queryKey: ["integration", integration, "not in", index],
    queryFn: async () => {
      const query = { index_id: index, only_not_indexed: true, count: true };
      const answer = await unwrap(api.GET("/integrations/{integration_id}/manifest", { params: { path, query } }));
      return answer as unknown as Schema<"ManifestCount">;
    },
  });
  const start = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/tasks/transfers/import/{integration_id}", {
          params: { path },
          body: { index_id: index, retry_failed: retryFailed },
          headers: { "idempotency-key": `${key}${retryFailed ? "-retry" : ""}` },
        }),
      ),
    onSuccess: (begun) => {
      if (begun.failed_files.length > 0) return;
      toast(`The transfer of ${counted(begun.videos.length, "video")} has begun.`);
      navigate(`/transfers/${begun.transfer_id}`);
    },
  });
  if (start.data && start.data.failed_files.length > 0) return <Begun begun={start.data} />;
  return (
    <section className="card stack" aria-labelledby="import">
      <h2 id="import">What the index does not have</h2>
      {count.isPending && <Busy>Synchronizing the bucket, then counting what is not in the index…</Busy>}
      {count.error && <Failure error={count.error} onRetry={() => count.refetch()} />}
      {count.data && (
        <>
          <dl className="tr-numbers">
            <div className="good">
              <dt>Videos to take</dt>
              <dd>{formatNumber(count.data.count)}</dd>
            </div>
            <div>
              <dt>Bytes</dt>
              <dd>{formatBytes(count.data.bytes)}</dd>
            </div>
            <div>
              <dt>With captions</dt>
              <dd>{formatNumber(count.data.with_transcription)}</dd>
            </div>
            <Estimates
              taken={count.data.count}
              bytes={count.data.bytes}
              known={NOTHING_KNOWN}
              indexes={{ [index]: count.data.count }}
            />
          </dl>
          <p className="soft">
            Videos that the index has, or is getting, are left alone. Each video that cannot be read fails alone, with a
            reason. To choose one by one, take <Link to="/integrations">Get JSON</Link> of the integration and give it
            as a manifest.
          </p>
          <Checkbox isSelected={retryFailed} onChange={setRetryFailed}>
            Try those again that failed before
          </Checkbox>
          <div className="row">
            <Button
              kind="primary"
              icon="play"
              isPending={start.isPending}
              isDisabled={count.data.count === 0 && !retryFailed}
              onPress={() => start.mutate()}
            >
              {start.isPending ? "Synchronizing and starting…" : "Start the import"}
            </Button>
            {count.data.count === 0 && <span className="soft">The index has all of this bucket.</span>}
          </div>
        </>
      )}
      {start.error && <Failure error={start.error} title="The import was not begun." onRetry={() => start.mutate()} />}
    </section>
  );
}

/** An import that left files out tells them before it is followed. */
function Begun({ begun }: { begun: Schema<"ImportAnswer"> }) {
  return (
    <section className="card stack" aria-labelledby="begun" aria-live="polite">
      <h2 id="begun">The transfer of {counted(begun.videos.length, "video")} has begun</h2>
      <p>{counted(begun.failed_files.length, "file was", "files were")} refused before anything was moved:</p>
      <ul>
        {begun.failed_files.slice(0, 100).map((file) => (
          <li key={file.filename} className="breakable">
            <strong>{file.filename}</strong>: {file.error_message}
          </li>
        ))}
      </ul>
      {begun.failed_files.length > 100 && <p>… and {formatNumber(begun.failed_files.length - 100)} more.</p>}
      <div className="row">
        <ButtonLink to={`/transfers/${begun.transfer_id}`} kind="primary">
          To the transfer
        </ButtonLink>
      </div>
    </section>
  );
}
