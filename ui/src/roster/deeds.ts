/** What people do with the roster: write, swap, stand in, take out and back; what hinders is told in words. */
import { ask, Problem } from "../api/client";
import type { PatternDone, PatternUndone, Shift } from "../api/types";
import { number } from "../format/number";
import { t } from "../i18n/index.svelte";
import { toasts } from "../live/toasts.svelte";

export type Done = () => void;

/** Change a shift, or write a new one; the message takes it back. Returns what stands in the way. */
export async function change(
  known: Pick<Shift, "id" | "version"> | null,
  end: "" | "/swap" | "/override",
  body: Record<string, unknown>,
  onchanged: Done,
): Promise<string | null> {
  const path = known === null ? "/shifts" : `/shifts/${known.id}${end}`;
  try {
    const saved = await ask<Shift>(path, {
      method: known === null || end !== "" ? "POST" : "PUT",
      body,
      ...(known === null ? {} : { version: known.version }),
    });
    const told = end === "/swap" ? "roster.swapped" : end === "/override" ? "roster.overridden" : "roster.saved";
    toasts.show(t(told), { undo: () => void takeBack(saved, t("action.undo"), onchanged) });
    onchanged();
    return null;
  } catch (cause) {
    return explain(cause, onchanged);
  }
}

/** Take the newest change of a shift back. */
export async function takeBack(
  shift: Pick<Shift, "id" | "version">,
  why: string,
  onchanged: Done,
): Promise<string | null> {
  return send(shift, "POST", "/undo", why, onchanged, () => toasts.show(t("limits.undone")));
}

/** Take a shift out; the message brings it back. */
export async function takeOut(shift: Shift, why: string, onchanged: Done): Promise<string | null> {
  return send(shift, "DELETE", "", why, onchanged, (gone) =>
    toasts.show(t("roster.takenOut"), { undo: () => void takeBack(gone, t("action.undo"), onchanged) }),
  );
}

/** Write what a pattern makes; the message takes all of it back. */
export async function writePattern(body: Record<string, unknown>, onchanged: Done): Promise<string | null> {
  try {
    const made = await ask<PatternDone>("/shifts/patterns", { method: "POST", body });
    toasts.show(t("roster.patternWritten", { n: number(made.shifts) }), {
      undo: () => void undoPattern(made.pattern, onchanged),
    });
    onchanged();
    return null;
  } catch (cause) {
    return explain(cause, onchanged);
  }
}

async function undoPattern(pattern: string, onchanged: Done): Promise<void> {
  try {
    const gone = await ask<PatternUndone>(`/shifts/patterns/${pattern}/undo`, {
      method: "POST",
      body: { why: t("action.undo") },
    });
    toasts.show(t("roster.patternUndone", { n: number(gone.removed), kept: number(gone.kept) }));
  } catch (cause) {
    toasts.show(explain(cause, onchanged), { tone: "fault" });
  }
  onchanged();
}

async function send(
  shift: Pick<Shift, "id" | "version">,
  method: "POST" | "DELETE",
  end: string,
  why: string,
  onchanged: Done,
  done: (value: Shift) => void,
): Promise<string | null> {
  try {
    done(await ask<Shift>(`/shifts/${shift.id}${end}`, { method, body: { why }, version: shift.version }));
    onchanged();
    return null;
  } catch (cause) {
    const told = explain(cause, onchanged);
    toasts.show(told, { tone: "fault" });
    return told;
  }
}

export function explain(cause: unknown, onchanged: Done): string {
  if (!(cause instanceof Problem) || cause.status === 0) return t("action.unreachable");
  if (cause.status === 412) {
    onchanged();
    return t("contacts.lost");
  }
  return cause.status === 403 ? t("contacts.beyond") : cause.message;
}
