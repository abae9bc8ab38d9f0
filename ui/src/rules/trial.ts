/** What a backtest's two sides share and where they differ, and times of a range as the desk writes them (UTC+7). */
import type { Backtest, BacktestAlert } from "../api/types";

export type Told = { alert: BacktestAlert; of: "both" | "candidate" | "present" };
const OFFSET_MS = 7 * 3_600_000;
const DAY_MS = 86_400_000;
const DAYS_MAX = 400;

/** Alerts of both sides, newest first; one that both have opened for the same key at the same instant is told once. */
export function together(result: NonNullable<Backtest["result"]>): Told[] {
  const key = (alert: BacktestAlert): string => `${alert.key} ${alert.opened_at}`;
  const present = new Map((result.present?.alerts ?? []).map((alert) => [key(alert), alert]));
  const told: Told[] = result.candidate.alerts.map((alert) => ({ alert, of: result.present === null || present.delete(key(alert)) ? "both" : "candidate" }));
  told.push(...[...present.values()].map((alert) => ({ alert, of: "present" as const })));
  return told.sort((a, b) => (a.alert.opened_at < b.alert.opened_at ? 1 : -1));
}

/** A moment as the desk writes it, dd/MM/yyyy HH:mm, in Việt Nam's time whatever the desk's own zone is. */
export function toField(moment: number): string {
  const text = new Date(moment + OFFSET_MS).toISOString();
  return `${text.slice(8, 10)}/${text.slice(5, 7)}/${text.slice(0, 4)} ${text.slice(11, 16)}`;
}
/** What was written as a moment; a day alone is its beginning; null for what is none. */
export function fromField(text: string): string | null {
  const found = /^\s*(\d{1,2})\/(\d{1,2})\/(\d{4})(?:\s+(\d{1,2}):(\d{2}))?\s*$/.exec(text);
  if (!found) return null;
  const [day, month, year, hour, minute] = found.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number];
  const moment = Date.UTC(year, month - 1, day, hour, minute) - OFFSET_MS;
  return toField(moment) === `${pad(day)}/${pad(month)}/${year} ${pad(hour)}:${pad(minute)}` ? new Date(moment).toISOString() : null;
}
function pad(value: number): string {
  return String(value).padStart(2, "0");
}
function localDay(moment: number): number {
  return Math.floor((moment + OFFSET_MS) / DAY_MS) * DAY_MS;
}

/** Every day of the range, also those on which nothing happened. */
export function daysOf(backtest: Backtest): string[] {
  const first = localDay(Date.parse(backtest.from));
  const last = localDay(Date.parse(backtest.to) - 1);
  return Array.from({ length: Math.min(DAYS_MAX, Math.floor((last - first) / DAY_MS) + 1) }, (_, index) => new Date(first + index * DAY_MS).toISOString().slice(0, 10));
}
