/** How devices themselves are: whose battery is low, and in which order a technician goes through a list. */
import type { Device } from "../api/types";

/** Below it a battery is low, as the server's filter has it: an operating value, of no law. */
export const LOW_BATTERY_PCT = 20;

export function hasLowBattery(device: Device): boolean {
  const battery = device.health?.battery;
  return battery != null && battery.value < LOW_BATTERY_PCT;
}

export type HealthOrder = "battery" | "signal" | "lag";
export const ORDERS: readonly HealthOrder[] = ["battery", "signal", "lag"];

/** What needs a technician most comes first: emptiest, faintest, latest; what did not tell comes last. */
export function byHealth(order: HealthOrder): (a: Device, b: Device) => number {
  const rank = (device: Device): number => {
    if (order === "lag") return device.lag_seconds === null ? Infinity : -Math.abs(device.lag_seconds);
    return device.health?.[order]?.value ?? Infinity;
  };
  return (a, b) => {
    const [left, right] = [rank(a), rank(b)];
    return left === right ? (a.id < b.id ? -1 : 1) : left - right;
  };
}
