/** The message that something is done, with the way back for some seconds; how the way back went is told in turn. */
import { t } from "../i18n/index.svelte";
import type { Lost, Outcome, Refused } from "./change";
import { toasts } from "./toasts.svelte";

export type WayBack<T> = {
  back: () => Promise<Outcome<T>[]>;
  /** Why nothing was undone, where somebody has changed it since; of many, how many were left. */
  lost: (current: T) => string;
  many: (missed: number) => string;
};

export function showDone<T>(text: string, way: WayBack<T> | null): void {
  toasts.show(text, way === null ? {} : { undo: () => void undo(way) });
}

export async function undo<T>(way: WayBack<T>): Promise<void> {
  const outcomes = await way.back();
  const missed = outcomes.filter((outcome): outcome is Lost<T> | Refused => !("done" in outcome));
  const [first] = missed;
  if (first === undefined) toasts.show(t("toast.undone"));
  else if (outcomes.length > 1) toasts.show(way.many(missed.length), { tone: "fault" });
  else toasts.show("lost" in first ? way.lost(first.lost) : first.refused, { tone: "fault" });
}
