/** From the evidence of an alert to the figure that shows it: readings, limit, held window, the moments it moved. */
import type { Alert, Evidence } from "../api/types";
import { breakGaps, type Figure } from "../charts/figure";
import { measure } from "../format/number";
import { time } from "../format/time";
import { t, word } from "../i18n/index.svelte";

const seconds = (moment: string): number => Date.parse(moment) / 1000;

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
  if (details?.kind === "absence")
    return { from: seconds(details.last_heard), to: seconds(details.last_heard) + details.absent_seconds };
  return null;
}

/**
 * Whether readings themselves tell why: not where the rule looked at places, at other alerts or at an order of things.
 */
export function charted(evidence: Evidence): boolean {
  return (
    evidence.series.length > 0 &&
    !["near", "zone", "correlate", "sequence", "order"].includes(evidence.details?.kind ?? "")
  );
}

export function figureOf(alert: Alert, evidence: Evidence, unit: string | null): Figure {
  const drawn = evidence.details?.kind === "absence" ? null : evidence.chart_limit;
  const window = evidence.details?.kind === "absence" ? null : heldWindow(evidence);
  const looked = lookedAt(evidence);
  const source = evidence.limit?.source ? ` · ${shorten(evidence.limit.source)}` : "";
  const unverified =
    evidence.limit && !evidence.limit.verified && !/chưa kiểm chứng/i.test(source)
      ? ` · ${t("evidence.unverified")}`
      : "";
  const words = drawn ? limitWords(drawn, unit) : "";
  const marks = evidence.transitions
    .filter((step) => step.kind !== "cleared" || alert.condition === "cleared")
    .slice(-3)
    .map((step) => ({
      t: seconds(step.at),
      label: `${word("step", step.kind)} ${time(step.at)}`,
      short: time(step.at),
    }));
  return {
    points: breakGaps(evidence.series.map((point) => ({ t: seconds(point.t), v: point.v }))),
    band: false,
    limit: drawn
      ? {
          value: drawn.value,
          base: drawn.base,
          label: `${words}${source}${unverified}`,
          short: `${words}${unverified}`,
        }
      : null,
    shades: [
      ...(looked ? [{ ...looked, faint: evidence.details?.kind === "window" }] : []),
      ...(window ? [window] : []),
    ],
    marks,
  };
}

function shorten(source: string): string {
  const head = source.split(/[:;(]/)[0]?.trim() ?? source;
  return head.length > 46 ? `${head.slice(0, 45)}…` : head;
}

/** A limit on a rise or a change is told as what it is: so much from where it began. */
function limitWords(drawn: NonNullable<Evidence["chart_limit"]>, unit: string | null): string {
  if (drawn.base === null) return `${t("evidence.limit")} ${measure(drawn.value, unit)}`;
  const by = drawn.value - drawn.base;
  return t(by >= 0 ? "evidence.limitAbove" : "evidence.limitBelow", {
    by: measure(Math.abs(by), unit),
    base: measure(drawn.base, unit),
  });
}
