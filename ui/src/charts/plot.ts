/**
 * uPlot with what evidence needs: a limit line with its words, shaded windows, dated marks. Loaded when first drawn.
 */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { number } from "../format/number";
import { date, time, timeSeconds } from "../format/time";
import { labelsOnLine, stretch, type Figure, type Readout } from "./figure";

type Inks = { line: string; grid: string; text: string; faint: string; ground: string; state: string };

function inks(box: HTMLElement): Inks {
  const style = getComputedStyle(box);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    line: read("--chart-line"),
    grid: read("--chart-grid"),
    text: read("--text"),
    faint: read("--text-3"),
    ground: read("--surface"),
    state: read("--state") || read("--text-2"),
  };
}

function tickText(split: number): string {
  if (split % 60 !== 0) return timeSeconds(split * 1000);
  const text = time(split * 1000);
  return text === "00:00" ? date(split * 1000).slice(0, 5) : text;
}

export class Plot {
  #plot: uPlot;
  #figure: Figure;
  #inks: Inks;
  #rem: number;
  #box: HTMLElement;

  constructor(box: HTMLElement, figure: Figure, read: (readout: Readout | null) => void) {
    this.#box = box;
    this.#figure = figure;
    this.#inks = inks(box);
    this.#rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.#plot = new uPlot(this.#options(box, read), this.#data(), box);
  }

  update(figure: Figure): void {
    this.#figure = figure;
    this.#plot.setData(this.#data());
  }

  resize(width: number, height: number): void {
    if (width > 0 && height > 0) this.#plot.setSize({ width, height });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #data(): uPlot.AlignedData {
    const points = this.#figure.points;
    const columns: (number | null)[][] = [points.map((point) => point.t), points.map((point) => point.v)];
    if (this.#figure.band)
      columns.push(
        points.map((point) => point.high ?? null),
        points.map((point) => point.low ?? null),
      );
    return columns as unknown as uPlot.AlignedData;
  }

  #range(low: number, high: number): [number, number] {
    const limit = this.#figure.limit;
    let [bottom, top] = [low, high];
    if (!Number.isFinite(bottom) || !Number.isFinite(top)) [bottom, top] = [0, 1];
    for (const value of limit ? [limit.value, limit.base ?? limit.value] : [])
      [bottom, top] = [Math.min(bottom, value), Math.max(top, value)];
    const room = (top - bottom || Math.abs(top) || 1) * 0.12;
    return [bottom >= 0 && bottom - room < 0 ? 0 : bottom - room, top + room * 1.4];
  }

  #options(box: HTMLElement, read: (readout: Readout | null) => void): uPlot.Options {
    const ink = this.#inks;
    const font = `400 ${0.7 * this.#rem}px "Be Vietnam Pro"`;
    const axis = { stroke: ink.faint, font, ticks: { show: false }, grid: { stroke: ink.grid, width: 1 } };
    const band: uPlot.Series = { stroke: "transparent", points: { show: false } };
    return {
      width: Math.max(box.clientWidth, 50),
      height: Math.max(box.clientHeight, 50),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, fill: ink.ground } },
      padding: [this.#rem * 1.1, this.#rem * 0.5, 0, 0],
      scales: {
        x: {
          time: true,
          range: (_plot, first, last) =>
            Number.isFinite(first) && Number.isFinite(last) ? stretch(first, last) : [first, last],
        },
        y: { range: (_plot, low, high) => this.#range(low, high) },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: this.#rem * 1.6,
          space: this.#rem * 4,
          values: (_plot, splits) => splits.map(tickText),
        },
        {
          ...axis,
          size: this.#rem * 3.1,
          space: this.#rem * 2,
          values: (_plot, splits) => splits.map((split) => number(split, 2)),
        },
      ],
      series: [
        {},
        {
          stroke: ink.line,
          width: 1.8,
          spanGaps: false,
          points: { show: this.#figure.points.length < 60, size: 4, fill: ink.line, stroke: ink.line },
        },
        ...(this.#figure.band ? [band, band] : []),
      ],
      bands: this.#figure.band ? [{ series: [2, 3], fill: `color-mix(in srgb, ${ink.faint} 22%, transparent)` }] : [],
      hooks: {
        drawClear: [(plot) => this.#shades(plot)],
        draw: [(plot) => this.#lines(plot)],
        setCursor: [(plot) => read(this.#readout(plot))],
      },
    };
  }

  #readout(plot: uPlot): Readout | null {
    const index = plot.cursor.idx;
    const point = index === null || index === undefined ? undefined : this.#figure.points[index];
    return point && (plot.cursor.left ?? -1) >= 0 ? { t: point.t, v: point.v } : null;
  }

  /** Left edge and width in canvas pixels of a span of time, clipped to the plot. */
  #extent(plot: uPlot, from: number, to: number): [number, number] {
    const { left, width } = plot.bbox;
    const a = Math.max(left, Math.min(left + width, plot.valToPos(from, "x", true)));
    const b = Math.max(left, Math.min(left + width, plot.valToPos(to, "x", true)));
    return [a, b - a];
  }

  #shades(plot: uPlot): void {
    const { ctx, bbox } = plot;
    ctx.save();
    for (const shade of this.#figure.shades) {
      const [left, width] = this.#extent(plot, shade.from, shade.to);
      ctx.globalAlpha = shade.faint ? 0.14 : 0.16;
      ctx.fillStyle = shade.faint ? this.#inks.faint : this.#inks.state;
      ctx.fillRect(left, bbox.top, Math.max(width, 2), bbox.height);
    }
    ctx.restore();
  }

  #lines(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${0.7 * this.#rem * scale}px "Be Vietnam Pro"`;
    ctx.textBaseline = "alphabetic";
    ctx.lineWidth = 1.5 * scale;
    const { limit } = this.#figure;
    const marks = this.#figure.marks
      .map((mark) => ({ ...mark, x: Math.round(plot.valToPos(mark.t, "x", true)) }))
      .filter((mark) => mark.x >= bbox.left - 1 && mark.x <= bbox.left + bbox.width + 1);
    if (limit) {
      if (limit.base !== null) this.#level(plot, limit.base, [2 * scale, 3 * scale]);
      const y = this.#level(plot, limit.value, [6 * scale, 4 * scale]);
      this.#limitWords(
        plot,
        limit,
        y,
        marks.map((mark) => mark.x),
      );
    }
    for (const mark of marks) {
      ctx.strokeStyle = this.#inks.state;
      ctx.beginPath();
      ctx.moveTo(mark.x, bbox.top);
      ctx.lineTo(mark.x, bbox.top + bbox.height);
      ctx.stroke();
      const value = this.#valueAt(mark.t);
      if (value === null) continue;
      ctx.fillStyle = this.#inks.state;
      ctx.beginPath();
      ctx.arc(mark.x, plot.valToPos(value, "y", true), 4.5 * scale, 0, Math.PI * 2);
      ctx.fill();
    }
    const texts = marks.map((mark) => ({ x: mark.x, texts: [mark.label, mark.short] }));
    const labels = labelsOnLine(texts, 0, bbox.left + bbox.width, 5 * scale, (text) => ctx.measureText(text).width);
    for (const label of labels) if (label) this.#words(ctx, label.text, label.x, bbox.top - 4 * scale);
    this.#tell(plot, labels);
    ctx.restore();
  }

  /** The limit's words, the longest that no mark's line crosses; where every one is crossed, the shortest. */
  #limitWords(plot: uPlot, limit: NonNullable<Figure["limit"]>, y: number, marks: readonly number[]): void {
    const { ctx, bbox } = plot;
    const gap = 6 * devicePixelRatio;
    const right = bbox.left + bbox.width;
    const edges = [bbox.left, ...marks.filter((x) => x > bbox.left && x < right).sort((a, b) => a - b), right];
    const rooms = edges
      .slice(1)
      .map((edge, index) => ({ from: edges[index] as number, width: edge - (edges[index] as number) - 2 * gap }));
    const widest = rooms.reduce((best, room) => (room.width > best.width ? room : best));
    const label = [limit.label, limit.short].find((text) => ctx.measureText(text).width <= widest.width);
    if (label) this.#words(ctx, label, widest.from + gap, y - 5 * devicePixelRatio);
    else this.#words(ctx, limit.short, bbox.left + gap, y - 5 * devicePixelRatio);
  }

  /**
   * What was drawn, for whoever checks it: the stretch of time, the limit's place, and each label's left and right
   * edge.
   */
  #tell(plot: uPlot, labels: readonly ({ x: number; text: string } | null)[]): void {
    const { limit } = this.#figure;
    const drawn = {
      from: plot.scales.x?.min,
      to: plot.scales.x?.max,
      limit: limit?.value ?? null,
      base: limit?.base ?? null,
      labels: labels
        .filter((label) => label !== null)
        .map((label) => ({ text: label.text, left: label.x, right: label.x + plot.ctx.measureText(label.text).width })),
    };
    this.#box.dataset.drawn = JSON.stringify(drawn);
  }

  /** A dashed line across the plot at a value; returns its height. */
  #level(plot: uPlot, value: number, dash: number[]): number {
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(value, "y", true));
    ctx.strokeStyle = this.#inks.state;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
    return y;
  }

  #words(ctx: CanvasRenderingContext2D, text: string, x: number, y: number): void {
    ctx.textAlign = "left";
    ctx.lineJoin = "round";
    ctx.save();
    ctx.strokeStyle = this.#inks.ground;
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.strokeText(text, x, y);
    ctx.restore();
    ctx.fillStyle = this.#inks.state;
    ctx.fillText(text, x, y);
  }

  #valueAt(moment: number): number | null {
    let found: number | null = null;
    for (const point of this.#figure.points) {
      if (point.t > moment + 1) break;
      if (point.v !== null) found = point.v;
    }
    return found;
  }
}
