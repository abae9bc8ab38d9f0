/** Numbers as the country writes them: 1.502 and 20,3 in Vietnamese, 1,502 and 20.3 in English. */
import { preferences } from "../preferences.svelte";

const made = new Map<string, Intl.NumberFormat>();

export function number(value: number, digitsMax = 1): string {
  const key = `${preferences.language}${digitsMax}`;
  let format = made.get(key);
  if (!format) {
    format = new Intl.NumberFormat(preferences.language === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: digitsMax });
    made.set(key, format);
  }
  return format.format(value);
}

/** Any value of a reading, with its unit; a dash for no value. */
export function measure(value: unknown, unit: string | null | undefined, digitsMax = 2): string {
  if (value === null || value === undefined || value === "") return "–";
  const text = typeof value === "number" ? number(value, digitsMax) : String(value);
  return unit ? `${text}\u00a0${unit}` : text;
}
