/**
 * The sound for new critical and high alerts, and its state, which is always visible: on, off, or blocked by the
 * browser until somebody clicks. The title counts new critical alerts while the page is not looked at; restricted ones
 * never show there.
 */
import { isBackByItself, isOpen, RANK } from "../api/alerts";
import type { Alert } from "../api/types";
import { preferences } from "../preferences.svelte";
import { alerts } from "./alerts.svelte";
import { clock } from "./clock.svelte";
import { isSilenced } from "./silenced";

export type SoundState = "on" | "off" | "blocked";

let context: AudioContext | null = null;
let blocked = $state(true);
let unseen = $state(0);
let playedAt = 0;

export const sound = {
  get state(): SoundState {
    if (!preferences.sound) return "off";
    return blocked ? "blocked" : "on";
  },
  /** New critical alerts since the page was last looked at. */
  get unseen(): number {
    return unseen;
  },
  async toggle(): Promise<void> {
    if (preferences.sound && !blocked) {
      preferences.sound = false;
      return;
    }
    preferences.sound = true;
    await unlock();
    play("test");
  },
  unlock,
  watch,
};

async function unlock(): Promise<void> {
  context ??= new AudioContext();
  if (context.state === "suspended") await context.resume();
  blocked = context.state !== "running";
}

const TONES: Record<"test" | "high" | "critical", [number, number][]> = {
  test: [
    [660, 0],
    [880, 0.16],
  ],
  high: [
    [587, 0],
    [587, 0.24],
  ],
  critical: [
    [880, 0],
    [660, 0.2],
    [880, 0.4],
    [660, 0.6],
  ],
};

function play(kind: keyof typeof TONES): void {
  if (context?.state !== "running" || !preferences.sound) return;
  for (const [frequency, delay] of TONES[kind]) {
    const start = context.currentTime + delay;
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.type = "triangle";
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0.0001, start);
    gain.gain.exponentialRampToValueAtTime(kind === "test" ? 0.12 : 0.3, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.17);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(start);
    oscillator.stop(start + 0.2);
  }
}

function isCall(alert: Alert, before: Alert | undefined): boolean {
  if (!isOpen(alert) || alert.condition !== "firing" || alert.state !== "new" || alert.retrospective) return false;
  if (isSilenced(alert)) return false;
  // What was silenced and is heard again calls as if it had just opened.
  if (before !== undefined && before.silence !== null && alert.silence === null) return true;
  if (isBackByItself(alert, before, clock.now)) return true;
  return before === undefined || RANK[alert.severity] > RANK[before.severity] || before.flap_count < alert.flap_count;
}

/** Start listening; returns how to stop. A flood plays at most one sound in two seconds. */
function watch(): () => void {
  const stop = alerts.listen((alert, before) => {
    if (!isCall(alert, before)) return;
    if (alert.severity === "critical" && !alert.restricted && document.hidden) unseen += 1;
    const now = performance.now();
    if ((alert.severity !== "critical" && alert.severity !== "high") || now - playedAt < 2000) return;
    playedAt = now;
    play(alert.severity);
  });
  const look = (): void => {
    if (!document.hidden) unseen = 0;
  };
  const first = (): void => void unlock();
  document.addEventListener("visibilitychange", look);
  // On click, not on press: the banner that goes away must not move a row from under the pointer.
  window.addEventListener("click", first, { once: true });
  window.addEventListener("keyup", first, { once: true });
  return () => {
    stop();
    document.removeEventListener("visibilitychange", look);
    window.removeEventListener("click", first);
    window.removeEventListener("keyup", first);
  };
}
