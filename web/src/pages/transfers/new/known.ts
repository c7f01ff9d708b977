// What manifests are checked against: the indexes and the connected buckets of the workspace.
import { useQuery } from "@tanstack/react-query";
import { api, type Schema, unwrap } from "../../../api/client";
import type { Known, Owner } from "../manifest/check";

const MOST_PAGES = 20;
const SCHEMES: Record<string, string> = {
  aws_s3: "s3",
  s3_compatible: "s3",
  gcs: "gs",
  azure_blob: "az",
  folder: "folder",
  url_list: "urls",
};

/** All indexes of the workspace, newest first; at most a thousand. */
export function useAllIndexes() {
  return useQuery({
    queryKey: ["indexes", "all"],
    queryFn: async () => {
      const all: Schema<"Index">[] = [];
      for (let page = 1; page <= MOST_PAGES; page += 1) {
        const answer = await unwrap(api.GET("/indexes", { params: { query: { page, page_limit: 50 } } }));
        all.push(...answer.data);
        if (page >= answer.page_info.total_page) return { all, isWhole: true };
      }
      return { all, isWhole: false };
    },
  });
}

export function useIntegrations() {
  return useQuery({ queryKey: ["integrations"], queryFn: () => unwrap(api.GET("/integrations")) });
}

/** What is known, once it is; what could not be asked is left out, for the server checks everything again. */
export function useKnown(): { known: Known; isPending: boolean } {
  const [indexes, integrations] = [useAllIndexes(), useIntegrations()];
  const owners = integrations.data?.data.map(
    ({ provider, bucket, prefix, status }): Owner => ({
      scheme: SCHEMES[provider] ?? provider,
      bucket,
      prefix,
      status,
    }),
  );
  return {
    known: { indexes: indexes.data?.isWhole ? indexes.data.all.map((index) => index._id) : undefined, owners },
    isPending: indexes.isPending || integrations.isPending,
  };
}
