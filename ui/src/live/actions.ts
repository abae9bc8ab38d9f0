/** What a person does with alerts: every call carries the version it saw, so a lost race is told, never overwritten. */
import { ask, Problem } from "../api/client";
import type { Alert, BulkWork, CallOutcome, WorkAction } from "../api/types";
import { timeOrDay } from "../format/time";
import { t, word, type Key } from "../i18n/index.svelte";
import { alerts } from "./alerts.svelte";
import { clock } from "./clock.svelte";
import { session } from "./session.svelte";
import { change, type Outcome } from "./change";
import { toasts } from "./toasts.svelte";
import { showDone, type WayBack } from "./undo";

/** As many as one request may name. */
const BULK_MAX = 100;
const TOASTS: Partial<Record<WorkAction, Key>> = {
  acknowledge: "toast.acknowledged",
  resolve: "toast.resolved",
  call: "toast.called",
  dispatch: "toast.dispatched",
  "false-alarm": "toast.falseAlarm",
  assign: "toast.assigned",
  shelve: "toast.shelved",
  unshelve: "toast.unshelved",
  start: "toast.started",
  close: "toast.closed",
};
/** What can be done to several alerts of a list at once, with the message after it. */
export type ManyAction = "acknowledge" | "start" | "resolve" | "shelve";
const MANY: Record<ManyAction, Key> = {
  acknowledge: "toast.acknowledgedMany",
  start: "toast.startedMany",
  resolve: "toast.resolvedMany",
  shelve: "toast.shelvedMany",
};
/** What takes an action back; a call that was made stays made. */
const UNDONE_BY: Partial<Record<WorkAction, WorkAction>> = {
  acknowledge: "reopen",
  resolve: "reopen",
  "false-alarm": "reopen",
  assign: "unassign",
  shelve: "unshelve",
  start: "reopen",
};

/** What goes with an action beside words: whom of the directory and what came of it, to whom, or until when. */
export type Carried = { contact: string; outcome: CallOutcome } | { assignee: string } | { until: string };

export function act(
  alert: Alert,
  action: WorkAction,
  text: string | null = null,
  carried: Carried | null = null,
): Promise<Outcome<Alert>> {
  return change(
    () =>
      ask<Alert>(`/alerts/${encodeURIComponent(alert.id)}/${action}`, {
        method: "POST",
        body: { text, ...carried },
        version: alert.version,
      }),
    { hear: (current) => alerts.hear(current), explain: (problem) => explain(problem, action, alert) },
  );
}

function explain(problem: Problem, action: WorkAction, alert: Alert): string {
  if (problem.status === 0) return t("action.unreachable");
  if (problem.status === 403) return t("action.forbidden");
  if (problem.status === 422 && action === "resolve" && alert.ends === "person") return t("action.outcomeNeeded");
  if (problem.status === 409 && action === "resolve" && alert.condition === "firing") return t("action.resolveRefused");
  return t("action.refused", { reason: problem.message });
}

/** What a lost race shows: who has the alert now, or, where nobody's work but the city moved it, how it is. */
export function lostWords(seen: Alert, current: Alert): string {
  const { number } = current;
  if (current.state === seen.state && current.owner === seen.owner) {
    const severity = word("severity", current.severity);
    return t("action.moved", { number, severity, condition: word("condition", current.condition) });
  }
  const who = current.owner ?? current.acknowledged_by ?? "–";
  return t("action.lost", { number, state: word("work", current.state), who });
}

/** Say what was done, with an undo where there is one; `heard` is told what an undo made of it. */
export function tellDone(done: Alert, action: WorkAction, heard: (alert: Alert) => void = () => undefined): void {
  const toast = TOASTS[action];
  if (!toast) return;
  const back = UNDONE_BY[action];
  const until = done.shelved_until ? timeOrDay(done.shelved_until, clock.now) : "";
  const told = t(toast, { number: done.number, who: done.owner ?? "", until });
  showDone(told, back ? wayBack([done], heard, back) : null);
}

/** One alert, from a list: what became of it is told in a message. */
export async function actAndTell(alert: Alert, action: "acknowledge" | "resolve"): Promise<void> {
  const outcome = await act(alert, action);
  if ("done" in outcome) tellDone(outcome.done, action);
  else toasts.show("lost" in outcome ? lostWords(alert, outcome.lost) : outcome.refused, { tone: "fault" });
}

/** Whether the table has a way for it, so that what cannot be done is not asked for. */
export function mayBe(action: ManyAction, alert: Alert): boolean {
  const untaken = alert.state === "new" || alert.state === "shelved";
  if (action === "acknowledge") return untaken;
  if (action === "start") return untaken || alert.state === "acknowledged";
  const over = alert.state === "resolved" || alert.state === "false_alarm" || alert.state === "closed";
  if (action === "shelve") return !over && (alert.severity !== "critical" || session.has("lead"));
  // What only people end asks for its outcome, each its own: in the drawer.
  return !over && alert.condition === "cleared" && alert.ends === "condition";
}

/** Do one thing to many; what became of each is heard, and told in one message with one way back for all. */
export async function actMany(
  list: readonly Alert[],
  action: ManyAction,
  text: string | null = null,
  carried: Carried | null = null,
): Promise<void> {
  const outcomes = await bulk(
    list.filter((alert) => mayBe(action, alert)),
    action,
    text,
    carried,
  );
  const done = outcomes.flatMap((outcome) => ("done" in outcome ? [outcome.done] : []));
  const missed = outcomes.length - done.length;
  const back = UNDONE_BY[action] ?? "reopen";
  if (done.length > 0) showDone(t(MANY[action], { n: done.length }), wayBack(done, undefined, back));
  if (missed > 0) toasts.show(t("toast.missedMany", { n: missed }), { tone: "fault" });
}

/** One request for each hundred; every alert is answered by itself, in the version that was seen. */
async function bulk(
  list: readonly Alert[],
  action: WorkAction,
  text: string | null = null,
  carried: Carried | null = null,
): Promise<Outcome<Alert>[]> {
  const found: Outcome<Alert>[] = [];
  for (let from = 0; from < list.length; from += BULK_MAX) {
    const part = list.slice(from, from + BULK_MAX);
    const seen = part.map(({ id, version }) => ({ id, version }));
    try {
      const body = { action, text, ...carried, alerts: seen };
      const { items } = await ask<BulkWork>("/alerts/bulk", { method: "POST", body });
      for (const item of items) {
        if (item.alert) alerts.hear(item.alert);
        if (item.outcome === "done" && item.alert) found.push({ done: item.alert });
        else if (item.alert) found.push({ lost: item.alert });
        else found.push(refusal(new Problem(409, { title: item.detail ?? "" })));
      }
    } catch (cause) {
      if (!(cause instanceof Problem)) throw cause;
      found.push(...part.map(() => refusal(cause)));
    }
  }
  return found;
}

function refusal(problem: Problem): Outcome<Alert> {
  return { refused: t("action.refused", { reason: problem.message }), problem };
}

function wayBack(
  list: readonly Alert[],
  heard: (alert: Alert) => void = () => undefined,
  by: WorkAction = "reopen",
): WayBack<Alert> {
  return {
    back: () => takeBackAll(list, heard, by),
    lost: (current) => lostWords(list.find((done) => done.id === current.id) ?? current, current),
    many: (missed) => t("toast.missedMany", { n: missed }),
  };
}

async function takeBackAll(
  list: readonly Alert[],
  heard: (alert: Alert) => void,
  by: WorkAction,
): Promise<Outcome<Alert>[]> {
  // Readings and comments that came since are no reason to refuse; what somebody else has made of it is.
  const current = list.map((done) => alerts.get(done.id) ?? done);
  const same = current.filter((now, place) => now.state === list[place]?.state && now.owner === list[place].owner);
  const lost = current.filter((now) => !same.includes(now)).map((now) => ({ lost: now }));
  const [only] = same;
  const outcomes = only && same.length === 1 ? [await act(only, by)] : await bulk(same, by);
  for (const outcome of outcomes) if ("done" in outcome) heard(outcome.done);
  return [...lost, ...outcomes];
}
