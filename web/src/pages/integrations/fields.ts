// What connecting each kind of store needs, field by field, and the request that comes of it. Pure.
import type { Schema } from "../../api/client";
import type { ProviderId } from "./words";

export interface Field {
  name: string;
  label: string;
  hint?: string;
  placeholder?: string;
  kind?: "text" | "secret" | "lines" | "json" | "flag";
  isRequired?: boolean;
  /** Shown only below "More". */
  isRare?: boolean;
  /** Only with these credentials. */
  of?: readonly string[];
}

export interface Form {
  title: string;
  about: string;
  /** With whose eyes the store is seen; the first is the usual one. */
  credentials: readonly { id: string; label: string }[];
  fields: readonly Field[];
}

const PREFIX: Field = {
  name: "prefix",
  label: "Only below this folder",
  placeholder: "2024/",
  hint: "Nothing outside of it can be seen.",
  isRare: true,
};
const OWN = "This server's own identity (the operator must allow it)";
const BUCKET: Field = { name: "bucket", label: "Bucket", isRequired: true };

export const FORMS: Record<ProviderId, Form> = {
  aws_s3: {
    title: "Integrate AWS S3",
    about: "The bucket is enough: its region, versions and encryption are found out.",
    credentials: [
      { id: "role", label: "A role that you create (recommended: no secret)" },
      { id: "keys", label: "An access key" },
      { id: "anonymous", label: "Nobody's: the bucket is public" },
      { id: "instance", label: OWN },
    ],
    fields: [
      {
        name: "account_id",
        label: "AWS account ID",
        placeholder: "123456789012",
        hint: "12 digits; in the menu at the upper right of the AWS console.",
        isRequired: true,
        of: ["role"],
      },
      {
        ...BUCKET,
        label: "Bucket",
        placeholder: "my-films, s3://my-films/2024/, an ARN or a console URL",
        hint: "A name or any address of it. What follows the name limits the access to that folder.",
      },
      { name: "access_key_id", label: "Access key ID", isRequired: true, of: ["keys"] },
      { name: "secret_access_key", label: "Secret access key", kind: "secret", isRequired: true, of: ["keys"] },
      PREFIX,
      {
        name: "role_name",
        label: "Name of the role",
        hint: "Chosen for you unless given. Each integration has a role of its own.",
        isRare: true,
        of: ["role"],
      },
      {
        name: "kms_key_arn",
        label: "Key that encrypts the objects (KMS)",
        placeholder: "arn:aws:kms:…",
        hint: "Only for keys of your own; it goes into the policy.",
        isRare: true,
      },
      { name: "region", label: "Region", hint: "Found unless given.", isRare: true },
      {
        name: "requester_pays",
        label: "This server's account pays for requests",
        kind: "flag",
        isRare: true,
      },
    ],
  },
  s3_compatible: {
    title: "Integrate an S3-compatible store",
    about: "For MinIO, Ceph, R2, B2, Wasabi and others that speak like S3.",
    credentials: [
      { id: "keys", label: "An access key" },
      { id: "anonymous", label: "Nobody's: the bucket is public" },
    ],
    fields: [
      { name: "endpoint_url", label: "Address of the store", placeholder: "https://s3.example.com", isRequired: true },
      { ...BUCKET, placeholder: "my-films or my-films/2024/" },
      { name: "access_key_id", label: "Access key ID", isRequired: true, of: ["keys"] },
      { name: "secret_access_key", label: "Secret access key", kind: "secret", isRequired: true, of: ["keys"] },
      PREFIX,
      { name: "region", label: "Region", hint: "What requests are signed for; us-east-1 unless given.", isRare: true },
      { name: "virtual_hosted", label: "The bucket stands in the host name", kind: "flag", isRare: true },
    ],
  },
  gcs: {
    title: "Integrate Google Cloud Storage",
    about: "A service account with the role Storage Object Viewer on this bucket is enough.",
    credentials: [
      { id: "service_account", label: "A service account's key file" },
      { id: "anonymous", label: "Nobody's: the bucket is public" },
      { id: "instance", label: OWN },
    ],
    fields: [
      { ...BUCKET, placeholder: "my-films or gs://my-films/2024/" },
      {
        name: "service_account_key",
        label: "Key file (JSON)",
        kind: "json",
        hint: "Paste all of the file. It is sealed, and never shown again.",
        isRequired: true,
        of: ["service_account"],
      },
      PREFIX,
      { name: "user_project", label: "Project that pays", hint: "For buckets whose requester pays.", isRare: true },
    ],
  },
  azure_blob: {
    title: "Integrate Azure Blob Storage",
    about: "A shared access signature for the container alone is the least that is enough.",
    credentials: [
      { id: "sas", label: "A shared access signature" },
      { id: "client_secret", label: "An application of Entra" },
      { id: "shared_key", label: "The storage account's key" },
      { id: "anonymous", label: "Nobody's: the container is public" },
      { id: "instance", label: OWN },
    ],
    fields: [
      { name: "account", label: "Storage account", placeholder: "myfilms", isRequired: true },
      { name: "bucket", label: "Container", placeholder: "films or az://films/2024/", isRequired: true },
      { name: "sas_token", label: "Signature (SAS token)", kind: "secret", isRequired: true, of: ["sas"] },
      { name: "shared_key", label: "Account key", kind: "secret", isRequired: true, of: ["shared_key"] },
      { name: "tenant_id", label: "Tenant ID", isRequired: true, of: ["client_secret"] },
      { name: "client_id", label: "Application (client) ID", isRequired: true, of: ["client_secret"] },
      { name: "client_secret", label: "Client secret", kind: "secret", isRequired: true, of: ["client_secret"] },
      PREFIX,
    ],
  },
  folder: {
    title: "Integrate a folder of the server",
    about: "A folder on the machine on which this server runs; the operator lists what may be (folders.roots).",
    credentials: [],
    fields: [
      {
        name: "bucket",
        label: "Name",
        placeholder: "films",
        hint: "What it is called in addresses.",
        isRequired: true,
      },
      { name: "path", label: "Path", placeholder: "/srv/films", isRequired: true },
      PREFIX,
    ],
  },
  url_list: {
    title: "Integrate a list of links",
    about: "Videos that everybody who has their link can read.",
    credentials: [],
    fields: [
      {
        name: "bucket",
        label: "Name",
        placeholder: "press",
        hint: "What the list is called in addresses.",
        isRequired: true,
      },
      {
        name: "urls",
        label: "Links",
        kind: "lines",
        hint: "One a line, over https; at most 10,000.",
        isRequired: true,
      },
    ],
  },
};

export type Values = Record<string, string>;

/** The fields that these credentials need. */
export const fieldsFor = (form: Form, credentials: string | undefined) =>
  form.fields.filter((field) => !field.of || (credentials !== undefined && field.of.includes(credentials)));

/** Required fields that are still empty. */
export const missing = (fields: readonly Field[], values: Values) =>
  fields.filter((field) => field.isRequired && !values[field.name]?.trim()).map((field) => field.name);

/** The request. What is empty is left out: the server knows best what is usual. */
export function request(
  provider: ProviderId,
  credentials: string | undefined,
  fields: readonly Field[],
  values: Values,
): Schema<"NewIntegration"> {
  const body: Record<string, unknown> = { provider };
  if (credentials) body.credentials = credentials;
  for (const { name, kind } of fields) {
    const value = values[name]?.trim();
    if (!value) continue;
    if (name === "virtual_hosted") body.path_style = false;
    else if (kind === "flag") body[name] = true;
    else if (kind === "lines") body[name] = lines(value);
    else body[name] = value;
  }
  return body as unknown as Schema<"NewIntegration">;
}

/** The lines that have something in them. */
export const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
