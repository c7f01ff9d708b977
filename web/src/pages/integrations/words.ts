// Integrations in words: providers, states, lists of objects, and why an integration is as it is. Pure.
import type { Schema } from "../../api/client";
import type { Tone } from "../../ui/display";
import { formatDuration } from "../../ui/format";
import type { Integration } from "./data";

export type ProviderId = "aws_s3" | "s3_compatible" | "gcs" | "azure_blob" | "folder" | "url_list";

export const PROVIDERS: readonly { id: ProviderId; label: string }[] = [
  { id: "aws_s3", label: "AWS S3" },
  { id: "s3_compatible", label: "S3-compatible store" },
  { id: "gcs", label: "Google Cloud Storage" },
  { id: "azure_blob", label: "Azure Blob Storage" },
  { id: "folder", label: "Folder of the server" },
  { id: "url_list", label: "List of links" },
];

/** What a provider is called, whatever it is. */
export const providerName = (id: string) => PROVIDERS.find((provider) => provider.id === id)?.label ?? id;

const SCHEMES: Record<string, string> = { gcs: "gs", azure_blob: "az", folder: "folder", url_list: "list" };

/** Where an integration leads: `s3://films/2024/`. */
export function address({ provider, bucket, prefix }: Pick<Integration, "provider" | "bucket" | "prefix">): string {
  return `${SCHEMES[provider] ?? "s3"}://${bucket}${prefix ? `/${prefix}` : ""}`;
}

/** Whether its objects can be read now. */
export const isUsable = (integration: Integration) =>
  integration.status === "active" || integration.status === "degraded";

export const STATUS: Record<Integration["status"], { label: string; tone: Tone }> = {
  pending: { label: "Not verified", tone: "info" },
  active: { label: "Active", tone: "good" },
  degraded: { label: "Active, with warnings", tone: "warn" },
  failed: { label: "Failed", tone: "bad" },
};

/** Why an integration has its status; nothing where all is well. */
export function reason(integration: Integration): string | undefined {
  if (integration.status === "active") return undefined;
  if (integration.drift) return integration.drift;
  const wanted = integration.status === "failed" ? "failed" : "warning";
  const check = integration.checks.find((line) => line.outcome === wanted);
  if (check) return check.fault?.message ?? check.detail;
  return integration.status === "pending" ? "The set-up is not verified yet." : undefined;
}

/** Why the list of its videos cannot be had. */
export function whyNoList(integration: Integration): string | undefined {
  if (isUsable(integration)) return undefined;
  return integration.status === "pending"
    ? "Available when the integration is active: finish its set-up."
    : "Available when the integration is active again: see what failed.";
}

export const OUTCOMES: Record<Schema<"CheckOutcome">, { label: string; tone: Tone }> = {
  ok: { label: "OK", tone: "good" },
  warning: { label: "Warning", tone: "warn" },
  failed: { label: "Failed", tone: "bad" },
  not_needed: { label: "Not needed", tone: "soft" },
  not_supported: { label: "Not supported by the store", tone: "soft" },
};

export const MENDED_BY: Record<Schema<"FixBy">, string> = {
  owner: "The owner of the bucket",
  organization: "Those who administer the owner's organization",
  operator: "The operator of this server",
  you: "You, here",
  time: "Nobody: it passes by itself",
};

/** With whose eyes a store is seen. */
export const READ_WITH: Record<string, string> = {
  role: "A role of the owner",
  keys: "An access key",
  instance: "This server's own identity",
  anonymous: "Nobody's: it is public",
  service_account: "A service account",
  sas: "A shared access signature",
  shared_key: "The storage account's key",
  client_secret: "An application of Entra",
};

/** Lists of objects by the names that the API gives them. */
export const OBJECT_STATES: readonly { id: string; label: string }[] = [
  { id: "present", label: "All in the bucket" },
  { id: "videos", label: "Videos, by their names" },
  { id: "taken", label: "Taken for videos to index" },
  { id: "excluded", label: "Not taken" },
  { id: "indexed", label: "Indexed" },
  { id: "not_indexed", label: "Not yet indexed" },
  { id: "in_progress", label: "Being indexed" },
  { id: "changed", label: "Changed since they were indexed" },
  { id: "failed", label: "Failed" },
  { id: "indexed_then_deleted", label: "Deleted since they were indexed" },
  { id: "removed", label: "No longer in the bucket" },
  { id: "any", label: "Ever seen" },
];

export const IN_INDEX: Record<string, { label: string; tone: Tone }> = {
  indexed: { label: "Indexed", tone: "good" },
  failed: { label: "Failed", tone: "bad" },
  in_progress: { label: "Being indexed", tone: "info" },
  changed: { label: "Older version indexed", tone: "warn" },
  not_indexed: { label: "Not indexed", tone: "soft" },
};

export const TRIGGERS: Record<Schema<"SyncTrigger">, string> = {
  manual: "By hand",
  schedule: "By schedule",
  events: "Regular full listing",
  manifest: "For Get JSON",
  import: "For an import",
};

export const SYNC_STATES: Record<Schema<"SyncState">, { label: string; tone: Tone }> = {
  running: { label: "Running", tone: "info" },
  done: { label: "Done", tone: "good" },
  cancelled: { label: "Cancelled", tone: "soft" },
  failed: { label: "Failed", tone: "bad" },
};

/** When it is synchronized without being asked. */
export function scheduleInWords({ every_s, queue_url }: Schema<"Schedule">): string {
  const parts: string[] = [];
  if (every_s) parts.push(`every ${formatDuration(every_s)}`);
  if (queue_url) parts.push("whenever its queue tells a change");
  return parts.length > 0 ? `By itself ${parts.join(", and ")}` : "Only when asked";
}
