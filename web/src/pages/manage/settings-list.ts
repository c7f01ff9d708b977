// Finding and grouping settings. Pure.
import type { Schema } from "../../api/client";

type Setting = Schema<"Setting">;

/** The value as it would be written; a setting that is not set has none. */
export function written(value: unknown): string {
  return value === undefined || value === null ? "not set" : JSON.stringify(value);
}

/** Those that have every word in their name, value, variable or description. */
export function matching(settings: readonly Setting[], words: string, isChangedOnly: boolean): Setting[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return settings.filter((setting) => {
    if (isChangedOnly && !setting.is_changed) return false;
    const text = `${setting.key} ${setting.variable} ${setting.about} ${written(setting.value)}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** By the part of the key before its last dot, in the order in which they come. */
export function groupsOf(settings: readonly Setting[]): [string, Setting[]][] {
  const groups = new Map<string, Setting[]>();
  for (const setting of settings) {
    const section = setting.key.split(".").slice(0, -1).join(".") || "general";
    groups.set(section, [...(groups.get(section) ?? []), setting]);
  }
  return [...groups];
}
