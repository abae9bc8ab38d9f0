/** What the quick switch finds: screens, open alerts, devices and places, a few of each, the best first. */
import { RANK } from "../api/alerts";
import type { Severity } from "../api/types";
import { ownTextOf, searchTextOf } from "../alerts/filter";
import { best, pick, searchable } from "../format/search";
import { say, t, type Key } from "../i18n/index.svelte";
import { alerts } from "../live/alerts.svelte";
import { city } from "../live/city.svelte";
import { devices } from "../live/devices.svelte";
import type { IconName } from "../parts/icons";
import { SCREENS } from "./screens";

export type Hit = {
  id: string;
  kind: Key;
  label: string;
  note: string;
  path: string;
  over: boolean;
  icon: IconName;
  severity: Severity | null;
};

const OF_EACH_MAX = 6;

/** Everything that answers the question; without one, the screens and the gravest open alerts. */
export function hitsOf(question: string): Hit[] {
  const asked = question.trim() !== "";
  const screens = pick(SCREENS, question, (screen) => searchable(t(screen.key), screen.screen)).map((screen): Hit => ({
    id: `s-${screen.screen}`,
    kind: "switch.screens",
    label: t(screen.key),
    note: "",
    path: screen.href,
    over: false,
    icon: screen.icon,
    severity: null,
  }));
  const grave = [...alerts.open].sort((a, b) => RANK[b.severity] - RANK[a.severity]);
  const found = best(grave, question, ownTextOf, searchTextOf, OF_EACH_MAX).map((alert): Hit => ({
    id: `a-${alert.id}`,
    kind: "switch.alerts",
    label: say(alert.summary) || say(alert.title),
    note: alert.number,
    path: `/alerts/${alert.id}`,
    over: true,
    icon: "bell",
    severity: alert.severity,
  }));
  if (!asked) return [...screens, ...found];
  const places = pick(city.areas, question, (area) => searchable(area.code) + city.placeText(area.code))
    .slice(0, OF_EACH_MAX)
    .map((area): Hit => ({
      id: `p-${area.code}`,
      kind: "switch.places",
      label: say(area.name),
      note: formerName(area.aliases, question),
      path: `/?area=${area.code}`,
      over: false,
      icon: "map",
      severity: null,
    }));
  const machines = best(devices.all, question, devices.nameText, devices.searchText, OF_EACH_MAX).map(
    (device): Hit => ({
      id: `d-${device.id}`,
      kind: "switch.devices",
      label: say(device.name),
      note: say(device.area_name),
      path: `/devices/${encodeURIComponent(device.id)}`,
      over: true,
      icon: "device",
      severity: null,
    }),
  );
  return [...screens, ...places, ...found, ...machines];
}

/** The old name by which a place was found, so that nobody wonders why it is there. */
function formerName(aliases: readonly string[], question: string): string {
  const old = aliases.find((alias) => pick([alias], question, (name) => searchable(name)).length > 0);
  return old ? t("switch.former", { name: old }) : "";
}
