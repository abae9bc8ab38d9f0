/**
 * Drawing in batches: the first change is drawn at once, those that follow within the gap are drawn together.
 * A flood of a thousand changes a minute so costs four drawings a second, and a single alert still shows immediately.
 * While a button of the pointer is held nothing is drawn, so that no row moves from under a click.
 */
let pressedAt = 0;
const PRESS_MILLISECONDS_MAX = 1000;
window.addEventListener("pointerdown", () => (pressedAt = performance.now()), true);
for (const end of ["click", "pointercancel", "dragend"] as const) window.addEventListener(end, () => (pressedAt = 0));

function held(): boolean {
  return pressedAt > 0 && performance.now() - pressedAt < PRESS_MILLISECONDS_MAX;
}

export class Batch {
  #draw: () => void;
  #gap: number;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #dirty = false;

  constructor(draw: () => void, gapMilliseconds = 250) {
    this.#draw = draw;
    this.#gap = gapMilliseconds;
  }

  mark(): void {
    if (this.#timer !== null) {
      this.#dirty = true;
      return;
    }
    if (held()) this.#dirty = true;
    else this.#draw();
    this.#timer = setTimeout(() => this.#rest(), this.#gap);
  }

  #rest(): void {
    this.#timer = null;
    if (!this.#dirty) return;
    this.#dirty = false;
    this.mark();
  }
}
