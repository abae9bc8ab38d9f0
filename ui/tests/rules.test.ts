import { describe, expect, it } from "vitest";
import type { Backtest, BacktestAlert, BacktestSide } from "../src/api/types";
import { diffLines, unifiedLines } from "../src/rules/diff";
import { buckets, fromField, stretchOf, together, toField } from "../src/rules/trial";

const kinds = (before: string, after: string): string[] =>
  diffLines(before, after).map((line) => `${line.kind} ${line.text}`);

describe("the difference of two texts", () => {
  it("is none where they are the same", () => {
    expect(kinds("a\nb\n", "a\nb\n")).toEqual(["cut ⋯"]);
  });

  it("keeps what stayed and marks what went and what came, with the lines' numbers", () => {
    expect(kinds("id: a\nlimit: 5\nend", "id: a\nlimit: 6\nmore: 1\nend")).toEqual([
      "same id: a",
      "gone limit: 5",
      "new limit: 6",
      "new more: 1",
      "same end",
    ]);
    expect(diffLines("a\nb", "b")[0]).toEqual({ kind: "gone", text: "a", before: 1, after: null });
  });

  it("folds long stretches without a change", () => {
    const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`);
    const shown = kinds(lines.join("\n"), lines.with(10, "other").join("\n"));
    expect(shown.filter((line) => line === "cut ⋯")).toHaveLength(2);
    expect(shown).toHaveLength(2 + 3 + 2 + 3);
  });

  it("of the server is read from its unified form", () => {
    const text = "--- a\n+++ b\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n";
    expect(unifiedLines(text).map((line) => line.kind)).toEqual(["cut", "same", "gone", "new"]);
  });
});

describe("a time as the desk writes it", () => {
  it("is Việt Nam's, with an hour or without", () => {
    expect(fromField("23/11/2026 00:30")).toBe("2026-11-22T17:30:00.000Z");
    expect(fromField(" 1/2/2026 ")).toBe("2026-01-31T17:00:00.000Z");
    expect(toField(Date.parse("2026-11-22T17:30:00Z"))).toBe("23/11/2026 00:30");
  });

  it.each(["", "31/02/2026", "2026-11-23", "23/11/2026 24:00", "23/11/2026 9", "23/13/2026"])("is none: %s", (text) => {
    expect(fromField(text)).toBeNull();
  });
});

const opened = (key: string, at: string): BacktestAlert => ({ key, opened_at: at }) as BacktestAlert;
const side = (alerts: BacktestAlert[], days: BacktestSide["days"] = []): BacktestSide =>
  ({ alerts, days, severities: {} }) as unknown as BacktestSide;

describe("a trial on past data", () => {
  it("tells an alert of both sides once, newest first", () => {
    const result = {
      candidate: side([opened("a", "2026-01-01"), opened("b", "2026-01-03")]),
      present: side([opened("a", "2026-01-01"), opened("c", "2026-01-02")]),
    } as unknown as NonNullable<Backtest["result"]>;
    expect(together(result).map((one) => `${one.alert.key} ${one.of}`)).toEqual(["b candidate", "c present", "a both"]);
  });

  it("has bars for days in which nothing happened, by local day, and coarser ones for longer ranges", () => {
    const trial = { from: "2026-01-01T17:00:00Z", to: "2026-01-04T17:00:00Z" } as Backtest;
    const days = [{ day: "2026-01-03", opened: 2, firing_seconds: 5_400 }];
    const shown = buckets(trial, [side([], days)]);
    expect(shown.map((bar) => `${bar.label} ${bar.opened[0]} ${bar.hours[0]}`)).toEqual([
      "02/01 0 0",
      "03/01 2 1.5",
      "04/01 0 0",
    ]);
    const until = (to: string): string => stretchOf({ ...trial, to });
    expect([until("2026-02-01T00:00:00Z"), until("2027-01-01T00:00:00Z"), until("2036-01-01T00:00:00Z")]).toEqual([
      "day",
      "month",
      "year",
    ]);
  });
});
