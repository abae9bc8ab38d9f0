import { describe, expect, it } from "vitest";
import type { CellFault, ImportPreview, Standing } from "../src/api/types";
import { faultsByCell, growth, periodWords, shownRows, signed } from "../src/indicators/sheets";

const standing: Standing = {
  period: "2026-10",
  plan: null,
  actual: null,
  achievement_pct: null,
  met: null,
  cumulative_plan: null,
  cumulative_actual: null,
  year_plan: null,
  year_pct: null,
  due_pct: null,
  last_year: null,
  yoy_change: null,
  yoy_pct: null,
  due_on: "2026-11-10",
  late: false,
};
const fault = (row: number, column: string, code: string): CellFault => ({
  cell: `C${String(row)}`,
  row,
  column,
  code,
  message: { vi: "x", en: "x" },
});

describe("indicators", () => {
  it("says periods as people do", () => {
    expect(periodWords("2026-03")).toEqual({ key: "period.month", number: "3", year: "2026" });
    expect(periodWords("2026-Q4")).toEqual({ key: "period.quarter", number: "4", year: "2026" });
    expect(periodWords("2026")).toEqual({ key: "period.year", number: "", year: "2026" });
  });

  it("tells growth in per cent, of percentages in points, and of nothing nothing", () => {
    expect(growth(standing)).toBeNull();
    expect(growth({ ...standing, yoy_change: 2, yoy_pct: 25 })).toEqual({ value: 25, points: false });
    expect(growth({ ...standing, yoy_change: -0.5 })).toEqual({ value: -0.5, points: true });
    expect([signed(8.4, 1), signed(-2.1, 1), signed(0, 1)]).toEqual(["+8,4", "−2,1", "0"]);
  });

  it("puts each fault beside its cell, and rows with faults first", () => {
    const found = faultsByCell([fault(17, "plan", "a"), fault(17, "plan", "b"), fault(18, "actual", "c")]);
    expect(found.get("17 plan")?.map((each) => each.code)).toEqual(["a", "b"]);
    const rows = [true, true, false].map((ok, index) => ({
      row: index + 2,
      cells: {},
      indicator: null,
      period: null,
      plan_before: null,
      actual_before: null,
      ok,
    }));
    const preview: ImportPreview = {
      rows: 3,
      valid_rows: 2,
      fault_count: 1,
      faults: [],
      unread_columns: [],
      columns: [],
      items: rows,
    };
    expect(shownRows(preview, 2).map((row) => row.row)).toEqual([4, 2]);
  });
});
