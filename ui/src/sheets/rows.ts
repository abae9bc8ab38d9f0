/** What people do with any dated row: a limit, a row of a lookup table. */
import { ask, Problem } from "../api/client";
import { t } from "../i18n/index.svelte";
import { toasts } from "../live/toasts.svelte";

export type Kept = { id: string; version: number; removed: boolean };

function failed(cause: unknown): void {
  const lost = cause instanceof Problem && cause.status === 412;
  toasts.show(t(lost ? "row.lost" : "row.failed"), { tone: "fault" });
}

/** Take the newest change of a row back; once more brings it again. */
export async function takeBack(path: string, row: Kept, why: string): Promise<void> {
  try {
    await ask(`${path}/${row.id}/undo`, { method: "POST", body: { why }, version: row.version });
    toasts.show(t("limits.undone"));
  } catch (cause) {
    failed(cause);
  }
}

/** Take a row out of its table, as if it had never been. */
export async function takeOut(path: string, row: Kept, why: string, onundone: () => void): Promise<void> {
  try {
    const gone = await ask<Kept>(`${path}/${row.id}`, { method: "DELETE", body: { why }, version: row.version });
    toasts.show(t("limits.takenOut"), { undo: () => void takeBack(path, gone, t("action.undo")).then(onundone) });
  } catch (cause) {
    failed(cause);
  }
}

/** What is said of a write that did not come through. */
export function writeFault(cause: unknown, otherwise: string): { text: string; lost: boolean } {
  const lost = cause instanceof Problem && cause.status === 412;
  if (lost) return { text: t("row.lost"), lost };
  return { text: cause instanceof Problem && cause.status !== 0 ? cause.message : otherwise, lost };
}
