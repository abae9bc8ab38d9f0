/** What a chart shows, apart from how it is drawn. Times are seconds since 1970. */

export type FigurePoint = { t: number; v: number | null; low?: number | null; high?: number | null };
export type Figure = {
  points: FigurePoint[];
  band: boolean;
  /** `base` is where a change is measured from; null for a limit on the values themselves. */
  limit: { value: number; base: number | null; label: string; short: string } | null;
  /**
   * Spans of time laid under the line; a faint one is the span that was looked at, a full one the span that counted.
   */
  shades: { from: number; to: number; faint?: boolean }[];
  marks: { t: number; label: string; short: string }[];
};
export type Readout = { t: number; v: number | null };

/** Readings farther apart than three usual gaps are not joined: a line across silence would be a claim. */
export function breakGaps(points: FigurePoint[]): FigurePoint[] {
  if (points.length < 3) return points;
  const gaps = points
    .slice(1)
    .map((point, index) => point.t - (points[index] as FigurePoint).t)
    .sort((a, b) => a - b);
  const usual = gaps[Math.floor(gaps.length / 2)] ?? 0;
  const joined: FigurePoint[] = [];
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && usual > 0 && point.t - before.t > usual * 3 + 1) joined.push({ t: before.t + usual, v: null });
    joined.push(point);
  });
  return joined;
}

/** Half an hour: a chart of one reading, or of a few seconds, is no picture of anything. */
export const SPAN_SECONDS_MIN = 1800;

/** The stretch of time to draw: all points, and never less than half an hour, with the points in its later part. */
export function stretch(first: number, last: number): [number, number] {
  const lacking = SPAN_SECONDS_MIN - (last - first);
  return lacking > 0 ? [first - lacking * 0.75, last + lacking * 0.25] : [first, last];
}

/**
 * Which text each mark gets on one line above the plot: the fullest that fits beside those before it, the newest mark
 * first, for it tells how things stand; none where nothing fits. `width` measures a text.
 */
export function labelsOnLine(
  marks: readonly { x: number; texts: readonly string[] }[],
  left: number,
  right: number,
  gap: number,
  width: (text: string) => number,
): (Placed | null)[] {
  const taken: [number, number][] = [];
  const placed: (Placed | null)[] = marks.map(() => null);
  for (let index = marks.length - 1; index >= 0; index -= 1) {
    const mark = marks[index];
    if (!mark) continue;
    for (const text of mark.texts) {
      const w = width(text);
      const spot = [mark.x + gap, mark.x - gap - w].find(
        (from) => from >= left && from + w <= right && taken.every(([a, b]) => from > b + gap || from + w < a - gap),
      );
      if (spot === undefined) continue;
      taken.push([spot, spot + w]);
      placed[index] = { x: spot, text };
      break;
    }
  }
  return placed;
}

export type Placed = { x: number; text: string };
