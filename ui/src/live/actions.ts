/** What a person does with alerts: every call carries the version it saw, so a lost race is told, never overwritten. */
import { ask, Problem } from "../api/client";
import type { Alert } from "../api/types";
import { t } from "../i18n/index.svelte";
import { alerts } from "./alerts.svelte";
import { toasts } from "./toasts.svelte";

export type Action = "acknowledge" | "resolve" | "reopen" | "comment";
export type Outcome = { done: Alert } | { lost: Alert } | { refused: string };

const AT_ONCE_MAX = 4;

export async function act(alert: Alert, action: Action, text: string | null = null): Promise<Outcome> {
  try {
    const done = await ask<Alert>(`/alerts/${encodeURIComponent(alert.id)}/${action}`, {
      method: "POST",
      body: { text },
      version: alert.version,
    });
    alerts.hear(done);
    return { done };
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    const current = cause.body.current as Alert | undefined;
    if (cause.status === 412 && current) {
      alerts.hear(current);
      return { lost: current };
    }
    return { refused: explain(cause, action, alert) };
  }
}

function explain(problem: Problem, action: Action, alert: Alert): string {
  if (problem.status === 0) return t("action.unreachable");
  if (problem.status === 403) return t("action.forbidden");
  if (problem.status === 409 && action === "resolve" && alert.condition === "firing") return t("action.resolveRefused");
  return t("action.refused", { reason: problem.message });
}

/** One alert, with a toast that can undo it. */
export async function actWithUndo(alert: Alert, action: "acknowledge" | "resolve"): Promise<Outcome> {
  const outcome = await act(alert, action);
  if ("done" in outcome) {
    const done = outcome.done;
    toasts.show(t(action === "acknowledge" ? "toast.acknowledged" : "toast.resolved", { number: done.number }), {
      undo: () => void undo([done]),
    });
  } else if ("lost" in outcome) toasts.show(t("action.lost", { number: alert.number }), { tone: "fault" });
  else toasts.show(outcome.refused, { tone: "fault" });
  return outcome;
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE_MAX }, worker));
}

export async function acknowledgeMany(list: readonly Alert[]): Promise<void> {
  const done: Alert[] = [];
  let missed = 0;
  await inTurns(list.filter((alert) => alert.state === "new"), async (alert) => {
    const outcome = await act(alert, "acknowledge");
    if ("done" in outcome) done.push(outcome.done);
    else missed += 1;
  });
  if (done.length > 0) toasts.show(t("toast.acknowledgedMany", { n: done.length }), { undo: () => void undo(done) });
  if (missed > 0) toasts.show(t("toast.missedMany", { n: missed }), { tone: "fault" });
}

async function undo(list: readonly Alert[]): Promise<void> {
  let missed = 0;
  await inTurns(list, async (alert) => {
    const outcome = await act(alerts.get(alert.id) ?? alert, "reopen");
    if (!("done" in outcome)) missed += 1;
  });
  if (missed > 0) toasts.show(t("toast.missedMany", { n: missed }), { tone: "fault" });
  else toasts.show(t("toast.undone"));
}
