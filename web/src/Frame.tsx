// Navigation beside the page, and what every page has: theme, API calls, sign out.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { NavLink, useLocation } from "react-router";
import { type Session, useSignOut } from "./api/session";
import "./frame.css";
import { setTheme, THEMES, type Theme, useTheme } from "./theme";
import { ApiCalls } from "./ui/ApiCalls";
import { Button, IconButton, Select } from "./ui/controls";
import { Failure } from "./ui/display";
import { keepFocus } from "./ui/focus";
import { Icon, type IconName } from "./ui/icons";

const PLACES: readonly (readonly [string, string, IconName])[] = [
  ["/integrations", "Integrations", "bucket"],
  ["/transfers", "Transfers", "transfer"],
  ["/tasks", "Tasks", "list"],
  ["/indexes", "Indexes", "film"],
  ["/search", "Search", "search"],
];
const MANAGE: typeof PLACES = [
  ["/keys", "API keys", "key"],
  ["/webhooks", "Webhooks", "hook"],
  ["/settings", "Settings", "gear"],
  ["/system", "System", "gauge"],
];

export function Frame({ session, children }: { session: Session; children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const signOut = useSignOut();
  const { pathname } = useLocation();
  useEffect(() => setOpen(false), [pathname]);
  const main = useRef<HTMLElement>(null);
  useEffect(() => (main.current ? keepFocus(main.current) : undefined), []);
  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="bar">
        <span className="brand">
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="24" height="24" /> Telecine
        </span>
        <span className="opener">
          <IconButton
            icon={isOpen ? "cross" : "menu"}
            label={isOpen ? "Close the menu" : "Open the menu"}
            aria-expanded={isOpen}
            onPress={() => setOpen(!isOpen)}
          />
        </span>
      </header>
      <div className={isOpen ? "side open" : "side"}>
        <nav aria-label="Main">
          <Places places={PLACES} />
          <hr />
          <Places places={MANAGE} />
        </nav>
        <section className="stack" aria-label="Theme and session">
          <Select label="Theme" choices={THEMES} value={useTheme()} onChange={(id) => setTheme(id as Theme)} />
          <div className="small soft breakable">
            Signed in by the key “{session.key_name}”. Version {session.version}.
          </div>
          <Button onPress={() => signOut.mutate("here")} isPending={signOut.isPending}>
            {signOut.isPending ? "Signing out…" : "Sign out"}
          </Button>
          {signOut.error ? <Failure error={signOut.error} /> : null}
        </section>
      </div>
      <main id="main" tabIndex={-1} ref={main}>
        {children}
        <footer className="below">
          <ApiCalls />
        </footer>
      </main>
    </div>
  );
}

function Places({ places }: { places: typeof PLACES }) {
  return (
    <ul className="places">
      {places.map(([path, label, icon]) => (
        <li key={path}>
          <NavLink to={path}>
            <Icon name={icon} /> {label}
          </NavLink>
        </li>
      ))}
    </ul>
  );
}
