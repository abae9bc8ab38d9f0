import { describe, expect, it } from "vitest";
import type { Device } from "../src/api/types";
import { byHealth, hasLowBattery } from "../src/devices/health";

function device(id: string, battery: number | null, changes: Partial<Device> = {}): Device {
  const at = "2026-07-01T00:00:00Z";
  const health = battery === null ? null : { battery: { value: battery, unit: "%", at }, signal: null, firmware: null };
  return { id, health, lag_seconds: null, ...changes } as Device;
}

describe("devices by how they are", () => {
  it("puts the emptiest battery first and what tells none last", () => {
    const list = [device("silent", null), device("full", 90), device("low", 12), device("also-low", 12)];
    expect(list.sort(byHealth("battery")).map((one) => one.id)).toEqual(["also-low", "low", "full", "silent"]);
  });
  it("puts the clock that is furthest off first, ahead or behind", () => {
    const list = [device("a", null, { lag_seconds: 3 }), device("b", null, { lag_seconds: -90 }), device("c", null)];
    expect(list.sort(byHealth("lag")).map((one) => one.id)).toEqual(["b", "a", "c"]);
  });
  it("calls a battery low below the bound only", () => {
    expect([19.9, 20].map((value) => hasLowBattery(device("d", value)))).toEqual([true, false]);
    expect(hasLowBattery(device("d", null))).toBe(false);
  });
});
