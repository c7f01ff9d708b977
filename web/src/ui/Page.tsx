// The head of every page: its title (also the document's), what can be done, and where the focus goes on a change of page.
import { type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { useLocation } from "react-router";

/** The path whose heading had the focus last; null before the first page, where the focus stays at the document's start. */
let headed: string | null = null;

/** What has the focus goes away: the next page's heading takes it. */
export function awaitHeading() {
  headed = "";
}

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
  // Once per path: who goes to another page hears its heading and goes on from there; what changes later on the same page
  // does not take the focus from what is being done.
  const { pathname } = useLocation();
  useEffect(() => {
    const isFirst = headed === null;
    const isSame = headed === pathname;
    headed = pathname;
    if (!isFirst && !isSame) heading.current?.focus();
  }, [pathname]);
  // What only said that it waits hands the focus on to what comes instead.
  useLayoutEffect(() => {
    const mine = heading.current;
    return () => {
      if (mine !== null && document.activeElement === mine) awaitHeading();
    };
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
