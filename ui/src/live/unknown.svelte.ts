/**
 * How many devices send that nobody has registered, and how many are refused over MQTT; asked for now and then by
 * whoever may read what was refused.
 */
import { ask } from "../api/client";
import type { ConnectRefusalPage, UnknownDevicePage } from "../api/types";
import { session } from "./session.svelte";

const ASK_AGAIN_MS = 60_000;
const REFUSED_MAX = 50;
let count = $state(0);
let refused = $state(0);

export const unknown = {
  get count(): number {
    return count;
  },
  /** Refused over MQTT and not connected since, at most 50. */
  get refused(): number {
    return refused;
  },
  async load(): Promise<void> {
    if (!session.has("intake")) {
      [count, refused] = [0, 0];
      return;
    }
    try {
      count = (await ask<UnknownDevicePage>("/devices/unknown?limit=1")).devices;
      const page = await ask<ConnectRefusalPage>(`/devices/connect-refusals?limit=${REFUSED_MAX}`);
      refused = page.items.filter((one) => one.connected_since === null).length;
    } catch {
      // The count of before stands: that the server cannot be reached is said elsewhere.
    }
  },
  /** Ask as long as somebody looks; returns what ends it. */
  watch(): () => void {
    void unknown.load();
    const timer = setInterval(() => void unknown.load(), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  },
};
