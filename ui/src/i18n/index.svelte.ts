/** Words: two dictionaries, held against code and pack by tests/docs, and the pack's own `{vi, en}` labels. */
import type { Label } from "../api/types";
import { preferences } from "../preferences.svelte";
import en from "./en.json";
import vi from "./vi.json";

export type Key = keyof typeof vi;
const dictionaries: Record<"vi" | "en", Record<string, string>> = { vi, en };

export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = dictionaries[preferences.language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The word for a code the server sent; the code itself when the dictionary has none. */
export function word(prefix: string, code: string): string {
  return dictionaries[preferences.language][`${prefix}.${code}`] ?? code;
}

export function hasWord(key: string): boolean {
  return key in vi;
}

export function say(label: Label | null | undefined): string {
  return label ? label[preferences.language] || label.vi : "";
}
