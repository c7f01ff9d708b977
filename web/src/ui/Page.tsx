// The head of every page: its title (also the document's), what can be done, and where the focus goes on a change of page.
import { type ReactNode, useEffect, useRef } from "react";

export function Page({
  title,
  actions,
  children,
  lead,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
  lead?: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Telecine`;
  }, [title]);
  // Once per page: a title that changes later does not take the focus from what is being done.
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus();
  }, []);
  return (
    <div className="stack">
      <header className="row spread">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead && <div className="soft">{lead}</div>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
