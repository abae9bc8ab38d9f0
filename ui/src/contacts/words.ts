/** The directory in words: when somebody is there, and for what a unit acts. */
import type { Hours, Unit } from "../api/types";
import { say, t, word } from "../i18n/index.svelte";
import { city } from "../live/city.svelte";
import { isAlways, spans } from "./directory";

export function hoursText(hours: Hours | null): string {
  if (hours === null || isAlways(hours)) return t("hours.always");
  const days = hours.days
    ? spans(hours.days)
        .map(([from, to]) => (from === to ? word("weekday", from) : `${word("weekday", from)}–${word("weekday", to)}`))
        .join(", ")
    : t("hours.daily");
  const periods = hours.hours ? hours.hours.map((period) => period.replace("-", "–")).join(", ") : t("hours.allDay");
  const holidays = hours.holidays === "exclude" ? t("hours.exclude") : hours.holidays === "only" ? t("hours.only") : "";
  return [days, periods, holidays].filter(Boolean).join(", ");
}

export function domainName(id: string): string {
  return say(city.domains.find((domain) => domain.id === id)?.label) || id;
}

export function domainsText(unit: Pick<Unit, "domains">): string {
  return unit.domains.length === 0 ? t("whom.everyDomain") : unit.domains.map(domainName).join(", ");
}

export function areasText(unit: Unit): string {
  return unit.areas.length === 0
    ? t("whom.everywhere")
    : unit.areas.map((area) => say(area.name) || area.code).join(", ");
}
