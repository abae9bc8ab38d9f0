/** The figures of performance as people are told them. */
import type { PerformanceFigure, PerformanceGroup, Times as PerformanceTimes } from "../api/types";
import { number } from "../format/number";
import { span } from "../format/time";
import { hasWord, say, t, word } from "../i18n/index.svelte";

const SHARES = ["flood_share", "top_share", "critical_share"];

/** A part of a whole in percent; what is more than none is never told as none. */
export function share(value: number | null): string {
  if (value === null) return "–";
  const percent = value * 100;
  return `${percent > 0 && percent < 0.1 ? `< ${number(0.1)}` : number(percent)} %`;
}

export function lasted(seconds: number | null): string {
  return seconds === null ? "–" : span(seconds);
}

/** How the times spread; of none there is only the count. */
export function spread(of: PerformanceTimes): string {
  const count = t("performance.count", { count: number(of.count) });
  if (of.count === 0) return count;
  const said = { mean: lasted(of.mean_seconds), p95: lasted(of.p95_seconds) };
  return `${t("performance.spread", said)} · ${count}`;
}

export function figureValue(figure: PerformanceFigure, value: number | null): string {
  if (value === null) return "–";
  if (SHARES.includes(figure.name)) return share(value);
  return value > 0 && value < 0.01 ? `< ${number(0.01, 2)}` : number(value, 2);
}

export function groupName(group: PerformanceGroup, by: string): string {
  if (group.id === null) return t("performance.noArea");
  if (group.label) return say(group.label);
  return by === "domain" || by === "severity"
    ? hasWord(`${by}.${group.id}`)
      ? word(by, group.id)
      : group.id
    : group.id;
}

/** Where the alerts of a group can be read. */
export function groupLink(group: PerformanceGroup, by: string): string | null {
  if (group.id === null) return null;
  if (by === "rule") return `/rules/${encodeURIComponent(group.id)}`;
  return `/alerts?${by}=${encodeURIComponent(group.id)}`;
}
