import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { applyFilter, closedQuery, filterOf } from "../src/alerts/filter";
import { isOverdue, orderOf, peakOf, tellsNow, titleOf } from "../src/alerts/now";
import { Batch } from "../src/live/batch";
import { groupAlerts, GROUPS_MAX } from "../src/overview/groups";
import { placeLabels } from "../src/overview/placing";
import { anAlert } from "./samples";

const told = (value: number, position: number) => ({
  value,
  unit: "m",
  time: "2026-07-01T01:30:00Z",
  position,
  text: { vi: `${value} m`, en: `${value} m` },
});

describe("the list's filter", () => {
  it("is read from the address; what it does not know counts for nothing", () => {
    const filter = filterOf(new URLSearchParams("severity=high,loud&state=asleep&sort=newest&q=hoa&view=x"));
    expect(filter).toMatchObject({ view: "open", severities: ["high"], state: null, sort: "newest", question: "hoa" });
    expect(filterOf(new URLSearchParams("")).sort).toBe("attention");
  });

  it("keeps the order of attention, or has the newest first", () => {
    const list = [
      anAlert({ id: "old", opened_at: "2026-07-01T01:00:00Z" }),
      anAlert({ id: "low", severity: "low" }),
      anAlert({ id: "new", opened_at: "2026-07-01T02:00:00Z" }),
    ];
    const ids = (query: string): string[] =>
      applyFilter(list, filterOf(new URLSearchParams(query))).map((alert) => alert.id);
    expect(ids("severity=high")).toEqual(["old", "new"]);
    expect(ids("severity=high&sort=newest")).toEqual(["new", "old"]);
    expect(ids("q=ben ngoc&area=elsewhere")).toEqual([]);
  });

  it("asks for closed ones by local days, the last one whole", () => {
    const query = new URLSearchParams(closedQuery(filterOf(new URLSearchParams("from=2026-07-01&to=2026-07-01"))));
    expect([query.get("from"), query.get("to")]).toEqual(["2026-06-30T17:00:00.000Z", "2026-07-01T17:00:00.000Z"]);
  });
});

describe("an alert in words", () => {
  const firing = anAlert({ now: told(22.1, 7), peak: told(22.9, 5) });

  it("tells its present value while it is one, with the peak where that is another", () => {
    expect([tellsNow(firing), titleOf(firing)]).toEqual([true, "Lũ trên báo động II"]);
    expect(peakOf(firing, Date.parse("2026-07-01T05:00:00Z"))).toContain("22.9 m");
    expect(peakOf({ ...firing, peak: told(22.1, 7) }, 0)).toBe("");
    expect(tellsNow({ ...firing, condition: "cleared" })).toBe(false);
    expect(titleOf(anAlert())).toBe("Lũ trên báo động II · Bến Ngọc");
  });

  it("has the order at the end of its opening sentence", () => {
    const opening = { vi: "Lũ trên báo động II; sơ tán dân ven sông.", en: "" };
    expect(orderOf(anAlert({ opening }))).toBe("Sơ tán dân ven sông.");
    expect(orderOf(anAlert({ opening: { vi: "Lũ.", en: "Flood." } }))).toBe("");
  });

  it("is overdue after its time, not at it, and never without one", () => {
    const due = anAlert({ overdue_at: "2026-07-01T01:00:00Z" });
    const at = Date.parse("2026-07-01T01:00:00Z");
    expect([isOverdue(due, at), isOverdue(due, at + 1), isOverdue(anAlert(), at)]).toEqual([false, true, false]);
  });
});

describe("the map", () => {
  const flat = ([lon, lat]: [number, number]) => ({ x: lon * 100, y: lat * 100 });

  it("has one mark for alerts that lie together: the worst speaks", () => {
    const list = [
      anAlert({ id: "low", severity: "low", lon: 1, lat: 1 }),
      anAlert({ id: "critical", severity: "critical", state: "acknowledged", lon: 1.01, lat: 1 }),
      anAlert({ id: "far", lon: 3, lat: 3 }),
      anAlert({ id: "nowhere", lon: null, lat: null, area: null }),
    ];
    const groups = groupAlerts(list, flat, new Map(), 20);
    expect(groups.map((group) => [group.severity, group.alerts.map((alert) => alert.id), group.fresh])).toEqual([
      ["critical", ["critical", "low"], true],
      ["high", ["far"], true],
    ]);
  });

  it("draws no more marks than can be told apart", () => {
    const list = Array.from({ length: GROUPS_MAX + 5 }, (_, n) => anAlert({ id: `${n}`, lon: n, lat: 0 }));
    expect(groupAlerts(list, flat, new Map(), 20)).toHaveLength(GROUPS_MAX);
  });

  it("leaves out a label that fits nowhere, and covers nothing with the others", () => {
    const wanted = ["a", "b"].map((id) => ({ id, x: 50, y: 50, w: 60, h: 14, gap: 8, centred: false }));
    const placed = placeLabels(wanted, [], [], { w: 400, h: 120 });
    expect(placed.map((label) => label.id)).toEqual(["a", "b"]);
    const [a, b] = placed;
    expect(Math.abs((a?.y ?? 0) - (b?.y ?? 0)) >= 14 || Math.abs((a?.x ?? 0) - (b?.x ?? 0)) >= 60).toBe(true);
    expect(placeLabels(wanted, [], [], { w: 60, h: 20 })).toEqual([]);
  });
});

describe("drawing in batches", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("draws the first change at once and those that follow together", () => {
    const draw = vi.fn();
    const batch = new Batch(draw, 250);
    for (let n = 0; n < 100; n += 1) batch.mark();
    expect(draw).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(250);
    expect(draw).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(1_000);
    expect(draw).toHaveBeenCalledTimes(2);
  });

  it("draws nothing while a button of the pointer is held, for a second at most", () => {
    const draw = vi.fn();
    vi.advanceTimersByTime(5_000); // the desk's own clock does not begin now
    window.dispatchEvent(new Event("pointerdown"));
    const batch = new Batch(draw, 250);
    batch.mark();
    vi.advanceTimersByTime(500);
    expect(draw).not.toHaveBeenCalled();
    window.dispatchEvent(new Event("click"));
    vi.advanceTimersByTime(250);
    expect(draw).toHaveBeenCalledTimes(1);
  });
});
