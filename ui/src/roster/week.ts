/** A week of the roster as a picture: its days, where a bar stands, and gaps in words. Pure. */
import type { Shift } from "../api/types";
import { cityMinute, readMinute } from "../manual/form";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const WEEK_DAYS = 7;
const NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
export type DayName = (typeof NAMES)[number];
const MONDAY = 1;
const EVENING = 18;
const MORNING = 5;
const NOON = 12;

/** The local day of a moment, as 2026-11-29. */
export function dayOf(moment: string | number): string {
  return cityMinute(moment).slice(0, 10);
}

export function nameOf(moment: string | number): DayName {
  return NAMES[new Date(`${dayOf(moment)}T00:00:00Z`).getUTCDay()] ?? "mon";
}

/** Midnight of the Monday of a moment's week, so many weeks on. */
export function weekStart(moment: number, weeks = 0): number {
  const midnight = Date.parse(readMinute(`${dayOf(moment)}T00:00`));
  const weekday = new Date(`${dayOf(moment)}T00:00:00Z`).getUTCDay();
  const back = (weekday - MONDAY + WEEK_DAYS) % WEEK_DAYS;
  return midnight + (weeks * WEEK_DAYS - back) * DAY_MS;
}

export function daysOf(start: number): number[] {
  return Array.from({ length: WEEK_DAYS }, (_, index) => start + index * DAY_MS);
}

export type Bar = { left: number; width: number };

/** Where something stands in a week, in per cent; null: outside it. */
export function barOf(from: string, to: string, start: number): Bar | null {
  const length = WEEK_DAYS * DAY_MS;
  const left = Math.max(0, Date.parse(from) - start);
  const right = Math.min(length, Date.parse(to) - start);
  if (right <= 0 || left >= length || right <= left) return null;
  return { left: (left / length) * 100, width: ((right - left) / length) * 100 };
}

/** Shifts in as few lanes as let none hide another, the earlier first. */
export function lanesOf<T extends { starts_at: string; ends_at: string }>(shifts: readonly T[]): T[][] {
  const lanes: T[][] = [];
  for (const shift of [...shifts].sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at))) {
    const free = lanes.find((lane) => Date.parse(lane.at(-1)?.ends_at ?? "") <= Date.parse(shift.starts_at));
    if (free) free.push(shift);
    else lanes.push([shift]);
  }
  return lanes;
}

export type PartOfDay = "early" | "morning" | "afternoon" | "night";

export function partOf(moment: string | number): PartOfDay {
  const hour = Number(cityMinute(moment).slice(11, 13));
  if (hour < MORNING) return "early";
  return hour >= EVENING ? "night" : hour < NOON ? "morning" : "afternoon";
}

/** Whether a gap is told by a part of a day alone: it begins in it and ends within half a day. */
export function isShort(from: string, to: string): boolean {
  return Date.parse(to) - Date.parse(from) <= DAY_MS / 2;
}

/** Shifts by the local day on which they begin, or the week's first for those that began before. */
export function agendaOf(shifts: readonly Shift[], start: number): { day: number; shifts: Shift[] }[] {
  return daysOf(start)
    .map((day) => ({
      day,
      shifts: shifts.filter((shift) => {
        const begins = Math.max(start, Date.parse(shift.starts_at));
        return begins >= day && begins < day + DAY_MS;
      }),
    }))
    .filter((one) => one.shifts.length > 0);
}
