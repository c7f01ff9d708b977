// The user's own fields of a video while they are edited: each has a name, a type and what was typed.

export type FieldType = "text" | "number" | "boolean";

export interface Field {
  key: number;
  name: string;
  type: FieldType;
  value: string;
}

/** Names of what is measured; the server refuses them. */
export const PROTECTED = ["duration", "filename", "fps", "height", "model_names", "size", "video_title", "width"];

let keys = 0;
export function newField(): Field {
  keys += 1;
  return { key: keys, name: "", type: "text", value: "" };
}

export const fieldsOf = (own: Readonly<Record<string, unknown>>): Field[] =>
  Object.entries(own).map(([name, value]) => ({
    ...newField(),
    name,
    type: typeof value === "number" ? "number" : typeof value === "boolean" ? "boolean" : "text",
    value: String(value),
  }));

/** What is wrong with a field among all; nothing if it can be saved. */
export function problemOf(field: Field, all: readonly Field[]): string | undefined {
  const name = field.name.trim();
  if (name === "") return "It needs a name.";
  if (PROTECTED.includes(name)) return `“${name}” is measured and cannot be set; take another name.`;
  if (all.some((other) => other !== field && other.name.trim() === name)) return `“${name}” is there twice.`;
  if (field.type === "number" && (field.value.trim() === "" || !Number.isFinite(Number(field.value)))) {
    return "This is no number; write it as 2.5, or make it a text.";
  }
  return undefined;
}

/** The fields as the server takes them; of fields without problems. */
export const ownOf = (fields: readonly Field[]): Record<string, string | number | boolean> =>
  Object.fromEntries(
    fields.map(({ name, type, value }) => [
      name.trim(),
      type === "number" ? Number(value) : type === "boolean" ? value === "true" : value,
    ]),
  );
