/**
 * The list of open alerts, one row for each incident: a storm is one situation, however many gauges tell of it. Alerts
 * keep their order of need, and an incident stands where its most urgent alert would.
 */
import { isMuted } from "../api/alerts";
import type { Alert, AlertIncident } from "../api/types";

export type AlertLine = { type: "alert"; id: string; alert: Alert; member: boolean };
export type IncidentLine = {
  type: "incident";
  id: string;
  incident: AlertIncident;
  /** Those that are open and pass the filter, the most urgent first. */
  alerts: readonly Alert[];
  expanded: boolean;
};
export type Line = AlertLine | IncidentLine;

/** A critical alert that nobody has taken is seen, whatever is folded. */
export function alwaysShows(alert: Alert): boolean {
  return alert.severity === "critical" && alert.state === "new" && alert.condition === "firing";
}

export function plainLines(open: readonly Alert[]): Line[] {
  return open.map((alert) => ({ type: "alert", id: alert.id, alert, member: false }));
}

/** Alerts of one incident under its row; one that is alone of its incident stands for itself. */
export function groupedLines(open: readonly Alert[], expanded: ReadonlySet<string>): Line[] {
  const members = new Map<string, Alert[]>();
  for (const alert of open) {
    if (!alert.incident || isMuted(alert)) continue;
    const known = members.get(alert.incident.id);
    if (known) known.push(alert);
    else members.set(alert.incident.id, [alert]);
  }
  const lines: Line[] = [];
  const told = new Set<string>();
  for (const alert of open) {
    const group = alert.incident && !isMuted(alert) ? members.get(alert.incident.id) : undefined;
    if (!alert.incident || !group || group.length < 2) {
      lines.push({ type: "alert", id: alert.id, alert, member: false });
      continue;
    }
    const { incident } = alert;
    if (told.has(incident.id)) continue;
    told.add(incident.id);
    const open_ = expanded.has(incident.id);
    lines.push({ type: "incident", id: incident.id, incident, alerts: group, expanded: open_ });
    for (const member of group)
      if (open_ || alwaysShows(member)) lines.push({ type: "alert", id: member.id, alert: member, member: true });
  }
  return lines;
}

/** What an incident's row tells of its open alerts. */
export function tallyOf(alerts: readonly Alert[]): { fresh: number; devices: number; areas: number; since: string } {
  const devices = new Set(alerts.map((alert) => alert.device).filter(Boolean));
  const areas = new Set(alerts.map((alert) => alert.area).filter(Boolean));
  const since = alerts.reduce((first, alert) => (alert.opened_at < first ? alert.opened_at : first), "9999");
  return {
    fresh: alerts.filter((alert) => alert.state === "new").length,
    devices: devices.size,
    areas: areas.size,
    since,
  };
}
