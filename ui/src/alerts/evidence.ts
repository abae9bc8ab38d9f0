/** From the evidence of an alert to the figure that shows it: readings, limit, held window, the moments it moved. */
import type { Alert, Evidence } from "../api/types";
import { breakGaps, type Figure } from "../charts/figure";
import { measure } from "../format/number";
import { time } from "../format/time";
import { t, word } from "../i18n/index.svelte";

const seconds = (moment: string): number => Date.parse(moment) / 1000;

/** The number that a plain clause such as `rain_24h_mm > 100.0` compares the charted field with. */
export function thresholdOf(evidence: Evidence): number | null {
  if (evidence.limit) return evidence.limit.value;
  if (!evidence.field && evidence.details?.kind !== "window") return null;
  const compared = evidence.details?.kind === "window" ? (evidence.details.measure ?? evidence.field ?? "") : (evidence.field ?? "");
  const field = compared.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`\\b${field}\\s*[<>]=?\\s*(-?[0-9.]+)`).exec(evidence.clause);
  return found?.[1] === undefined ? null : Number(found[1]);
}

/** The time for which the condition had to hold. A rule without `for` looked at one reading: there is none to shade. */
export function heldWindow(evidence: Evidence): { from: number; to: number } | null {
  if (!evidence.held_since || !(evidence.held_seconds > 0)) return null;
  const from = seconds(evidence.held_since);
  return { from, to: from + evidence.held_seconds };
}

/** The span that the rule looked at: the window whose panes made its measure, or the silence. */
export function lookedAt(evidence: Evidence): { from: number; to: number } | null {
  const details = evidence.details;
  if (details?.kind === "window") return { from: seconds(details.from), to: seconds(details.to) };
  if (details?.kind === "absence") return { from: seconds(details.last_heard), to: seconds(details.last_heard) + details.absent_seconds };
  return null;
}

/** Whether readings themselves tell why: not where the rule looked at places, at other alerts or at an order of things. */
export function charted(evidence: Evidence): boolean {
  return evidence.series.length > 0 && !["near", "zone", "correlate", "sequence"].includes(evidence.details?.kind ?? "");
}

/** Whether readings may be held against the limit: a sum or a number of readings is not of their size. */
export function comparable(evidence: Evidence): boolean {
  if (evidence.details?.kind === "absence") return false;
  return evidence.details?.kind !== "window" || evidence.details.pane_of === "mean";
}

export function figureOf(alert: Alert, evidence: Evidence, unit: string | null): Figure {
  const threshold = comparable(evidence) ? thresholdOf(evidence) : null;
  const window = evidence.details?.kind === "absence" ? null : heldWindow(evidence);
  const looked = lookedAt(evidence);
  const source = evidence.limit?.source ? ` · ${shorten(evidence.limit.source)}` : "";
  const unverified = evidence.limit && !evidence.limit.verified && !/chưa kiểm chứng/i.test(source) ? ` · ${t("evidence.unverified")}` : "";
  const words = threshold === null ? "" : `${t("evidence.limit")} ${measure(threshold, unit)}`;
  const marks = evidence.transitions
    .filter((step) => step.kind !== "cleared" || alert.condition === "cleared")
    .slice(-3)
    .map((step) => ({ t: seconds(step.at), label: `${word("step", step.kind)} ${time(step.at)}` }));
  return {
    points: breakGaps(evidence.series.map((point) => ({ t: seconds(point.t), v: point.v }))),
    band: false,
    limit: threshold === null ? null : { value: threshold, label: `${words}${source}${unverified}`, short: `${words}${unverified}` },
    shades: [...(looked ? [{ ...looked, faint: evidence.details?.kind === "window" }] : []), ...(window ? [window] : [])],
    marks: spread(marks),
  };
}

function shorten(source: string): string {
  const head = source.split(/[:;(]/)[0]?.trim() ?? source;
  return head.length > 46 ? `${head.slice(0, 45)}…` : head;
}

/** Marks at nearly one moment would write over each other: the earliest keeps its words. */
function spread(marks: { t: number; label: string }[]): { t: number; label: string }[] {
  const first = marks[0];
  const last = marks.at(-1);
  if (!first || !last) return marks;
  const gap = Math.max((last.t - first.t) * 0.3, 900);
  let words = Number.NEGATIVE_INFINITY;
  return marks.map((mark) => {
    if (mark.t - words < gap) return { ...mark, label: "" };
    words = mark.t;
    return mark;
  });
}
