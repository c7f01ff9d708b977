// One integration: what it is and how it is reached, its checks, numbers, synchronizations and settings.
import type { ReactNode } from "react";
import { useParams } from "react-router";
import { ButtonLink, Tabs } from "../../ui/controls";
import { Badge, CopyButton, Loaded, Moment } from "../../ui/display";
import { Page } from "../../ui/Page";
import { useAddress } from "./address";
import { Change } from "./Change";
import { type Integration, useIntegration } from "./data";
import { SynchronizeCell } from "./Row";
import { Numbers } from "./Statistics";
import { Synchronizations } from "./Synchronizations";
import { Verification } from "./Verification";
import { address, isUsable, providerName, READ_WITH, reason, STATUS, scheduleInWords } from "./words";

export function Details() {
  const { id = "" } = useParams();
  const integration = useIntegration(id);
  const found = integration.data;
  return (
    <Page
      title={found ? found.bucket : "Integration"}
      lead={found && <span className="breakable">{address(found)}</span>}
      actions={
        found && (
          <>
            <SynchronizeCell integration={found} />
            {isUsable(found) && (
              <ButtonLink to={`/integrations?get-json=${id}`} icon="download">
                Get JSON
              </ButtonLink>
            )}
            <ButtonLink to={`/integrations/${id}/setup`}>Set-up</ButtonLink>
            <ButtonLink to="/integrations">All integrations</ButtonLink>
          </>
        )
      }
    >
      <Loaded query={integration} what="the integration">
        {(shown) => (
          <>
            <Facts integration={shown} />
            <Parts integration={shown} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Facts({ integration }: { integration: Integration }) {
  const { label, tone } = STATUS[integration.status];
  const why = reason(integration);
  const copied = (text: string, what: string) => (
    <span className="int-id-cell">
      <code className="breakable">{text}</code>
      <CopyButton isIcon text={text} label={`Copy ${what}`} />
    </span>
  );
  const facts: [string, ReactNode][] = [
    [
      "Status",
      <Badge key="status" tone={tone}>
        {label}
      </Badge>,
    ],
    ["Provider", providerName(integration.provider)],
    ["Integration ID", copied(integration._id, "the integration id")],
    ["Read with", READ_WITH[integration.credentials ?? ""] ?? integration.credentials],
    ["Account", integration.account_id ?? integration.account],
    ["Region", integration.region],
    ["Role", integration.role_arn && copied(integration.role_arn, "the role's ARN")],
    ["External ID", integration.external_id && copied(integration.external_id, "the external id")],
    ["Store", integration.endpoint_url],
    ["Access key", integration.access_key_id],
    ["Service account", integration.client_email],
    ["Path", integration.path],
    ["Links", integration.url_count],
    ["Verified", <Moment key="checked" value={integration.checked_at} />],
    ["Synchronized", <Moment key="synchronized" value={integration.synchronized_at} />],
    ["Lists itself", scheduleInWords(integration.schedule)],
    ["Connected", <Moment key="created" value={integration.created_at} />],
  ];
  return (
    <section className="card stack" aria-label="What it is">
      {integration.drift && (
        <p className="note warn">
          <strong>
            It was well <Moment value={integration.well_at} /> and no longer is:
          </strong>{" "}
          {integration.drift}
        </p>
      )}
      {!integration.drift && why && <p className="note warn">{why}</p>}
      <dl className="int-facts">
        {facts
          .filter(([, value]) => value !== null && value !== undefined && value !== "")
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

function Parts({ integration }: { integration: Integration }) {
  const [params, change] = useAddress();
  const tabs = [
    { id: "numbers", label: "Numbers", content: <Numbers integration={integration} /> },
    { id: "checks", label: "Checks", content: <Verification integration={integration} label="Check again now" /> },
    { id: "synchronizations", label: "Synchronizations", content: <Synchronizations integration={integration} /> },
    { id: "settings", label: "Settings", content: <Change key={integration.updated_at} integration={integration} /> },
  ];
  const selected = tabs.find((tab) => tab.id === params.get("tab"))?.id ?? "numbers";
  return (
    <Tabs
      label="Parts of the integration"
      tabs={tabs}
      selected={selected}
      onSelect={(tab) => change({ tab, page: null })}
    />
  );
}
