/** A silence in words: what it names, when it holds. */
import type { Silence, SilencePreview } from "../api/types";
import { dateTime } from "../format/time";
import { hasWord, say, t, word } from "../i18n/index.svelte";
import { city } from "../live/city.svelte";
import { devices } from "../live/devices.svelte";

export type Match = Silence["match"];
export const NO_MATCH: Match = { rule: [], domain: [], area: [], device: [], severity_max: "high" };

export function placeWord(code: string): string {
  const zone = city.zones.find((one) => one.code === code);
  if (zone) return t("scope.zone", { zone: say(zone.name) });
  return say(city.areas.find((one) => one.code === code)?.name) || code;
}

export function domainWord(id: string): string {
  return hasWord(`domain.${id}`) ? word("domain", id) : say(city.domains.find((one) => one.id === id)?.label) || id;
}

export function deviceWord(id: string): string {
  return say(devices.all.find((one) => one.id === id)?.name) || id;
}

/** What is named, one part for each kind of matcher. */
export function matchWords(one: Silence): string[] {
  const { match } = one;
  const beyond = one.devices_beyond > 0 ? [t("silence.devicesBeyond", { n: one.devices_beyond })] : [];
  return [
    [...match.device.map(deviceWord), ...beyond].join(", "),
    match.rule.map((id) => t("silence.ruleNamed", { rule: id })).join(", "),
    match.area.map(placeWord).join(", "),
    match.domain.map(domainWord).join(", "),
    t(match.severity_max === "critical" ? "silence.evenCritical" : "silence.upTo", {
      severity: word("severity", match.severity_max).toLocaleLowerCase(),
    }),
  ].filter(Boolean);
}

export function whenWords(one: Silence): string {
  const span = t("silence.span", { from: dateTime(one.from), to: dateTime(one.to) });
  if (one.active === null) return span;
  const days = one.active.days === null ? "" : one.active.days.map((day) => word("weekday", day)).join(", ");
  return [span, (one.active.hours ?? []).join(", "), days].filter(Boolean).join(" · ");
}

/** The question of a preview; null while nothing is named. */
export function previewQuery(match: Match): string | null {
  const query = new URLSearchParams();
  for (const name of ["rule", "domain", "area", "device"] as const)
    if (match[name].length > 0) query.set(name, match[name].join(","));
  if (query.size === 0) return null;
  query.set("severity_max", match.severity_max);
  return query.toString();
}

export function openedIn(preview: SilencePreview): number {
  return Object.values(preview.opened_7d).reduce((sum, n) => sum + n, 0);
}
