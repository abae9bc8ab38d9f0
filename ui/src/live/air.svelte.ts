/** VN_AQI of every station, read again each minute while something on the screen shows it. */
import { ask } from "../api/client";
import type { AirBand, AirQuality, AirStation } from "../api/types";

const EVERY_MILLISECONDS = 60_000;

let stations = $state.raw<ReadonlyMap<string, AirStation>>(new Map());
let bands = $state.raw<readonly AirBand[]>([]);
let source = $state.raw<AirQuality["source"] | null>(null);
let watchers = 0;
let timer: ReturnType<typeof setInterval> | null = null;

function load(): void {
  ask<AirQuality>("/air-quality").then(
    (found) => {
      stations = new Map(found.items.map((one) => [one.device, one]));
      bands = found.bands;
      source = found.source;
    },
    // What is shown says its hour: it stays until a later minute brings the next.
    () => undefined,
  );
}

export const air = {
  get stations(): ReadonlyMap<string, AirStation> {
    return stations;
  },
  get bands(): readonly AirBand[] {
    return bands;
  },
  get source(): AirQuality["source"] | null {
    return source;
  },
  /** Read while watched; returns how to stop. */
  watch(): () => void {
    watchers += 1;
    if (watchers === 1) {
      load();
      timer = setInterval(load, EVERY_MILLISECONDS);
    }
    return () => {
      watchers -= 1;
      if (watchers === 0 && timer !== null) clearInterval(timer);
    };
  },
};
