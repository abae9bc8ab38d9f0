/**
 * Where a message may lie: over no button and no field. From the foot of the screen upwards, in the middle if it can
 * be.
 */

const CONTROLS = "button, input, select, textarea, summary, [role=button], a.button, [role=tab]";
const EDGE = 12;
const STEP = 20;

export type Spot = { left: number; top: number };

function taken(own: HTMLElement): DOMRect[] {
  return [...document.querySelectorAll<HTMLElement>(CONTROLS)]
    .filter((control) => !own.contains(control))
    .map((control) => control.getBoundingClientRect())
    .filter((rect) => rect.width > 0 && rect.height > 0 && rect.bottom > 0 && rect.top < innerHeight);
}

function overlaps(spot: Spot, width: number, height: number, rects: readonly DOMRect[]): number {
  const gap = 4;
  return rects.filter(
    (rect) =>
      spot.left < rect.right + gap &&
      spot.left + width > rect.left - gap &&
      spot.top < rect.bottom + gap &&
      spot.top + height > rect.top - gap,
  ).length;
}

/**
 * The spot for `own`: the one it has while that is clear, else the lowest clear one, else the one that covers least.
 */
export function clearSpot(own: HTMLElement, present: Spot | null): Spot {
  const { width, height } = own.getBoundingClientRect();
  const rects = taken(own);
  if (
    present &&
    present.top + height <= innerHeight &&
    present.left + width <= innerWidth &&
    overlaps(present, width, height, rects) === 0
  )
    return present;
  const lefts = [(innerWidth - width) / 2, EDGE, innerWidth - width - EDGE];
  let best: Spot = { left: Math.max(0, lefts[0] ?? 0), top: Math.max(0, innerHeight - height - EDGE) };
  let least = Number.POSITIVE_INFINITY;
  for (let top = innerHeight - height - EDGE; top >= EDGE && least > 0; top -= STEP) {
    for (const left of lefts) {
      const count = overlaps({ left, top }, width, height, rects);
      if (count < least) {
        least = count;
        best = { left: Math.max(0, left), top };
      }
    }
  }
  return best;
}
