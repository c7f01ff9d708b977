// Signing in: by a key, or by the code in the address that `telecine dashboard` prints.
import { type FormEvent, useEffect, useState } from "react";
import { useSignIn } from "../../api/session";
import { Button, TextField } from "../../ui/controls";
import { Failure } from "../../ui/display";
import { awaitHeading } from "../../ui/Page";

/** The code of the address, which is taken out of it: it works once, and history need not know it. */
function codeOfAddress(): string | undefined {
  const code = new URLSearchParams(window.location.hash.slice(1)).get("code");
  if (code) window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return code ?? undefined;
}

const code = codeOfAddress();
let isTried = false;

export function SignIn() {
  const [key, setKey] = useState("");
  const signIn = useSignIn();
  const { mutate } = signIn;
  useEffect(() => {
    document.title = "Sign in · Telecine";
    awaitHeading();
    // Strict mode runs effects twice; the code works once.
    if (!code || isTried) return;
    isTried = true;
    mutate({ code });
  }, [mutate]);
  function submit(event: FormEvent) {
    event.preventDefault();
    mutate({ key: key.trim() });
  }
  return (
    <main className="boot sign-in">
      <form className="card stack" onSubmit={submit}>
        <h1>Sign in to Telecine</h1>
        <TextField
          label="API key"
          type="password"
          autoComplete="off"
          value={key}
          onChange={setKey}
          placeholder="tlk_…"
          autoFocus
          isRequired
          hint={
            <>
              The server showed the first one when it was first started. More are made on the page “API keys”, or by{" "}
              <code>telecine key create</code>.
            </>
          }
        />
        {signIn.error ? <Failure error={signIn.error} /> : null}
        <Button kind="primary" type="submit" isPending={signIn.isPending}>
          {signIn.isPending ? "Signing in…" : "Sign in"}
        </Button>
        <p className="soft small">
          On the server's machine, <code>telecine dashboard</code> prints an address that signs you in with one click.
        </p>
      </form>
    </main>
  );
}
