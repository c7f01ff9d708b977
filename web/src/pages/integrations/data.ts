// What the pages of integrations ask of the server and do there: queries and mutations, each with its place in the cache.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, unwrap } from "../../api/client";

export type Integration = Schema<"Integration">;
export type Statistics = Schema<"Statistics">;
export type Synchronization = Schema<"Synchronization">;
export type Deletion = Schema<"Deletion">;

const ALL = ["integrations"];
const one = (id: string) => [...ALL, id];

export function useIntegrations() {
  return useQuery({
    queryKey: [...ALL, "list"],
    queryFn: async () => (await unwrap(api.GET("/integrations"))).data,
    refetchInterval: 15_000,
  });
}

/** Those that were deleted and can be restored. */
export function useDeleted() {
  return useQuery({
    queryKey: [...ALL, "deleted"],
    queryFn: async () => (await unwrap(api.GET("/integrations", { params: { query: { deleted: true } } }))).data,
  });
}

export function useIntegration(id: string) {
  return useQuery({
    queryKey: [...one(id), "itself"],
    queryFn: () => unwrap(api.GET("/integrations/{integration_id}", { params: { path: { integration_id: id } } })),
  });
}

export function useStatistics(id: string) {
  return useQuery({
    queryKey: [...one(id), "statistics"],
    queryFn: () =>
      unwrap(api.GET("/integrations/{integration_id}/statistics", { params: { path: { integration_id: id } } })),
    refetchInterval: 15_000,
  });
}

/** Takes an integration as an answer told it, and asks for the rest anew. */
export function useTold() {
  const client = useQueryClient();
  return (told?: Integration) => {
    if (told) client.setQueryData([...one(told._id), "itself"], told);
    return client.invalidateQueries({ queryKey: ALL });
  };
}

export function useConnect() {
  const told = useTold();
  return useMutation({
    mutationFn: (body: Schema<"NewIntegration">) => unwrap(api.POST("/integrations", { body })),
    onSuccess: (made) => void told(made),
  });
}

export function useChange(id: string) {
  const told = useTold();
  return useMutation({
    mutationFn: (body: Schema<"IntegrationChanges">) =>
      unwrap(api.PATCH("/integrations/{integration_id}", { params: { path: { integration_id: id } }, body })),
    onSuccess: (changed) => void told(changed),
  });
}

/** What deleting these would do. */
export function useDeletionPlan(ids: readonly string[]) {
  return useQuery({
    queryKey: [...ALL, "deletion", ...ids],
    queryFn: async () =>
      (await unwrap(api.DELETE("/integrations", { params: { query: { ids: ids.join(","), dry_run: true } } }))).data,
    enabled: ids.length > 0,
    gcTime: 0,
  });
}

export function useDelete() {
  const told = useTold();
  return useMutation({
    mutationFn: async (ids: readonly string[]) =>
      (await unwrap(api.DELETE("/integrations", { params: { query: { ids: ids.join(",") } } }))).data,
    onSuccess: () => void told(),
  });
}

export function useRestore() {
  const told = useTold();
  return useMutation({
    mutationFn: async (ids: readonly string[]) => {
      const restored: Integration[] = [];
      for (const id of ids) {
        const path = { integration_id: id };
        restored.push(await unwrap(api.POST("/integrations/{integration_id}/restore", { params: { path } })));
      }
      return restored;
    },
    onSettled: () => void told(),
  });
}

/** A page of the synchronizations, newest first; looked at each second while one goes on. */
export function useSynchronizations(id: string, page = 1, limit = 1) {
  return useQuery({
    queryKey: [...one(id), "synchronizations", page, limit],
    queryFn: () =>
      unwrap(
        api.GET("/integrations/{integration_id}/synchronizations", {
          params: { path: { integration_id: id }, query: { page, page_limit: limit } },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.data.some((run) => run.state === "running") ? 1000 : 15_000),
  });
}

/** Begins a synchronization, or joins the one that goes on; it goes on when the page is left. */
export function useSynchronize(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const params = { path: { integration_id: id }, query: { wait: false } };
      return (await unwrap(
        api.POST("/integrations/{integration_id}/synchronize", { params }),
      )) as unknown as Synchronization;
    },
    onSuccess: () => void client.invalidateQueries({ queryKey: [...one(id), "synchronizations"] }),
  });
}

export function useCancelSynchronization(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (synchronization_id: string) =>
      unwrap(
        api.POST("/integrations/{integration_id}/synchronizations/{synchronization_id}/cancel", {
          params: { path: { integration_id: id, synchronization_id } },
        }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: [...one(id), "synchronizations"] }),
  });
}

/** Indexes to choose from, newest first. */
export function useIndexChoices() {
  return useQuery({
    queryKey: ["indexes", "choices"],
    queryFn: async () => (await unwrap(api.GET("/indexes", { params: { query: { page_limit: 50 } } }))).data,
  });
}

export type ObjectsQuery = Record<string, string>;

export function useObjects(id: string, query: ObjectsQuery) {
  return useQuery({
    queryKey: [...one(id), "objects", query],
    queryFn: () =>
      unwrap(
        api.GET("/integrations/{integration_id}/objects", {
          params: { path: { integration_id: id }, query: { page_limit: 50, ...query } as never },
        }),
      ),
    placeholderData: keepPreviousData,
  });
}

/** Reads lengths and sizes of pictures from the headers of videos; they are kept by the server. */
export function useProbe(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (keys: string[]) => {
      const params = { path: { integration_id: id } };
      const body = { keys };
      return (await unwrap(api.POST("/integrations/{integration_id}/objects/probe", { params, body }))).data;
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [...one(id), "objects"] });
      void client.invalidateQueries({ queryKey: [...one(id), "statistics"] });
    },
  });
}
