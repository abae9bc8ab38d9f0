/** Whom to call: who is next, and how a way to reach somebody is opened. Pure. */
import type { Candidate, ContactMethod } from "../api/types";

/** Who is called now: the first whom nobody has tried; nobody where somebody was reached. */
export function nextOf(items: readonly Candidate[]): Candidate | null {
  if (items.some((item) => item.outcome === "reached")) return null;
  return items.find((item) => item.outcome === null) ?? null;
}

/** The address that a telephone or a mail program takes; null: it is read out, not opened. */
export function linkOf(method: ContactMethod): string | null {
  if (method.kind === "tel") return `tel:${method.value.replace(/[^0-9+]/g, "")}`;
  if (method.kind === "email") return `mailto:${method.value}`;
  return null;
}
