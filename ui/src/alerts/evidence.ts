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
  if (!evidence.field) return null;
  const field = evidence.field.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`\\b${field}\\s*[<>]=?\\s*(-?[0-9.]+)`).exec(evidence.clause);
  return found?.[1] === undefined ? null : Number(found[1]);
}

/** The time for which the condition had to hold. A rule without `for` looked at one reading: there is none to shade. */
export function heldWindow(evidence: Evidence): { from: number; to: number } | null {
  if (!evidence.held_since || !(evidence.held_seconds > 0)) return null;
  const from = seconds(evidence.held_since);
  return { from, to: from + evidence.held_seconds };
}

export function figureOf(alert: Alert, evidence: Evidence, unit: string | null): Figure {
  const threshold = thresholdOf(evidence);
  const window = heldWindow(evidence);
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
    shades: window ? [window] : [],
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
