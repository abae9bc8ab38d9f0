/** Files on their way to the server: what is taken, how far each is, and what became of it. */
import { Problem, sendFile } from "../api/client";
import type { Medium } from "../api/types";

export const ATTACHED_MAX = 5;
export const PHOTO_TYPES = "image/jpeg,image/png,image/webp";
export const TAKEN_TYPES = `${PHOTO_TYPES},application/pdf`;

/** What was chosen, dropped or pasted: sent at once, so that saving need not wait. */
export type Upload = {
  key: number;
  name: string;
  preview: string | null;
  file: File;
  share: number;
  medium: Medium | null;
  /** Why it was not taken, as `mediaFault.` has it. */
  fault: string | null;
};

const FAULTS: Record<string, string> = {
  body_too_large: "too_large",
  unsupported_media_type: "wrong_type",
  unreadable_body: "damaged",
  media_full: "full",
  intake_paused: "paused",
  queue_full: "busy",
  unreachable: "unreachable",
};

/** Why a file was not taken, as a word of `mediaFault.`. */
export function faultOf(cause: unknown): string {
  return (cause instanceof Problem && FAULTS[cause.code]) || "other";
}

/** Can the server take this at all? What it cannot is told before it is sent. */
export function isTaken(type: string): boolean {
  return TAKEN_TYPES.split(",").includes(type);
}

/** Those of some files that find room beside what is there, and whether some did not. */
export function fitting<T>(files: readonly T[], there: number): { taken: T[]; isOver: boolean } {
  const room = Math.max(0, ATTACHED_MAX - there);
  return { taken: files.slice(0, room), isOver: files.length > room };
}

/** Send one file. Raises Problem. */
export function send(file: File, onshare: (share: number) => void, signal: AbortSignal): Promise<Medium> {
  return sendFile<Medium>("/media", file, onshare, signal);
}

/** How large a file is, for people: `820 kB`, `3,4 MB`. */
export function size(bytes: number, comma: boolean): string {
  const text =
    bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1_000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
  return comma ? text.replace(".", ",") : text;
}
