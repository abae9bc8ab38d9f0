/** Numbers as the country writes them: 1.502 and 20,3 in Vietnamese, 1,502 and 20.3 in English. */
import { t } from "../i18n/index.svelte";
import { preferences } from "../preferences.svelte";

const made = new Map<string, Intl.NumberFormat>();

export function number(value: number, digitsMax = 1): string {
  const key = `${preferences.language}${digitsMax}`;
  let format = made.get(key);
  if (!format) {
    format = new Intl.NumberFormat(preferences.language === "vi" ? "vi-VN" : "en-GB", {
      maximumFractionDigits: digitsMax,
    });
    made.set(key, format);
  }
  return format.format(value);
}

/** Any value of a reading, with its unit; a dash for no value. */
export function measure(value: unknown, unit: string | null | undefined, digitsMax = 2): string {
  if (value === null || value === undefined || value === "") return "–";
  const text =
    typeof value === "number"
      ? number(value, digitsMax)
      : typeof value === "boolean"
        ? t(value ? "value.yes" : "value.no")
        : typeof value === "string"
          ? value
          : JSON.stringify(value);
  return unit ? `${text}\u00a0${unit}` : text;
}

/** A length in metres: "56 m", "1,5 km". */
export function metres(value: number): string {
  return value < 1000 ? measure(Math.round(value), "m") : measure(value / 1000, "km", 1);
}
