import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../src/api/client";
import type { Outcome } from "../src/live/change";
import { toasts } from "../src/live/toasts.svelte";
import { showDone, undo, type WayBack } from "../src/live/undo";

const refused: Outcome<string> = { refused: "không có quyền", problem: new Problem(403, {}) };
const way = (...outcomes: Outcome<string>[]): WayBack<string> => ({
  back: () => Promise.resolve(outcomes),
  lost: (current) => `nay là ${current}`,
  many: (missed) => `${missed} không hoàn tác được`,
});
const shown = (): [string, string][] => toasts.list.map((toast) => [toast.text, toast.tone]);

beforeEach(() => {
  vi.useFakeTimers();
  for (const toast of toasts.list) toasts.drop(toast.id);
});

describe("the message that something is done", () => {
  it("has the way back for ten seconds, and goes after six where there is none", () => {
    showDone("Đã nhận", way());
    showDone("Đã gọi", null);
    expect(toasts.list.map((toast) => toast.undo !== undefined)).toEqual([true, false]);
    vi.advanceTimersByTime(6_000);
    expect(shown()).toEqual([["Đã nhận", "plain"]]);
    vi.advanceTimersByTime(4_000);
    expect(shown()).toEqual([]);
  });

  it.each([
    ["went", way({ done: "a" }), "Đã hoàn tác", "plain"],
    ["met a change of somebody else, says how things are now", way({ lost: "b" }), "nay là b", "fault"],
    ["was refused, says why", way(refused), "không có quyền", "fault"],
    [
      "was for many, counts those that were left",
      way({ done: "a" }, { lost: "b" }, refused),
      "2 không hoàn tác được",
      "fault",
    ],
    ["was for many and went", way({ done: "a" }, { done: "b" }), "Đã hoàn tác", "plain"],
  ])("whose way back %s", async (_, given, text, tone) => {
    await undo(given);
    expect(shown()).toEqual([[text, tone]]);
  });

  it("shows four at once, the newest last", () => {
    for (const n of [1, 2, 3, 4, 5]) showDone(`${n}`, null);
    expect(shown().map(([text]) => text)).toEqual(["2", "3", "4", "5"]);
  });
});
