import { describe, expect, it } from "vitest";
import { barOf, dayOf, DAY_MS, isShort, lanesOf, nameOf, partOf, weekStart } from "../src/roster/week";

/** Sunday 29 November 2026, 21:22 in Hòa Bình. */
const NOW = Date.parse("2026-11-29T14:22:00Z");

describe("a week of the roster", () => {
  it("begins at midnight of Monday by the city's clock", () => {
    expect(new Date(weekStart(NOW)).toISOString()).toBe("2026-11-22T17:00:00.000Z");
    expect(new Date(weekStart(NOW, 1)).toISOString()).toBe("2026-11-29T17:00:00.000Z");
    // Already Monday in the city, still Sunday in Greenwich.
    expect(new Date(weekStart(Date.parse("2026-11-29T18:00:00Z"))).toISOString()).toBe("2026-11-29T17:00:00.000Z");
    expect([dayOf(NOW), nameOf(NOW)]).toEqual(["2026-11-29", "sun"]);
  });

  it("cuts a bar at its edges and leaves out what lies beyond", () => {
    const start = weekStart(NOW);
    const at = (hours: number): string => new Date(start + hours * 3_600_000).toISOString();
    expect(barOf(at(-6), at(6), start)).toEqual({ left: 0, width: (6 / 168) * 100 });
    expect(barOf(at(162), at(174), start)).toEqual({ left: (162 / 168) * 100, width: (6 / 168) * 100 });
    expect(barOf(at(-6), at(0), start)).toBeNull();
    expect(barOf(at(168), at(180), start)).toBeNull();
  });

  it("gives shifts at one time a lane each, and one lane to those that follow", () => {
    const shift = (from: number, to: number): { starts_at: string; ends_at: string } => ({
      starts_at: new Date(NOW + from * DAY_MS).toISOString(),
      ends_at: new Date(NOW + to * DAY_MS).toISOString(),
    });
    expect(lanesOf([shift(1, 2), shift(0, 1)])).toHaveLength(1);
    expect(lanesOf([shift(0, 2), shift(1, 3)])).toHaveLength(2);
  });

  it("tells a gap by the part of the day in which it begins", () => {
    expect(partOf("2026-11-28T13:00:00Z")).toBe("night");
    expect(partOf("2026-11-28T19:30:00Z")).toBe("early");
    expect(partOf("2026-11-28T01:00:00Z")).toBe("morning");
    expect(partOf("2026-11-28T06:00:00Z")).toBe("afternoon");
    expect(isShort("2026-11-28T13:00:00Z", "2026-11-28T23:00:00Z")).toBe(true);
    expect(isShort("2026-11-28T13:00:00Z", "2026-11-30T23:00:00Z")).toBe(false);
  });
});
