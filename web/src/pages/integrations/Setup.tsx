// Setting an integration up: "Step 1: Create policy", "Step 2: Create role", "Step 3: Check verification". All of it comes
// from the server, so that it is there again after a reload.
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { API_BASE, send } from "../../api/client";
import { Button, ButtonLink, Tabs } from "../../ui/controls";
import { Code, CopyButton, Loaded } from "../../ui/display";
import { Page } from "../../ui/Page";
import { useAddress } from "./address";
import { type Integration, useIntegration } from "./data";
import { FaultNote } from "./FaultNote";
import { Verification } from "./Verification";
import { address, isUsable, providerName } from "./words";

export function Setup() {
  const { id = "" } = useParams();
  const integration = useIntegration(id);
  return (
    <Page
      title="Set up the integration"
      lead={
        integration.data && (
          <span className="breakable">
            {providerName(integration.data.provider)}: {address(integration.data)}
          </span>
        )
      }
      actions={<ButtonLink to="/integrations">Finish later</ButtonLink>}
    >
      <Loaded query={integration} what="the integration">
        {(found) => (found.external_id ? <RoleSteps integration={found} /> : <GrantSteps integration={found} />)}
      </Loaded>
    </Page>
  );
}

const WAYS = [
  { id: "console", label: "Console" },
  { id: "cli", label: "CLI" },
  { id: "cloudformation", label: "CloudFormation" },
  { id: "terraform", label: "Terraform" },
] as const;

interface ConsoleStep {
  title: string;
  text: string;
  url?: string;
}

function RoleSteps({ integration }: { integration: Integration }) {
  const [params, change] = useAddress();
  const way = WAYS.find((each) => each.id === params.get("way"))?.id ?? "console";
  return (
    <>
      <p>
        Four equal ways to the same policy and role; take the one you like. They are for the account{" "}
        <code>{integration.account_id}</code>, and nothing must be renamed. The external id{" "}
        <code className="breakable">{integration.external_id}</code> is this integration's alone: without it, nobody can
        use the role.
      </p>
      {integration.trust_document_error ? (
        <FaultNote title="The role's document cannot be written yet:" fault={integration.trust_document_error} />
      ) : null}
      <Tabs
        label="Ways to set it up"
        selected={way}
        onSelect={(id) => change({ way: id })}
        tabs={WAYS.map(({ id, label }) => ({
          id,
          label,
          content:
            id === "console" ? (
              <ConsoleSteps integration={integration} />
            ) : (
              <Script id={id} integration={integration} />
            ),
        }))}
      />
      <LastStep integration={integration} title="Step 3: Check verification" />
    </>
  );
}

function ConsoleSteps({ integration }: { integration: Integration }) {
  const { console: steps = [] } = (integration.setup ?? {}) as { console?: ConsoleStep[] };
  const parts = [
    {
      title: "Step 1: Create policy",
      name: integration.policy_name,
      what: "Policy",
      document: integration.policy_document,
    },
    {
      title: "Step 2: Create role",
      name: integration.role_name,
      what: "Trust policy",
      document: integration.trust_document,
    },
  ];
  return (
    <div className="stack">
      {parts.map(({ title, name, what, document }, at) => (
        <section key={title} className="card stack">
          <h2>{title}</h2>
          <p>{steps[at]?.text}</p>
          <p className="row">
            <span>
              Its name: <code className="breakable">{name}</code>
            </span>
            <CopyButton isIcon text={name ?? ""} label={`Copy the name ${name}`} />
            {steps[at]?.url && (
              <a href={steps[at].url} target="_blank" rel="noreferrer">
                Open the page of the console (a new tab)
              </a>
            )}
          </p>
          {document && <Code label={`${what} document`} text={JSON.stringify(document, null, 2)} />}
        </section>
      ))}
    </div>
  );
}

const SCRIPTS = {
  cli: { by: "the AWS command line", text: "Run it in a shell that is signed in to the account.", file: "telecine.sh" },
  cloudformation: {
    by: "CloudFormation",
    text: "Create a stack of this template; it makes both, and deleting the stack takes both away.",
    file: "telecine.json",
  },
  terraform: { by: "Terraform", text: "Add it to your configuration, then `terraform apply`.", file: "telecine.tf" },
} as const;

function Script({ id, integration }: { id: keyof typeof SCRIPTS; integration: Integration }) {
  const path = `${API_BASE}/integrations/${integration._id}/setup?format=${id}`;
  const script = useQuery({
    queryKey: ["integrations", integration._id, "setup", id],
    queryFn: async () => (await send(path)).text(),
  });
  const { by, text, file } = SCRIPTS[id];
  const stack = (
    integration.setup as { cloudformation?: { create_url?: string; quick_create_url?: string | null } } | null
  )?.cloudformation;
  const launch = stack?.quick_create_url ?? stack?.create_url;
  return (
    <section className="card stack">
      <h2>Steps 1 and 2: Create policy and role by {by}</h2>
      <p>{text}</p>
      <p className="row">
        <a className="button" href={path} download={file}>
          Download {file}
        </a>
        {id === "cloudformation" && launch && (
          <a href={launch} target="_blank" rel="noreferrer">
            {stack?.quick_create_url ? "Launch the stack" : "Create a stack in the console"} (a new tab)
          </a>
        )}
      </p>
      <Loaded query={script} what="the text">
        {(found) => <Code label={`Policy and role by ${by}`} text={found} />}
      </Loaded>
    </section>
  );
}

/** What the owner of a store without roles has to grant. */
function GrantSteps({ integration }: { integration: Integration }) {
  const { grant } = (integration.setup ?? {}) as {
    grant?: { text: string; commands: string[]; policy_document?: unknown };
  };
  return (
    <>
      <section className="card stack">
        <h2>Step 1: Grant the access</h2>
        <p>{grant?.text}</p>
        {grant?.policy_document !== undefined && (
          <Code label="Policy document" text={JSON.stringify(grant.policy_document, null, 2)} />
        )}
        {grant && grant.commands.length > 0 && (
          <Code label="Commands that grant the access" text={grant.commands.join("\n")} />
        )}
      </section>
      <LastStep integration={integration} title="Step 2: Check verification" />
    </>
  );
}

function LastStep({ integration, title }: { integration: Integration; title: string }) {
  const isReady = isUsable(integration);
  return (
    <section className="card stack">
      <h2>{title}</h2>
      <p>
        This server now does what it would do with your videos, and what it must not be able to do. Nothing is written
        or changed.
      </p>
      <Verification integration={integration} label="Verify My Account" />
      <div className="row int-form-end">
        {isReady ? (
          <ButtonLink kind="primary" to={`/integrations?open=${integration._id}`}>
            Next
          </ButtonLink>
        ) : (
          <>
            <span className="soft small">Next is possible when the verification succeeded.</span>
            <Button isDisabled>Next</Button>
          </>
        )}
      </div>
    </section>
  );
}
