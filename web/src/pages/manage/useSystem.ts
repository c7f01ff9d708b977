// How the server is: what `GET /system` tells, asked for again while somebody looks.
import { useQuery } from "@tanstack/react-query";
import { api, type Schema, unwrap } from "../../api/client";

export type System = Schema<"System">;

/** `everyMs`: how often; nothing for once. Pages in the background ask for nothing. */
export function useSystem(everyMs?: number) {
  return useQuery({
    queryKey: ["system"],
    queryFn: () => unwrap(api.GET("/system")),
    refetchInterval: everyMs ?? false,
  });
}
