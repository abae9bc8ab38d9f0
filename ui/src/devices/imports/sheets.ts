/** Sheets of devices as the screen shows them: pure, but for the calls that carry a file. */
import { ask, CSV, Problem } from "../../api/client";
import type { DeviceImportPreview, NewDeviceKey, SentDeviceImport } from "../../api/types";

export const FILE_BYTES_MAX = 2 * 1024 * 1024;
const NAME_CHARS_MAX = 120;

/** A file as it is sent: a computer with a spreadsheet program calls CSV by another type. */
export function asSent(file: File): Blob {
  return file.name.toLowerCase().endsWith(".csv") ? new Blob([file], { type: CSV }) : file;
}

export async function previewOf(file: File): Promise<DeviceImportPreview> {
  return ask<DeviceImportPreview>("/devices/imports?dry_run=1", { method: "POST", body: asSent(file) });
}

export async function applyFile(file: File, keys: boolean): Promise<SentDeviceImport> {
  const query = new URLSearchParams({ name: file.name.slice(0, NAME_CHARS_MAX), ...(keys ? { keys: "true" } : {}) });
  return ask<SentDeviceImport>(`/devices/imports?${query.toString()}`, { method: "POST", body: asSent(file) });
}

/** Keys as a CSV file: ids and keys hold nothing that needs quotes, and no program takes them for a formula. */
export function keysFile(keys: readonly NewDeviceKey[]): string {
  return ["device,key", ...keys.map((one) => `${one.device},${one.key}`), ""].join("\r\n");
}

export type Obstacle = { device: string; code: string };

/** What stands against undoing an import, of the server's refusal; empty where it is another problem. */
export function obstaclesOf(cause: unknown): Obstacle[] {
  if (!(cause instanceof Problem) || cause.code !== "undo_refused" || !Array.isArray(cause.body.errors)) return [];
  return cause.body.errors.flatMap((one: unknown) => {
    if (typeof one !== "object" || one === null) return [];
    const { field, code } = one as { field?: unknown; code?: unknown };
    return typeof field === "string" && typeof code === "string" ? [{ device: field, code }] : [];
  });
}
