/** What a person typed, as the values that the server takes: numbers with a comma or a point, moments with a zone. */
import type { FeedField } from "../api/types";

export type Typed = Record<string, string>;
export type Spot = { lat: number; lon: number };
export type Faults = Record<string, string>;

const NUMBER = /^[+-]?\d+(?:[.,]\d+)?$/;

/** Can this field be entered here? What has no form of its own cannot. */
export function mayEnter(field: FeedField): boolean {
  return field.type !== "object" && field.device_health === null;
}

/** A number as people write it; null where it is none. A point or a comma parts the decimals, and nothing thousands. */
export function readNumber(text: string): number | null {
  const bare = text.trim().replace(/\s/g, "");
  if (!NUMBER.test(bare)) return null;
  const value = Number(bare.replace(",", "."));
  return Number.isFinite(value) ? value : null;
}

/** What stands in the form's fields for the values of an entry. */
export function typedOf(fields: readonly FeedField[], values: Record<string, unknown>, comma: boolean): Typed {
  const typed: Typed = {};
  for (const field of fields) {
    const value = values[field.name];
    if (typeof value === "number") typed[field.name] = comma ? String(value).replace(".", ",") : String(value);
    else if (typeof value === "boolean") typed[field.name] = value ? "true" : "false";
    else if (typeof value === "string") typed[field.name] = field.type === "time" ? cityMinute(value) : value;
  }
  return typed;
}

const CITY_OFFSET = "+07:00";
const CITY_OFFSET_MS = 7 * 3_600_000;

/** A moment as the browser's field for date and time has it: to the minute, in the city's time whatever the desk's. */
export function cityMinute(moment: string | number): string {
  return new Date(new Date(moment).getTime() + CITY_OFFSET_MS).toISOString().slice(0, 16);
}

/** The moment that such a field holds, with its zone. */
export function readMinute(text: string): string {
  return new Date(`${text}:00${CITY_OFFSET}`).toISOString();
}

function outside(value: number, [low, high]: readonly [number | null, number | null]): boolean {
  return (low !== null && value < low) || (high !== null && value > high);
}

/** Is the value one that the feed would flag? It is kept, and whoever typed it should look twice. */
export function isSuspect(field: FeedField, text: string): boolean {
  const value = readNumber(text);
  return value !== null && !outside(value, field.possible) && outside(value, field.plausible);
}

function valueOf(field: FeedField, text: string): unknown {
  if (field.type === "number" || field.type === "integer") return readNumber(text);
  if (field.type === "boolean") return text === "true";
  if (field.type === "time") return readMinute(text);
  return text;
}

/** The values to send, and by field the code of what does not fit; the server judges again, and more closely. */
export function read(fields: readonly FeedField[], typed: Typed): { values: Record<string, unknown>; faults: Faults } {
  const values: Record<string, unknown> = {};
  const faults: Faults = {};
  for (const field of fields.filter(mayEnter)) {
    const text = (typed[field.name] ?? "").trim();
    if (text === "") {
      if (field.required) faults[field.name] = "missing_field";
      continue;
    }
    const value = valueOf(field, text);
    if (value === null || (field.type === "integer" && !Number.isInteger(value))) faults[field.name] = "wrong_type";
    else if (typeof value === "number" && outside(value, field.possible)) faults[field.name] = "impossible_value";
    else values[field.name] = value;
  }
  return { values, faults };
}

/** The faults that a refusal names, by the field of the form. */
export function faultsOf(body: Record<string, unknown>): Faults {
  const faults: Faults = {};
  const listed = Array.isArray(body.errors) ? (body.errors as { field?: unknown; code?: unknown }[]) : [];
  for (const { field, code } of listed)
    if (typeof field === "string") faults[field.replace(/^values\./, "")] = typeof code === "string" ? code : "other";
  return faults;
}

/** A name for an entry that nobody else gives: sent twice, it is one. Also where there is no crypto.randomUUID. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
