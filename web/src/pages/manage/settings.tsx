// The page "Settings": this browser, the session, and the server's settings as they are in force.
import { useState } from "react";
import { type Session, useSession, useSignOut } from "../../api/session";
import { setTheme, THEMES, type Theme, useTheme } from "../../theme";
import { Button, ButtonLink, Select } from "../../ui/controls";
import { Failure, Loaded, Moment } from "../../ui/display";
import { Dialog } from "../../ui/overlays";
import { Page } from "../../ui/Page";
import { ServerSettings } from "./ServerSettings";
import { useSystem } from "./useSystem";
import "./manage.css";

export default function Settings() {
  const session = useSession().data;
  const system = useSystem();
  return (
    <Page title="Settings" lead="Of this browser, of your session, and of the server.">
      <div className="manage-columns">
        <section className="card stack" aria-labelledby="browser">
          <h2 id="browser">This browser</h2>
          <Select
            label="Colours"
            choices={THEMES}
            value={useTheme()}
            onChange={(id) => setTheme(id as Theme)}
            hint="Kept in this browser only. “As the system” follows it when it changes."
          />
        </section>
        {session && <SessionCard session={session} />}
      </div>
      <section className="stack" aria-labelledby="server">
        <h2 id="server">The server</h2>
        <Loaded query={system} what="the server's settings">
          {({ settings }) => <ServerSettings settings={settings} />}
        </Loaded>
      </section>
    </Page>
  );
}

function SessionCard({ session }: { session: Session }) {
  const [isAsking, setAsking] = useState(false);
  const signOut = useSignOut();
  return (
    <section className="card stack" aria-labelledby="session">
      <h2 id="session">Your session</h2>
      <dl className="manage-facts">
        <dt>Signed in by</dt>
        <dd>the key “{session.key_name}”</dd>
        <dt>Until</dt>
        <dd>
          <Moment value={session.expires_at} isExact />, longer while it is used
        </dd>
        <dt>Workspace</dt>
        <dd>
          <code>{session.workspace_id}</code>
        </dd>
      </dl>
      <div className="row">
        <Button onPress={() => signOut.mutate("here")} isPending={signOut.isPending}>
          Sign out here
        </Button>
        <Button kind="danger" onPress={() => setAsking(true)}>
          Sign out everywhere
        </Button>
        <ButtonLink to="/keys" kind="quiet" icon="key">
          API keys
        </ButtonLink>
      </div>
      {signOut.error ? <Failure error={signOut.error} /> : null}
      <Dialog
        title="Sign out everywhere?"
        role="alertdialog"
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        footer={
          <>
            <Button onPress={() => setAsking(false)} autoFocus>
              Stay signed in
            </Button>
            <Button kind="danger" isPending={signOut.isPending} onPress={() => signOut.mutate("everywhere")}>
              {signOut.isPending ? "Signing out…" : "Sign out everywhere"}
            </Button>
          </>
        }
      >
        <p>
          Every browser that is signed in by the key “{session.key_name}” is signed out, this one too. Programs that
          send the key itself go on; to stop them, revoke the key.
        </p>
        {signOut.error ? <Failure error={signOut.error} /> : null}
      </Dialog>
    </section>
  );
}
