/** The roster in words: when a shift is, where nobody is, who is on duty. */
import type { Gap, OnDuty, Shift } from "../api/types";
import { date, time, timeOrDay } from "../format/time";
import { say, t, word } from "../i18n/index.svelte";
import { dayOf, isShort, nameOf, partOf } from "./week";

function shortDay(moment: string | number): string {
  return date(moment).slice(0, 5);
}

export function dayText(moment: string | number): string {
  return `${word("weekdayLong", nameOf(moment))} ${shortDay(moment)}`;
}

/** "thứ Bảy 28/11, 07:00–19:00", with the day of its end where that is another and more than a night away. */
export function spanText(from: string, to: string): string {
  if (isShort(from, to) || dayOf(from) === dayOf(to)) return `${dayText(from)}, ${time(from)}–${time(to)}`;
  return t("roster.fromTo", { from: `${time(from)} ${dayText(from)}`, to: `${time(to)} ${dayText(to)}` });
}

/** "đêm thứ Bảy 28/11, 20:00–06:00". */
export function gapText(gap: Gap): string {
  const told = spanText(gap.from, gap.to);
  return isShort(gap.from, gap.to) ? `${word("partOfDay", partOf(gap.from))} ${told}` : told;
}

export function holderText(shift: Pick<Shift, "title" | "person">): string {
  return shift.person ? `${say(shift.title)} · ${shift.person}` : say(shift.title);
}

/** "Kíp A · đang trực đến 19:00, thay Kíp B". */
export function dutyText(one: OnDuty, now: number): string {
  const until = t("roster.until", { time: timeOrDay(one.until, now) });
  const instead = one.stands_for ? `, ${t("roster.insteadOf", { who: say(one.stands_for) })}` : "";
  const person = one.person ? ` · ${one.person}` : "";
  return `${say(one.title)}${person} · ${until}${instead}`;
}

/** "phòng thủ dân sự cấp độ 2 (cấp tỉnh), theo 123/QĐ-UBND · đến 19:00". */
export function modeText(
  one: { level: number | null; decision: string | null } & ({ until: string | null } | { ends_at: string | null }),
  now: number,
): string {
  const until = "until" in one ? one.until : one.ends_at;
  const level = one.level === null ? "" : word("civilDefence", String(one.level));
  const decision = one.decision === null ? "" : t("mode.byDecision", { decision: one.decision });
  const end = until === null ? t("mode.untilEnded") : t("mode.untilTime", { time: timeOrDay(until, now) });
  return [[level, decision].filter(Boolean).join(", "), end].filter(Boolean).join(" · ");
}
