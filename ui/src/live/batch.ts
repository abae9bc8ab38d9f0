/**
 * Drawing in batches: the first change is drawn at once, those that follow within the gap are drawn together.
 * A flood of a thousand changes a minute so costs four drawings a second, and a single alert still shows immediately.
 */
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
    this.#draw();
    this.#timer = setTimeout(() => this.#rest(), this.#gap);
  }

  #rest(): void {
    this.#timer = null;
    if (!this.#dirty) return;
    this.#dirty = false;
    this.mark();
  }
}
