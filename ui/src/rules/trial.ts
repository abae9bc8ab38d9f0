/** What a backtest's two sides share and where they differ, and times of a range as the desk writes them (UTC+7). */
import type { Backtest, BacktestAlert } from "../api/types";

export type Told = { alert: BacktestAlert; of: "both" | "candidate" | "present" };
const OFFSET_MS = 7 * 3_600_000;

/** Alerts of both sides, newest first; one that both have opened for the same key at the same instant is told once. */
export function together(result: NonNullable<Backtest["result"]>): Told[] {
  const key = (alert: BacktestAlert): string => `${alert.key} ${alert.opened_at}`;
  const present = new Map((result.present?.alerts ?? []).map((alert) => [key(alert), alert]));
  const told: Told[] = result.candidate.alerts.map((alert) => ({ alert, of: result.present === null || present.delete(key(alert)) ? "both" : "candidate" }));
  told.push(...[...present.values()].map((alert) => ({ alert, of: "present" as const })));
  return told.sort((a, b) => (a.alert.opened_at < b.alert.opened_at ? 1 : -1));
}

/** A moment as a datetime-local field writes it, in Việt Nam's time whatever the desk's zone is. */
export function toField(moment: number): string {
  return new Date(moment + OFFSET_MS).toISOString().slice(0, 16);
}
export function fromField(text: string): string | null {
  const moment = Date.parse(`${text}:00+07:00`);
  return Number.isNaN(moment) ? null : new Date(moment).toISOString();
}

/** Every day of the range, also those on which nothing happened. */
export function daysOf(backtest: Backtest): string[] {
  const DAY = 86_400_000;
  const first = Date.parse(`${toField(Date.parse(backtest.from)).slice(0, 10)}T00:00:00Z`);
  const last = Date.parse(`${toField(Date.parse(backtest.to) - 1).slice(0, 10)}T00:00:00Z`);
  return Array.from({ length: Math.min(400, Math.floor((last - first) / DAY) + 1) }, (_, index) => new Date(first + index * DAY).toISOString().slice(0, 10));
}
