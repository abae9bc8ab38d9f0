/** What a chart shows, apart from how it is drawn. Times are seconds since 1970. */

export type FigurePoint = { t: number; v: number | null; low?: number | null; high?: number | null };
export type Figure = {
  points: FigurePoint[];
  band: boolean;
  limit: { value: number; label: string; short: string } | null;
  /** Spans of time laid under the line; a faint one is the span that was looked at, a full one the span that counted. */
  shades: { from: number; to: number; faint?: boolean }[];
  marks: { t: number; label: string }[];
};
export type Readout = { t: number; v: number | null };

/** Readings farther apart than three usual gaps are not joined: a line across silence would be a claim. */
export function breakGaps(points: FigurePoint[]): FigurePoint[] {
  if (points.length < 3) return points;
  const gaps = points.slice(1).map((point, index) => point.t - (points[index] as FigurePoint).t).sort((a, b) => a - b);
  const usual = gaps[Math.floor(gaps.length / 2)] ?? 0;
  const joined: FigurePoint[] = [];
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && usual > 0 && point.t - before.t > usual * 3 + 1) joined.push({ t: before.t + usual, v: null });
    joined.push(point);
  });
  return joined;
}
