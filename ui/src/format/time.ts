/** Times on the wall: dd/MM/yyyy HH:mm, 24 h, Asia/Ho_Chi_Minh whatever the desk's own zone is. */
import { t } from "../i18n/index.svelte";

const ZONE = "Asia/Ho_Chi_Minh";
const parts = new Intl.DateTimeFormat("en-GB", {
  timeZone: ZONE,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

type Pieces = { day: string; month: string; year: string; hour: string; minute: string; second: string };

function pieces(moment: string | number | Date): Pieces {
  const found: Record<string, string> = {};
  for (const part of parts.formatToParts(new Date(moment))) found[part.type] = part.value;
  return found as Pieces;
}

export function dateTime(moment: string | number | Date): string {
  const p = pieces(moment);
  return `${p.day}/${p.month}/${p.year} ${p.hour}:${p.minute}`;
}

export function dateTimeSeconds(moment: string | number | Date): string {
  const p = pieces(moment);
  return `${p.day}/${p.month}/${p.year} ${p.hour}:${p.minute}:${p.second}`;
}

export function date(moment: string | number | Date): string {
  const p = pieces(moment);
  return `${p.day}/${p.month}/${p.year}`;
}

export function time(moment: string | number | Date): string {
  const p = pieces(moment);
  return `${p.hour}:${p.minute}`;
}

export function timeSeconds(moment: string | number | Date): string {
  const p = pieces(moment);
  return `${p.hour}:${p.minute}:${p.second}`;
}

/** The time alone when it is the same day as `now`, else with the day: "21:40" or "22/11 21:40". */
export function timeOrDay(moment: string, now: number): string {
  const p = pieces(moment);
  return date(moment) === date(now) ? `${p.hour}:${p.minute}` : `${p.day}/${p.month} ${p.hour}:${p.minute}`;
}

/** A length of time in one unit, two below an hour and a half: "42 giây", "3 phút", "1 giờ 20 phút", "2 ngày". */
export function span(secondsGiven: number): string {
  const seconds = Math.max(0, Math.floor(secondsGiven));
  if (seconds < 60) return t("span.seconds", { n: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t("span.minutes", { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 6 && minutes % 60 > 0) return t("span.hoursMinutes", { n: hours, m: minutes % 60 });
  if (hours < 48) return t("span.hours", { n: hours });
  return t("span.days", { n: Math.floor(hours / 24) });
}

export function ago(moment: string, now: number): string {
  return t("span.ago", { span: span((now - Date.parse(moment)) / 1000) });
}

export function age(moment: string, now: number): string {
  return span((now - Date.parse(moment)) / 1000);
}
