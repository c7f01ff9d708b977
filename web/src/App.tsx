// The frame around all pages: providers, routes, who is signed in. Pages are loaded when they are first opened.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Component, lazy, type ReactNode, Suspense, useEffect } from "react";
import { RouterProvider } from "react-aria-components";
import { BrowserRouter, Navigate, Route, Routes, useHref, useLocation, useNavigate } from "react-router";
import { ApiFailure } from "./api/client";
import { useSession } from "./api/session";
import { Frame } from "./Frame";
import { SignIn } from "./pages/session/SignIn";
import { ButtonLink } from "./ui/controls";
import { Busy, Failure } from "./ui/display";
import { Toasts } from "./ui/overlays";
import { Page } from "./ui/Page";

const Integrations = lazy(() => import("./pages/integrations"));
const Transfers = lazy(() => import("./pages/transfers"));
const Tasks = lazy(() => import("./pages/transfers/tasks"));
const Indexes = lazy(() => import("./pages/indexes"));
const Search = lazy(() => import("./pages/search"));
const Keys = lazy(() => import("./pages/manage/keys"));
const Webhooks = lazy(() => import("./pages/manage/webhooks"));
const Settings = lazy(() => import("./pages/manage/settings"));
const System = lazy(() => import("./pages/manage/system"));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A refusal does not change by asking again; what cannot be reached may.
      retry: (failures, error) =>
        failures < 2 && !(error instanceof ApiFailure && error.status >= 400 && error.status < 500),
    },
  },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <BrowserRouter basename="/dashboard">
        <AriaLinks>
          <SignedIn />
          <Toasts />
        </AriaLinks>
      </BrowserRouter>
    </QueryClientProvider>
  );
}

/** Links of the component library go through the router. */
function AriaLinks({ children }: { children: ReactNode }) {
  const navigate = useNavigate();
  return (
    <RouterProvider navigate={navigate} useHref={useHref}>
      {children}
    </RouterProvider>
  );
}

function SignedIn() {
  const session = useSession();
  const { pathname } = useLocation();
  const { refetch } = session;
  useEffect(() => {
    const again = () => void refetch();
    window.addEventListener("telecine:signed-out", again);
    return () => window.removeEventListener("telecine:signed-out", again);
  }, [refetch]);

  if (session.data) {
    return (
      <Frame session={session.data}>
        <Guard key={pathname}>
          <Suspense
            fallback={
              <div>
                <Busy>Loading the page…</Busy>
              </div>
            }
          >
            <Pages />
          </Suspense>
        </Guard>
      </Frame>
    );
  }
  if (session.error)
    return (
      <main className="boot">
        <Failure error={session.error} onRetry={() => session.refetch()} />
      </main>
    );
  if (session.isPending)
    return (
      <main className="boot">
        <Busy>Asking who is signed in…</Busy>
      </main>
    );
  return <SignIn />;
}

function Pages() {
  return (
    <Routes>
      <Route index element={<Navigate to="/integrations" replace />} />
      <Route path="integrations/*" element={<Integrations />} />
      <Route path="transfers/*" element={<Transfers />} />
      <Route path="tasks/*" element={<Tasks />} />
      <Route path="indexes/*" element={<Indexes />} />
      <Route path="search/*" element={<Search />} />
      <Route path="keys" element={<Keys />} />
      <Route path="webhooks/*" element={<Webhooks />} />
      <Route path="settings" element={<Settings />} />
      <Route path="system" element={<System />} />
      <Route path="*" element={<NotThere />} />
    </Routes>
  );
}

export function NotThere() {
  return (
    <Page title="There is no such page" lead="The address may be mistyped, or what it showed is deleted.">
      <div>
        <ButtonLink to="/integrations" kind="primary">
          To the integrations
        </ButtonLink>
      </div>
    </Page>
  );
}

/** A mistake in one page does not take the others with it. */
class Guard extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error === undefined) return this.props.children;
    return (
      <Page title="This page stopped">
        <Failure error={this.state.error} onRetry={() => this.setState({ error: undefined })} />
      </Page>
    );
  }
}
