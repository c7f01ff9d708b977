// Who is signed in. The session is an HttpOnly cookie: no script ever sees it.
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { forgetCalls } from "./calls";
import { API_BASE, ApiFailure, send } from "./client";

export interface Session {
  key_id: string;
  key_name: string;
  workspace_id: string;
  expires_at: string;
  version: string;
}

const QUERY = ["session"];

/** The session; null when nobody is signed in. */
export function useSession() {
  return useQuery<Session | null>({
    queryKey: QUERY,
    queryFn: async () => {
      try {
        return await (await send(`${API_BASE}/session`)).json();
      } catch (failure) {
        if (failure instanceof ApiFailure && failure.status === 401) return null;
        throw failure;
      }
    },
    staleTime: 60_000,
  });
}

/** Signs in by a key, or by a code of `telecine dashboard`. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (by: { key: string } | { code: string }): Promise<Session> => {
      const body = JSON.stringify(by);
      const headers = { "content-type": "application/json" };
      return (await send(`${API_BASE}/session`, { method: "POST", body, headers })).json();
    },
    onSuccess: (session) => becomes(client, session),
  });
}

/** Ends this session, or every one that was begun by its key. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (where: "here" | "everywhere" = "here") =>
      send(`${API_BASE}/session${where === "everywhere" ? "?everywhere=true" : ""}`, { method: "DELETE" }),
    onSuccess: () => becomes(client, null),
  });
}

/** Somebody else is there, or nobody: what was loaded for the one before is forgotten. The session itself stays in the
 * cache, whose observers would otherwise wait for one that is no longer there. */
function becomes(client: QueryClient, session: Session | null) {
  client.setQueryData(QUERY, session);
  forgetCalls();
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== QUERY[0] });
}
