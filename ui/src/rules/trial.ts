/** What a backtest's two sides share and where they differ, and times of a range as the desk writes them (UTC+7). */
import type { Backtest, BacktestAlert, BacktestSide } from "../api/types";

export type ComparedAlert = { alert: BacktestAlert; of: "both" | "candidate" | "present" };
const OFFSET_MS = 7 * 3_600_000;
const DAY_MS = 86_400_000;

/** Alerts of both sides, newest first; one that both have opened for the same key at the same instant is told once. */
export function together(result: NonNullable<Backtest["result"]>): ComparedAlert[] {
  const key = (alert: BacktestAlert): string => `${alert.key} ${alert.opened_at}`;
  const present = new Map((result.present?.alerts ?? []).map((alert) => [key(alert), alert]));
  const told: ComparedAlert[] = result.candidate.alerts.map((alert) => ({
    alert,
    of: result.present === null || present.delete(key(alert)) ? "both" : "candidate",
  }));
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
  // The hour and the minute may not have been written.
  const parts: (string | undefined)[] = found.slice(1);
  const [day = 0, month = 0, year = 0, hour = 0, minute = 0] = parts.map((part) => Number(part ?? 0));
  const moment = Date.UTC(year, month - 1, day, hour, minute) - OFFSET_MS;
  return toField(moment) === `${pad(day)}/${pad(month)}/${year} ${pad(hour)}:${pad(minute)}`
    ? new Date(moment).toISOString()
    : null;
}
function pad(value: number): string {
  return String(value).padStart(2, "0");
}
function localDay(moment: number): number {
  return Math.floor((moment + OFFSET_MS) / DAY_MS) * DAY_MS;
}

export type Stretch = "day" | "month" | "year";
export type Bucket = { key: string; label: string; opened: number[]; hours: number[] };

/** How finely a range is shown: never more bars than can be told apart. */
export function stretchOf(backtest: Backtest): Stretch {
  const days = (Date.parse(backtest.to) - Date.parse(backtest.from)) / DAY_MS;
  return days <= 62 ? "day" : days <= 1_900 ? "month" : "year";
}

/** The sides' days, put together by stretch; also those in which nothing happened. */
export function buckets(backtest: Backtest, sides: readonly BacktestSide[]): Bucket[] {
  const stretch = stretchOf(backtest);
  const length = stretch === "day" ? 10 : stretch === "month" ? 7 : 4;
  const made = new Map<string, Bucket>();
  const last = localDay(Date.parse(backtest.to) - 1);
  for (let day = localDay(Date.parse(backtest.from)); day <= last; day += DAY_MS) {
    const key = new Date(day).toISOString().slice(0, length);
    if (!made.has(key))
      made.set(key, { key, label: labelOf(key, stretch), opened: sides.map(() => 0), hours: sides.map(() => 0) });
  }
  sides.forEach((side, index) => {
    for (const day of side.days) {
      const bucket = made.get(day.day.slice(0, length));
      if (!bucket) continue;
      bucket.opened[index] = (bucket.opened[index] ?? 0) + day.opened;
      bucket.hours[index] = (bucket.hours[index] ?? 0) + day.firing_seconds / 3600;
    }
  });
  return [...made.values()];
}

function labelOf(key: string, stretch: Stretch): string {
  if (stretch === "day") return `${key.slice(8, 10)}/${key.slice(5, 7)}`;
  return stretch === "month" ? `${key.slice(5, 7)}/${key.slice(0, 4)}` : key;
}
