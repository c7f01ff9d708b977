// The checklist of a verification: each line with its outcome, and what mends it where it is not well.
import { useEffect, useState } from "react";
import type { Schema } from "../../api/client";
import { Button } from "../../ui/controls";
import { Badge, Busy, Code, CopyButton, Failure } from "../../ui/display";
import { useChange } from "./data";
import type { Line } from "./verify";
import { MENDED_BY, OUTCOMES } from "./words";

interface ChecklistProps {
  integrationId: string;
  lines: readonly Line[];
  isRunning: boolean;
  onAgain: () => void;
}

export function Checklist({ integrationId, lines, isRunning, onAgain }: ChecklistProps) {
  return (
    <ol className="int-checklist" aria-label="Checklist">
      {lines.map((line) => (
        <li key={line.name} data-outcome={line.check?.outcome ?? "open"}>
          <div className="row">
            <strong>{line.title}</strong>
            {line.check ? (
              <Badge tone={OUTCOMES[line.check.outcome].tone}>{OUTCOMES[line.check.outcome].label}</Badge>
            ) : (
              <Looking isRunning={isRunning} />
            )}
          </div>
          {line.check && <div className="small soft breakable">{line.check.detail}</div>}
          {line.check && (line.check.outcome === "failed" || line.check.outcome === "warning") && (
            <Remedy integrationId={integrationId} check={line.check} isRunning={isRunning} onAgain={onAgain} />
          )}
        </li>
      ))}
    </ol>
  );
}

/** A line that is looked at; after a while it says why that may take long. */
function Looking({ isRunning }: { isRunning: boolean }) {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), 3000);
    return () => clearTimeout(timer);
  }, []);
  if (!isRunning) return <Badge tone="soft">Not finished</Badge>;
  return (
    <>
      <Busy>Looking…</Busy>
      {isLong && (
        <span className="small soft">
          New roles and policies take a while until they are known everywhere: we keep asking before we call it a
          failure.
        </span>
      )}
    </>
  );
}

const sentence = (text: string) => (text.endsWith(".") ? text : `${text}.`);

const KINDS: Record<Schema<"PasteKind">, string> = {
  policy: "Policy",
  trust_policy: "Trust policy",
  bucket_policy: "Bucket policy",
  key_policy: "Key policy",
  endpoint_policy: "Endpoint policy",
  organization_policy: "Organization policy",
};

interface RemedyProps {
  integrationId: string;
  check: Schema<"Check">;
  isRunning: boolean;
  onAgain: () => void;
}

/** What is wrong, who mends it, and everything to paste and to run. */
function Remedy({ integrationId, check, isRunning, onAgain }: RemedyProps) {
  const { fault, fix } = check;
  // A fault and its fix often say the same: once is enough.
  const rule = fault?.rule && fault.rule !== fix?.wrong ? fault.rule : undefined;
  const value = fault?.value && !check.detail.includes(fault.value) ? fault.value : undefined;
  return (
    <section className="int-remedy" aria-label={`How to mend: ${check.title}`}>
      <p>
        <strong>{fix?.cause ?? fault?.message}</strong>
        {rule && ` Needed: ${rule}.`}
        {value && (
          <>
            {" "}
            Found: <code>{value}</code>
          </>
        )}
      </p>
      {fix ? <Mending integrationId={integrationId} fix={fix} /> : fault?.remedy && <p>Next: {fault.remedy}</p>}
      <Button icon="sync" onPress={onAgain} isPending={isRunning}>
        Check again
      </Button>
    </section>
  );
}

function Mending({ integrationId, fix }: { integrationId: string; fix: Schema<"Fix"> }) {
  const change = useChange(integrationId);
  const settings = Object.entries(fix.settings ?? {});
  return (
    <>
      <dl className="int-facts">
        <div>
          <dt>What is wrong or missing</dt>
          <dd className="breakable">{fix.wrong}</dd>
        </div>
        <div>
          <dt>Who mends it</dt>
          <dd>{MENDED_BY[fix.who]}</dd>
        </div>
      </dl>
      {(fix.documents ?? []).map((paste) => (
        <div key={`${paste.kind} ${paste.name}`} className="stack int-tight">
          <p>
            <strong>
              {KINDS[paste.kind]} “{paste.name}”
            </strong>
          </p>
          <p className="small">
            {sentence(paste.place)}{" "}
            {paste.replaces ? "Replace what stands there by this." : "Add this statement to what stands there."}{" "}
            {paste.url && (
              <a href={paste.url} target="_blank" rel="noreferrer">
                Open the page of the console
              </a>
            )}
          </p>
          <Code label={`${KINDS[paste.kind]} ${paste.name}`} text={JSON.stringify(paste.document, null, 2)} />
        </div>
      ))}
      {(fix.commands ?? []).length > 0 && (
        <details className="int-more">
          <summary>Or by the command line</summary>
          <Code label="Commands that do the same" text={(fix.commands ?? []).join("\n")} />
        </details>
      )}
      {settings.length > 0 && (
        <div className="stack int-tight">
          <p>
            <strong>Settings of this server</strong>
          </p>
          <Code
            label="Settings of this server"
            text={settings.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join("\n")}
          />
        </div>
      )}
      {fix.change ? (
        <div className="stack int-tight">
          <p className="small">
            It can be mended here: <code className="breakable">{JSON.stringify(fix.change)}</code>
          </p>
          <span>
            <Button
              onPress={() => change.mutate(fix.change as Schema<"IntegrationChanges">)}
              isPending={change.isPending}
            >
              Change it
            </Button>
          </span>
          {change.isSuccess && <p role="status">Changed. Check again now.</p>}
          {change.error ? <Failure error={change.error} /> : null}
        </div>
      ) : null}
      <p className="small soft row">
        From a terminal: <code className="breakable">{fix.again}</code>{" "}
        <CopyButton isIcon text={fix.again} label="Copy the command" />
      </p>
    </>
  );
}
