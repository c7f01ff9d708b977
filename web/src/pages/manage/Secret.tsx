// A secret that is shown once: what a dialog holds then. The dialog is `isSticky`, so that no slip closes it.
import { type ReactNode, useEffect, useRef } from "react";
import { Code } from "../../ui/display";

export function Secret({ label, secret, children }: { label: string; secret: string; children?: ReactNode }) {
  // What was pressed to make it is gone: who works by keyboard goes on here.
  const warning = useRef<HTMLParagraphElement>(null);
  useEffect(() => warning.current?.focus(), []);
  return (
    <>
      <p className="note warn" ref={warning} tabIndex={-1}>
        <strong>Copy it now: it is shown only this once.</strong> The server keeps no copy that could be read. Who loses
        it makes another one.
      </p>
      <Code label={label} text={secret} isWrapped />
      {children}
    </>
  );
}
