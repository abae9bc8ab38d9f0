/** The server's clock as this desk knows it: ages tick by it, so a drill or a wrong desk clock never shows a wrong age. */
import type { Clock, Trouble } from "../api/types";

let offset = 0;
let now = $state(Date.now());
let fleet = $state.raw<{ online: number; total: number } | null>(null);
let logLag = $state(0);
let trouble = $state.raw<Trouble[]>([]);

export const clock = {
  /** Milliseconds since 1970 by the server's clock; changes once a second. */
  get now(): number {
    return now;
  },
  get fleet(): { online: number; total: number } | null {
    return fleet;
  },
  get logLagSeconds(): number {
    return logLag;
  },
  /** What hinders the server, by its own word; it comes with each tick. */
  get trouble(): Trouble[] {
    return trouble;
  },
  hear(message: Clock): void {
    offset = Date.parse(message.time) - Date.now();
    // A drill's clock jumps by hours: the screen goes with it at once and not at its next own second.
    if (Math.abs(Date.now() + offset - now) > 5_000) now = Date.now() + offset;
    logLag = message.log_lag_seconds ?? 0;
    const troubles = message.trouble ?? [];
    if (troubles.join() !== trouble.join()) trouble = troubles;
    const devices = message.devices;
    if (devices && (fleet?.online !== devices.online || fleet.total !== devices.total)) fleet = devices;
  },
  tick(): void {
    const next = Date.now() + offset;
    if (Math.floor(next / 1000) !== Math.floor(now / 1000)) now = next;
  },
};
