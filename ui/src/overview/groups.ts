/** Alerts near one another on the screen share one mark: the worst speaks, the rest are counted. */
import type { Alert, Area, Severity } from "../api/types";
import { byAttention } from "../live/alerts.svelte";

export type Point = { x: number; y: number };
export type Group = {
  id: string;
  newest: string;
  x: number;
  y: number;
  severity: Severity;
  alerts: Alert[];
  fresh: boolean;
};

export const GROUPS_MAX = 40;

export function positionOf(alert: Alert, areas: ReadonlyMap<string, Area>): [number, number] | null {
  if (alert.lon !== null && alert.lat !== null) return [alert.lon, alert.lat];
  const area = alert.area === null ? undefined : areas.get(alert.area);
  return area?.lon != null && area.lat != null ? [area.lon, area.lat] : null;
}

/** Those that need somebody first, first; at most GROUPS_MAX marks are drawn, the feed lists them all. */
export function groupAlerts(
  list: readonly Alert[],
  project: (lonLat: [number, number]) => Point,
  areas: ReadonlyMap<string, Area>,
  reach: number,
): Group[] {
  const ordered = [...list].sort(byAttention);
  const groups: Group[] = [];
  for (const alert of ordered) {
    const at = positionOf(alert, areas);
    if (!at) continue;
    const { x, y } = project(at);
    const near = groups.find((group) => Math.abs(group.x - x) < reach && Math.abs(group.y - y) < reach);
    if (near) {
      near.alerts.push(alert);
      if (alert.state === "new") near.fresh = true;
      if (alert.opened_at > (near.alerts.find((other) => other.id === near.newest)?.opened_at ?? ""))
        near.newest = alert.id;
    } else if (groups.length < GROUPS_MAX) {
      groups.push({
        id: at.join(),
        newest: alert.id,
        x,
        y,
        severity: alert.severity,
        alerts: [alert],
        fresh: alert.state === "new",
      });
    }
  }
  return groups;
}
