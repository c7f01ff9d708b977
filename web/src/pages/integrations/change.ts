// What was changed of an integration's settings, as the request that says so. Pure.
import type { Schema } from "../../api/client";
import type { Integration } from "./data";
import { lines } from "./fields";

const FILTERS = [
  "include",
  "exclude",
  "min_bytes",
  "max_bytes",
  "modified_after",
  "modified_before",
  "storage_classes",
] as const;
const SCHEDULE = ["every_s", "queue_url"] as const;
const ALONE = [
  ...["region", "kms_key_arn", "access_key_id", "secret_access_key"],
  ...["service_account_key", "sas_token", "shared_key", "client_secret"],
] as const;

export type Draft = Record<string, string>;

/** Secrets that can be given anew, by the kind of credentials. */
export const SECRETS: Record<string, readonly { name: string; label: string; isShown?: boolean }[]> = {
  keys: [
    { name: "access_key_id", label: "Access key ID", isShown: true },
    { name: "secret_access_key", label: "Secret access key" },
  ],
  service_account: [{ name: "service_account_key", label: "Key file (JSON)" }],
  sas: [{ name: "sas_token", label: "Signature (SAS token)" }],
  shared_key: [{ name: "shared_key", label: "Account key" }],
  client_secret: [{ name: "client_secret", label: "Client secret" }],
};

/** The settings as texts to edit. */
export function draftOf(integration: Integration): Draft {
  const { filters, schedule } = integration;
  const text = (value: unknown) => (Array.isArray(value) ? value.join("\n") : value == null ? "" : String(value));
  const draft: Draft = {};
  for (const name of FILTERS) draft[name] = text(filters[name]);
  for (const name of SCHEDULE) draft[name] = text(schedule[name]);
  for (const name of ALONE) draft[name] = "";
  draft.region = text(integration.region);
  draft.kms_key_arn = text(integration.kms_key_arn);
  draft.access_key_id = text(integration.access_key_id);
  draft.requester_pays = integration.requester_pays ? "yes" : "";
  return draft;
}

/** A number that is none is sent as it is, so that the server says what is wrong with it. */
const number = (value: string | undefined) => {
  const text = value?.trim();
  if (!text) return null;
  return Number.isFinite(Number(text)) ? Number(text) : text;
};

/** The request; nothing when nothing was changed. */
export function changeOf(before: Draft, after: Draft): Schema<"IntegrationChanges"> | undefined {
  const differs = (name: string) => (before[name] ?? "").trim() !== (after[name] ?? "").trim();
  const body: Record<string, unknown> = {};
  if (FILTERS.some(differs)) {
    body.filters = {
      include: lines(after.include ?? ""),
      exclude: lines(after.exclude ?? ""),
      min_bytes: number(after.min_bytes),
      max_bytes: number(after.max_bytes),
      modified_after: after.modified_after?.trim() || null,
      modified_before: after.modified_before?.trim() || null,
      storage_classes: lines(after.storage_classes ?? ""),
    };
  }
  if (SCHEDULE.some(differs)) {
    body.schedule = { every_s: number(after.every_s), queue_url: after.queue_url?.trim() || null };
  }
  for (const name of ALONE) if (differs(name) && after[name]?.trim()) body[name] = after[name]?.trim();
  if (differs("requester_pays")) body.requester_pays = after.requester_pays === "yes";
  return Object.keys(body).length > 0 ? (body as Schema<"IntegrationChanges">) : undefined;
}
