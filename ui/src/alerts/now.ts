/**
 * How an alert is now, in words: its headline, its place, and whether its newest reading is older than it should be.
 */
import type { Alert, MeasuredValue } from "../api/types";
import { age, span, timeOrDay } from "../format/time";
import { say, t } from "../i18n/index.svelte";
import { city } from "../live/city.svelte";
import { devices } from "../live/devices.svelte";

const PERIODS_MAX = 2;

/** Whether the alert tells its present value; one that is over tells how long it was instead. */
export function tellsNow(alert: Alert): alert is Alert & { now: MeasuredValue } {
  return alert.now != null && alert.condition === "firing";
}

/**
 * What stands first: the title where the present value or the end stands beside it, else the sentence that the alert
 * has.
 */
export function titleOf(alert: Alert): string {
  return tellsNow(alert) || isOver(alert) ? say(alert.title) : say(alert.summary) || say(alert.title);
}

export function isOver(alert: Alert): alert is Alert & { cleared_at: string } {
  return alert.condition === "cleared" && alert.cleared_at !== null;
}

/** How long it was, of one that is over: "đã hết sau 2 giờ"; what only people end is ended, not over. */
export function overOf(alert: Alert): string {
  if (!isOver(alert)) return "";
  const seconds = (Date.parse(alert.cleared_at) - Date.parse(alert.opened_at)) / 1000;
  const person = alert.ends === "person";
  if (seconds < 1) return t(person ? "now.ended" : "now.over");
  return t(person ? "now.endedAfter" : "now.overAfter", { span: span(seconds) });
}

/** The device, the ward or commune, or the whole zone: an alert always has a place where one is known. */
export function placeOf(alert: Alert): { name: string; within: string } {
  const zone = say(city.zones.find((one) => one.code === alert.zone)?.name);
  const area = say(alert.area_name);
  const device = say(alert.device_name) || (alert.device ?? "");
  const wide = zone && !area ? t("scope.zone", { zone }) : area;
  return device ? { name: device, within: wide } : { name: wide, within: "" };
}

/** How old the newest reading is, where it is older than two of its usual intervals; else null. */
export function oldReading(alert: Alert, now: number): string | null {
  if (!tellsNow(alert)) return null;
  const device = alert.device === null ? undefined : devices.get(alert.device);
  const period = device?.expected_period_seconds ?? city.feed(alert.feed)?.expected_period_seconds;
  if (period === undefined || now - Date.parse(alert.now.time) <= PERIODS_MAX * period * 1000) return null;
  return age(alert.now.time, now);
}

/** The peak with its time; nothing where the present value is the peak. */
export function peakOf(alert: Alert, now: number): string {
  const { peak } = alert;
  if (!peak) return "";
  if (!isOver(alert) && (!tellsNow(alert) || peak.position === alert.now.position || peak.value === alert.now.value))
    return "";
  return t("now.peak", { label: peakLabel(alert), what: say(peak.text), time: timeOrDay(peak.time, now) });
}

/** Which way the peak is one: "cao nhất", "thấp nhất". */
export function peakLabel(alert: Alert): string {
  return say(alert.peak?.label) || t("now.highest");
}

/** The order at the end of a rule's sentence: "...; sơ tán dân ven sông." */
export function orderOf(alert: Alert): string {
  const sentence = say(alert.opening) || (alert.now ? "" : say(alert.summary));
  const at = sentence.lastIndexOf("; ");
  if (at < 0) return "";
  const order = sentence.slice(at + 2).trim();
  return order.charAt(0).toUpperCase() + order.slice(1);
}

/** Whether somebody should have taken it, or told its outcome, by now. */
export function isOverdue(alert: Alert, now: number): boolean {
  return alert.overdue_at != null && Date.parse(alert.overdue_at) < now;
}
