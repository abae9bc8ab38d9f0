/** What the columns of lookup tables hold, as people read it; and who keeps the tables. */
import type { Capability, LookupValue } from "../api/types";
import { measure } from "../format/number";
import { date } from "../format/time";
import { say, t } from "../i18n/index.svelte";

const DIGITS = 6;

/** A value as people read it; and who keeps the tables. */
export function toldOf(one: LookupValue): string {
  if (one.type === "date" && typeof one.value === "string") return dayOf(one.value);
  return begin(say(one.word)) || measure(one.value, one.unit, DIGITS);
}

/** Words that stand alone begin with a capital. */
export function begin(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A day of the calendar, whatever the zone of the desk. */
export function dayOf(day: string): string {
  return date(`${day}T05:00:00Z`);
}

/** From when and until when a row holds, where it says so. */
export function daysOf(row: { valid_from: string | null; valid_to: string | null }): string {
  return [
    row.valid_from ? t("limits.from", { date: dayOf(row.valid_from) }) : "",
    row.valid_to ? t("limit.validTo", { date: dayOf(row.valid_to) }) : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** Rows count everywhere, so only who keeps the registry of every area may change one. */
export function mayKeep(session: {
  has: (capability: Capability) => boolean;
  who: { areas: unknown } | null;
}): boolean {
  return session.has("registry") && session.who?.areas === null;
}
