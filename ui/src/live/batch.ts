/**
 * Drawing in batches: the first change is drawn at once, those that follow within the gap are drawn together.
 * A flood of a thousand changes a minute so costs four drawings a second. What is urgent does not wait behind what is
 * not: it is drawn at once too, but not sooner than URGENT_GAP_MILLISECONDS after the drawing before.
 * While a button of the pointer is held nothing is drawn, so that no row moves from under a click.
 */
let pressedAt = 0;
const PRESS_MILLISECONDS_MAX = 1000;
const URGENT_GAP_MILLISECONDS = 50;
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
  #drawnAt = -Infinity;

  constructor(draw: () => void, gapMilliseconds = 250) {
    this.#draw = draw;
    this.#gap = gapMilliseconds;
  }

  mark({ urgent = false } = {}): void {
    if (this.#timer !== null) {
      this.#dirty = true;
      if (urgent) this.#wait(Math.max(0, this.#drawnAt + URGENT_GAP_MILLISECONDS - performance.now()));
      return;
    }
    if (held()) this.#dirty = true;
    else {
      this.#drawnAt = performance.now();
      this.#draw();
    }
    this.#wait(this.#gap);
  }

  /** Draw what waits now: somebody is about to say that all of it is shown. */
  flush(): void {
    if (!this.#dirty) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#rest();
  }

  #wait(milliseconds: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rest(), milliseconds);
  }

  #rest(): void {
    this.#timer = null;
    if (!this.#dirty) return;
    this.#dirty = false;
    this.mark();
  }
}
