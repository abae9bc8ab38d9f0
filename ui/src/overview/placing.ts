/**
 * Where labels go on the map: pure geometry. Alerts first, worst first; a label that fits nowhere is left out, its mark
 * stays.
 */

export type Box = { x: number; y: number; w: number; h: number };
export type Wanted = { id: string; x: number; y: number; w: number; h: number; gap: number; centred: boolean };
export type Placed = { id: string; x: number; y: number };

const DOT_COST = 1;

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

function candidates(label: Wanted): Box[] {
  const { x, y, w, h, gap } = label;
  const middle = y - h / 2;
  const box = (left: number, top: number): Box => ({ x: left, y: top, w, h });
  if (label.centred)
    return [
      box(x - w / 2, middle),
      box(x - w / 2, y - h - 14),
      box(x - w / 2, y + 14),
      box(x + 12, middle),
      box(x - w - 12, middle),
      box(x - w / 2, y - h - 34),
      box(x - w / 2, y + 34),
    ];
  return [
    box(x + gap, middle),
    box(x - gap - w, middle),
    box(x - w / 2, y - gap - h),
    box(x - w / 2, y + gap),
    box(x + gap * 0.7, y - gap - h * 0.7),
    box(x + gap * 0.7, y + gap - h * 0.3),
    box(x - gap * 0.7 - w, y - gap - h * 0.7),
    box(x - gap * 0.7 - w, y + gap - h * 0.3),
  ];
}

/** `taken` are boxes that nothing may cover (marks); `dots` are points better left visible. */
export function placeLabels(
  wanted: readonly Wanted[],
  taken: readonly Box[],
  dots: readonly { x: number; y: number }[],
  size: { w: number; h: number },
): Placed[] {
  const frame: Box[] = [...taken];
  const placed: Placed[] = [];
  for (const label of wanted) {
    let best: Box | null = null;
    let bestCost = Number.POSITIVE_INFINITY;
    for (const [order, box] of candidates(label).entries()) {
      if (box.x < 4 || box.y < 4 || box.x + box.w > size.w - 4 || box.y + box.h > size.h - 4) continue;
      if (frame.some((other) => overlaps(box, other))) continue;
      let cost = order * 0.6;
      for (const dot of dots)
        if (dot.x > box.x - 2 && dot.x < box.x + box.w + 2 && dot.y > box.y - 2 && dot.y < box.y + box.h + 2)
          cost += DOT_COST;
      if (cost < bestCost) {
        best = box;
        bestCost = cost;
      }
    }
    if (best === null) continue;
    frame.push(best);
    placed.push({ id: label.id, x: best.x, y: best.y });
  }
  return placed;
}

const measured = new Map<string, number>();
let canvas: CanvasRenderingContext2D | null = null;

/** Width in CSS pixels of a text in the given font; remembered, bounded. */
export function textWidth(text: string, font: string): number {
  const key = `${font}|${text}`;
  const known = measured.get(key);
  if (known !== undefined) return known;
  canvas ??= document.createElement("canvas").getContext("2d");
  if (!canvas) return text.length * 8;
  canvas.font = font;
  const width = canvas.measureText(text).width;
  if (measured.size > 3000) measured.clear();
  measured.set(key, width);
  return width;
}
