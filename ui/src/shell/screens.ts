/**
 * The screens in the order in which they stand in the bar; the quick switch offers the same. `tight`: the short name
 * stands wherever the bar lacks room, not on a phone alone. `bar` says where a screen has no place in it and stands
 * behind the button *More*: "wide" means on a phone, false means everywhere.
 */
import type { Key } from "../i18n/index.svelte";
import type { IconName } from "../parts/icons";
import type { Screen } from "../router.svelte";

export const SCREENS: readonly {
  screen: Screen;
  href: string;
  key: Key;
  short?: Key;
  tight?: true;
  bar?: false | "wide";
  icon: IconName;
}[] = [
  { screen: "overview", href: "/", key: "nav.overview", icon: "map" },
  { screen: "alerts", href: "/alerts", key: "nav.alerts", icon: "bell" },
  { screen: "devices", href: "/devices", key: "nav.devices", icon: "device" },
  { screen: "manual", href: "/manual", key: "nav.manual", icon: "pen" },
  { screen: "quality", href: "/quality", key: "nav.quality", short: "nav.qualityShort", tight: true, icon: "gauge" },
  { screen: "performance", href: "/performance", key: "nav.performance", icon: "check", bar: false },
  { screen: "indicators", href: "/indicators", key: "nav.indicators", icon: "table", bar: false },
  { screen: "limits", href: "/limits", key: "nav.limits", icon: "rules", bar: false },
  { screen: "contacts", href: "/contacts", key: "nav.contacts", icon: "phone", bar: false },
  { screen: "roster", href: "/roster", key: "nav.roster", icon: "clock", bar: false },
  { screen: "shift-log", href: "/shift-log", key: "nav.notes", icon: "pen", bar: false },
  { screen: "lookups", href: "/lookups", key: "nav.lookups", icon: "paper", bar: false },
  { screen: "silences", href: "/silences", key: "nav.silences", icon: "mute", bar: false },
  { screen: "rules", href: "/rules", key: "nav.rules", short: "nav.rulesShort", icon: "rules" },
  { screen: "drills", href: "/drills", key: "nav.drills", icon: "drill", bar: "wide" },
];

type Link = (typeof SCREENS)[number];

/** Whether a screen stands in the bar itself. */
export function inBar(link: Link, narrow: boolean): boolean {
  return link.bar === undefined || (link.bar === "wide" && !narrow);
}
