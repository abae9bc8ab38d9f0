/** Limits as the page shows them. */
import { describe, expect, it } from "vitest";
import type { DatedLimit, LimitTableNoun } from "../src/api/types";
import { askedOf, filtersOf, kindsOf, tablesOf } from "../src/limits/rows";

const TABLE: LimitTableNoun = {
  name: "cod",
  rules: [],
  targets: ["class", "device", "zone"],
  units: ["mg/l"],
  levels: ["high"],
  feeds: ["wastewater"],
  own: [],
};
const LIMIT: DatedLimit = {
  id: "lim_a",
  name: "cod",
  level: null,
  device: "nt-1",
  device_name: null,
  class: null,
  area: null,
  area_name: null,
  value: 100,
  unit: "mg/l",
  source: "GP 1",
  verified: false,
  valid_from: null,
  valid_to: null,
  in_force: true,
  state: "holds",
  origin: "site",
  removed: false,
  version: 1,
  changed_at: "2026-11-29T00:00:00Z",
  changed_by: "root",
  changed_why: "GP",
};

describe("limits", () => {
  it("asks for all that holds for a device, not for its own alone", () => {
    const filters = filtersOf(new URLSearchParams("device=nt-1&area=04795&on=2027-01-01&table=cod"));
    expect(askedOf(filters)).toBe("name=cod&device=nt-1&inherited=true&on=2027-01-01");
    expect(askedOf(filtersOf(new URLSearchParams("area=04795&removed=1")))).toBe("area=04795&removed=true");
  });
  it("shows a table without rows, but not among what a filter leaves", () => {
    const other = { ...TABLE, name: "dust" };
    const names = (query: string): string[] =>
      tablesOf([TABLE, other], [LIMIT], filtersOf(new URLSearchParams(query))).map((one) => one.name);
    expect(names("")).toEqual(["cod", "dust"]);
    expect(names("table=cod")).toEqual(["cod"]);
    expect(names("area=04795")).toEqual(["cod"]);
  });
  it("folds away what has ended, puts what holds first and says that no rule asks for a table", () => {
    const ended: DatedLimit = { ...LIMIT, id: "lim_b", state: "ended", valid_to: "2026-01-01" };
    const coming: DatedLimit = { ...LIMIT, id: "lim_c", state: "coming", valid_from: "2027-01-01" };
    const [found] = tablesOf([], [ended, coming, LIMIT], filtersOf(new URLSearchParams()));
    expect(found?.table).toBeNull();
    expect(found?.rows.map((row) => row.id)).toEqual(["lim_a", "lim_c"]);
    expect(found?.ended.map((row) => row.id)).toEqual(["lim_b"]);
    const [gone] = tablesOf([TABLE], [{ ...ended, removed: true }], filtersOf(new URLSearchParams("removed=1")));
    expect(gone?.rows.map((row) => row.id)).toEqual(["lim_b"]);
  });
  it("offers places where a row may be of a zone alone", () => {
    expect(kindsOf(TABLE)).toEqual(["device", "class", "area"]);
    expect(kindsOf({ ...TABLE, targets: ["zone"] })).toEqual(["area"]);
  });
});
