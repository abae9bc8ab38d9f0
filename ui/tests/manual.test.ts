import { describe, expect, it } from "vitest";
import type { FeedField } from "../src/api/types";
import { faultsOf, isSuspect, mayEnter, newId, read, readNumber, typedOf } from "../src/manual/form";

const label = { vi: "x", en: "x" };
function field(name: string, more: Partial<FeedField> = {}): FeedField {
  return {
    name,
    label,
    unit: "",
    type: "number",
    digits: 1,
    required: false,
    possible: [null, null],
    plausible: [null, null],
    values: [],
    words: {},
    personal: false,
    device_health: null,
    ...more,
  };
}

describe("what is typed", () => {
  it("takes a comma or a point, and no thousands that could be decimals", () => {
    expect(["104,78", "104.78", " -3 ", "5 250"].map(readNumber)).toEqual([104.78, 104.78, -3, 5250]);
    expect(["", "1.234,5", "12a", "1e5", ","].map(readNumber)).toEqual([null, null, null, null, null]);
  });

  it("names what is missing, of another type or impossible, and sends the rest", () => {
    const fields = [
      field("level_m", { required: true, possible: [0, 150] }),
      field("gates_open", { type: "integer", possible: [0, 18] }),
      field("open", { type: "boolean" }),
      field("note", { type: "text" }),
      field("contact", { type: "text", personal: true }),
    ];
    expect(read(fields, { gates_open: "1,5", open: "false", note: "  ", contact: "0912" })).toEqual({
      values: { open: false, contact: "0912" },
      faults: { level_m: "missing_field", gates_open: "wrong_type" },
    });
    expect(read(fields, { level_m: "151" }).faults).toEqual({ level_m: "impossible_value" });
    expect(read(fields, { level_m: "104,78", gates_open: "3" }).values).toEqual({ level_m: 104.78, gates_open: 3 });
  });

  it("reads a moment in the city's time, and shows values as they would be typed", () => {
    const fields = [field("until", { type: "time" }), field("level_m"), field("up", { type: "boolean" })];
    const { values } = read(fields, { until: "2026-11-28T20:00" });
    expect(values.until).toBe("2026-11-28T13:00:00.000Z");
    expect(typedOf(fields, { until: values.until, level_m: 1.5, up: true }, true)).toEqual({
      until: "2026-11-28T20:00",
      level_m: "1,5",
      up: "true",
    });
  });

  it("tells a value that is kept and flagged from one that is refused", () => {
    const level = field("level_m", { possible: [0, 150], plausible: [75, 123] });
    expect(["70", "100", "151", "x"].map((text) => isSuspect(level, text))).toEqual([true, false, false, false]);
    expect(mayEnter(field("x", { type: "object" }))).toBe(false);
  });

  it("reads a refusal by field, and gives each entry a name of its own", () => {
    const errors = [{ field: "values.level_m", code: "wrong_type" }, { field: "device", code: "no_device" }, {}];
    expect(faultsOf({ errors })).toEqual({ level_m: "wrong_type", device: "no_device" });
    expect(faultsOf({})).toEqual({});
    expect(newId()).toMatch(/^[0-9a-f]{32}$/);
    expect(newId()).not.toBe(newId());
  });
});
