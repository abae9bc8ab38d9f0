/** Which alerts are not heard, by the server's word and clock. */
import { isMuted } from "../api/alerts";
import type { Alert } from "../api/types";
import { clock } from "./clock.svelte";

/** Is an alert under a silence? Never beyond its end, whatever has been heard of that. */
export function isSilenced(alert: Alert): boolean {
  return alert.silence !== null && Date.parse(alert.silence.until) > clock.now;
}

/** Neither colour nor sound: found to be a false alarm, or under a silence. */
export function isQuiet(alert: Alert): boolean {
  return isMuted(alert) || isSilenced(alert);
}
