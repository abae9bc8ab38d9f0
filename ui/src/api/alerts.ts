/** What an alert's states mean to those who look. */
import type { Alert, Severity } from "./types";

export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low", "info"];
export const RANK: Record<Severity, number> = { info: 0, low: 1, medium: 2, high: 3, critical: 4 };

/** Held to be a false alarm, or put aside: it stays listed while its condition fires, without colour or sound. */
export function isMuted(alert: Alert): boolean {
  return alert.state === "false_alarm" || alert.state === "shelved";
}

/** Open = the condition fires, or nobody has taken note of it yet; what was put aside comes back. */
export function isOpen(alert: Alert): boolean {
  return alert.condition === "firing" || alert.state === "new" || alert.state === "shelved";
}

/** Put aside until a time that is over: it is back by itself, and nobody has brought it. */
export function isBackByItself(alert: Alert, before: Alert | undefined, now: number): boolean {
  const until = before?.state === "shelved" && alert.state === "new" ? before.shelved_until : null;
  return until !== null && Date.parse(until) <= now + 2_000; // the desk's clock ticks once a second
}
