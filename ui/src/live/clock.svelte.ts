/**
 * The server's clock as this desk knows it: ages tick by it, so a drill or a wrong desk clock never shows a wrong age.
 */
import type { Clock, ModeNow, ProcessKind, Trouble } from "../api/types";

let offset = 0;
let staleText = "{}";
let now = $state(Date.now());
let fleet = $state.raw<{ online: number; total: number } | null>(null);
let logLag = $state(0);
let trouble = $state.raw<Trouble[]>([]);
let stale = $state.raw<Partial<Record<ProcessKind, number>>>({});
let dutyMode = $state.raw<ModeNow | null>(null);
let dutyModeText = "null";
let rosterChangedAt = $state<string | null>(null);
let databaseAwaySince = $state<number | null>(null);

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
  /** Parts of the server that say nothing, and since when by the server's clock. */
  get stale(): Partial<Record<ProcessKind, number>> {
    return stale;
  },
  /** The duty mode that holds; null: the normal one. */
  get dutyMode(): ModeNow | null {
    return dutyMode;
  },
  /** When the duty roster was changed last: what is told of it is read anew then. */
  get rosterChangedAt(): string | null {
    return rosterChangedAt;
  },
  /** Since when the server has told that its database stands still. */
  get databaseAwaySince(): number | null {
    return databaseAwaySince;
  },
  /** The stream tells all of it each second; the first answer of the server tells the time alone. */
  hear(message: Pick<Clock, "time" | "position"> & Partial<Clock>): void {
    offset = Date.parse(message.time) - Date.now();
    // A drill's clock jumps by hours: the screen goes with it at once and not at its next own second.
    if (Math.abs(Date.now() + offset - now) > 5_000) now = Date.now() + offset;
    logLag = message.log_lag_seconds ?? 0;
    const modeText = JSON.stringify(message.duty_mode ?? null);
    if (message.duty_mode !== undefined && modeText !== dutyModeText) {
      dutyModeText = modeText;
      dutyMode = message.duty_mode;
    }
    if (message.roster_changed_at !== undefined) rosterChangedAt = message.roster_changed_at;
    clock.hearTrouble(message.trouble ?? [], Date.parse(message.time));
    if (JSON.stringify(message.stale ?? {}) !== staleText) {
      staleText = JSON.stringify(message.stale ?? {});
      stale = Object.fromEntries(Object.entries(message.stale ?? {}).map(([role, since]) => [role, Date.parse(since)]));
    }
    const devices = message.devices;
    if (devices && (fleet?.online !== devices.online || fleet.total !== devices.total)) fleet = devices;
  },
  /** What hinders the server, as it said at `moment`: with each tick of the stream, or asked while there is none. */
  hearTrouble(words: Trouble[], moment: number): void {
    if (words.join() !== trouble.join()) trouble = words;
    if (!words.includes("database")) databaseAwaySince = null;
    else databaseAwaySince ??= moment;
  },
  tick(): void {
    const next = Date.now() + offset;
    if (Math.floor(next / 1000) !== Math.floor(now / 1000)) now = next;
  },
};
