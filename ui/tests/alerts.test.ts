import { describe, expect, it } from "vitest";
import type { MeasuredValue } from "../src/api/types";
import { alerts, byAttention, countBySeverity, older, worst } from "../src/live/alerts.svelte";
import { anAlert } from "./samples";

const reading = (position: number): MeasuredValue => ({
  value: position,
  unit: "m",
  time: "2026-07-01T00:00:00Z",
  position,
  text: { vi: `${position} m`, en: `${position} m` },
});

describe("the order of attention", () => {
  it("is severity, then what nobody has, then what waits longest; false alarms last", () => {
    const list = [
      anAlert({ id: "false", severity: "critical", state: "false_alarm" }),
      anAlert({ id: "low", severity: "low" }),
      anAlert({ id: "high-young", opened_at: "2026-07-01T03:00:00Z" }),
      anAlert({ id: "high-taken", state: "acknowledged", opened_at: "2026-07-01T01:00:00Z" }),
      anAlert({ id: "high-old", opened_at: "2026-07-01T02:00:00Z" }),
      anAlert({ id: "critical-taken", severity: "critical", state: "acknowledged" }),
    ];
    const order = ["critical-taken", "high-old", "high-young", "high-taken", "low", "false"];
    expect(list.sort(byAttention).map((alert) => alert.id)).toEqual(order);
    expect(
      list
        .reverse()
        .sort(byAttention)
        .map((alert) => alert.id),
    ).toEqual(order);
  });

  it("does not move with a reading", () => {
    const [a, b] = [anAlert({ id: "a" }), anAlert({ id: "b" })];
    expect(byAttention({ ...a, now: reading(9) }, b)).toBe(byAttention(a, { ...b, now: reading(9) }));
  });
});

describe("what the stream and the lists say", () => {
  it("is old news once its version, its condition or its reading lies behind what is known", () => {
    const known = anAlert({ version: 3, changed_at: "2026-07-01T02:00:00Z", now: reading(7) });
    expect(older({ ...known, version: 2 }, known)).toBe(true);
    expect(older({ ...known, changed_at: "2026-07-01T01:00:00Z" }, known)).toBe(true);
    expect(older({ ...known, now: reading(6) }, known)).toBe(true);
    expect(older({ ...known, version: 4, now: null }, known)).toBe(false);
    expect(older(known, known)).toBe(false);
  });

  it("is merged by id: a late snapshot changes nothing, a newer one is told to whoever listens", () => {
    const told: [number, number | undefined][] = [];
    const forget = alerts.listen((alert, before) => told.push([alert.version, before?.version]));
    const first = anAlert({ id: "merged", version: 2 });
    alerts.hear(first);
    alerts.hear({ ...first, version: 1, severity: "low" });
    alerts.hear({ ...first, version: 3, severity: "critical" });
    forget();
    alerts.hear({ ...first, version: 4 });
    expect(told).toEqual([
      [2, undefined],
      [3, 2],
    ]);
    expect(alerts.get("merged")?.version).toBe(4);
  });

  it("does not open again what was closed, unless it was opened later", () => {
    const open = anAlert({ id: "closed", changed_at: "2026-07-01T01:00:00Z" });
    const over = { ...open, condition: "cleared" as const, state: "resolved" as const, version: 2 };
    alerts.hear(open);
    alerts.hear({ ...over, changed_at: "2026-07-01T02:00:00Z" });
    expect(alerts.get("closed")).toBeUndefined();
    alerts.hear(open);
    expect(alerts.get("closed")).toBeUndefined();
    alerts.hear({ ...open, version: 3, changed_at: "2026-07-01T03:00:00Z" });
    expect(alerts.get("closed")?.version).toBe(3);
  });
});

describe("counting", () => {
  const list = [
    anAlert({ severity: "high" }),
    anAlert({ severity: "low" }),
    anAlert({ severity: "critical", state: "false_alarm" }),
  ];

  it("gives a false alarm no colour, but leaves it in the total", () => {
    expect(countBySeverity(list)).toEqual({ critical: 0, high: 1, medium: 0, low: 1, info: 0, total: 3 });
    expect(worst(list)).toBe("high");
    expect(worst([])).toBeNull();
  });
});
