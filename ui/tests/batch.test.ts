import "./page";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Batch } from "../src/live/batch";

/** When, in milliseconds since the start, a batch has drawn. */
function recorded(): { batch: Batch; drawn: number[] } {
  const began = performance.now();
  const drawn: number[] = [];
  return { batch: new Batch(() => drawn.push(performance.now() - began)), drawn };
}

describe("a batch of drawings", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("draws the first change at once and the rest together after the gap", () => {
    const { batch, drawn } = recorded();
    batch.mark();
    for (let step = 0; step < 5; step += 1) {
      vi.advanceTimersByTime(20);
      batch.mark();
    }
    vi.advanceTimersByTime(1000);
    expect(drawn).toEqual([0, 250]);
  });

  it("does not let what is urgent wait behind what is not", () => {
    const { batch, drawn } = recorded();
    batch.mark();
    vi.advanceTimersByTime(100);
    batch.mark({ urgent: true });
    vi.advanceTimersByTime(1000);
    expect(drawn).toEqual([0, 100]);
  });

  it("draws what waits when somebody is about to say that all is shown, and once", () => {
    const { batch, drawn } = recorded();
    batch.flush();
    batch.mark();
    vi.advanceTimersByTime(30);
    batch.mark();
    batch.flush();
    vi.advanceTimersByTime(1000);
    expect(drawn).toEqual([0, 30]);
  });

  it("draws no more than twenty times a second, however much is urgent", () => {
    const { batch, drawn } = recorded();
    for (let step = 0; step < 1000; step += 1) {
      batch.mark({ urgent: true });
      vi.advanceTimersByTime(1);
    }
    vi.advanceTimersByTime(1000);
    expect(drawn).toHaveLength(21);
    expect(drawn.at(-1)).toBeGreaterThanOrEqual(1000);
  });
});
