import { describe, expect, it } from "vitest";
import { CSV, Problem } from "../src/api/client";
import { asSent, keysFile, obstaclesOf } from "../src/devices/imports/sheets";

describe("sheets of devices", () => {
  it("sends CSV as CSV, whatever the computer calls it, and a workbook as it is", () => {
    const table = new File(["id,feed"], "Tram.CSV", { type: "application/vnd.ms-excel" });
    const book = new File(["PK"], "tram.xlsx");
    expect(asSent(table).type).toBe(CSV);
    expect(asSent(book)).toBe(book);
  });
  it("writes keys a line each", () => {
    expect(keysFile([{ device: "rain-1", key: "ioc_device_x" }])).toBe("device,key\r\nrain-1,ioc_device_x\r\n");
  });
  it("names what stands against undoing, and nothing of another problem", () => {
    const errors = [{ field: "rain-1", code: "readings", message: "x" }, { field: 7 }, null];
    expect(obstaclesOf(new Problem(409, { code: "undo_refused", errors }))).toEqual([
      { device: "rain-1", code: "readings" },
    ]);
    expect(obstaclesOf(new Problem(409, { code: "forbidden_transition", errors }))).toEqual([]);
    expect(obstaclesOf(new Error("x"))).toEqual([]);
  });
});
