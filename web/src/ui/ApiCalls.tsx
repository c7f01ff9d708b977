// "API calls": what this screen asked of the server, each as a command to copy.
import { useState } from "react";
import { asCurl, useCalls } from "../api/calls";
import { Button } from "./controls";
import { Code, Empty } from "./display";
import { Dialog } from "./overlays";

export function ApiCalls() {
  const [isOpen, setOpen] = useState(false);
  const calls = useCalls();
  return (
    <>
      <Button kind="quiet" icon="link" onPress={() => setOpen(true)}>
        API calls of this screen
      </Button>
      <Dialog title="API calls of this screen" isOpen={isOpen} onClose={() => setOpen(false)} isWide>
        <p className="soft">
          Newest first. <code>$TELECINE_API_KEY</code> stands for a key; the page itself uses its session instead. All
          calls are described in <a href="/docs">the API's document</a>.
        </p>
        {calls.length === 0 && <Empty title="None yet" />}
        {calls.map((call) => (
          <section key={call.id}>
            <h3 className="mono breakable">
              {call.method} {call.path}
            </h3>
            <Code label={`${call.method} ${call.path} as a command`} text={asCurl(call, window.location.origin)} />
          </section>
        ))}
      </Dialog>
    </>
  );
}
