/** The silences that are not over, and what people do with them. */
import { ask, Problem } from "../api/client";
import type { Silence } from "../api/types";
import { number } from "../format/number";
import { t } from "../i18n/index.svelte";
import { change, type Outcome } from "./change";
import { clock } from "./clock.svelte";
import { session } from "./session.svelte";
import { toasts } from "./toasts.svelte";

const LIST = "/silences?state=planned,running&limit=200";
export const HOUR_MS = 3_600_000;
const WARNED_MS = 15 * 60_000;

let all = $state.raw<readonly Silence[]>([]);
let changes = $state(0);
let asked = 0;

export const silences = {
  get all(): readonly Silence[] {
    return all;
  },
  /** Counts what was heard; something that reads it runs again after each. */
  get changes(): number {
    return changes;
  },
  /** Those of this account that will be over for good within a quarter of an hour. */
  get expiring(): readonly Silence[] {
    const who = session.who?.username;
    return all.filter((one) => {
      const left = Date.parse(one.to) - clock.now;
      return one.owner === who && left > 0 && left <= WARNED_MS;
    });
  },
  /** Read them anew; what is asked first and answered last does not stand. */
  async load(): Promise<void> {
    const mine = (asked += 1);
    try {
      const found = await ask<{ items: Silence[] }>(LIST);
      if (mine === asked) all = found.items;
    } catch {
      // The line's own state says that the server is away; the next silence that moves asks again.
    }
  },
  /** One was made, changed, began or ended. */
  hear(): void {
    changes += 1;
    void silences.load();
  },
};

function take(one: Silence): void {
  asked += 1;
  all = one.state === "over" ? all.filter((each) => each.id !== one.id) : [one, ...all.filter((e) => e.id !== one.id)];
  changes += 1;
}

function explain(problem: Problem): string {
  return problem.status === 0 ? t("action.unreachable") : problem.message;
}

type Body = Record<string, unknown>;

function send(known: Silence | null, method: "POST" | "PATCH" | "DELETE", end = "", body?: Body) {
  const path = known === null ? "/silences" : `/silences/${known.id}${end}`;
  const version = known === null ? {} : { version: known.version };
  return change<Silence>(() => ask<Silence>(path, { method, body, ...version }), { hear: take, explain });
}

/** What came of it, in words, with the way back; null: it was done. */
function tell(outcome: Outcome<Silence>, done: (made: Silence) => string): string | null {
  if ("done" in outcome) {
    const made = outcome.done;
    toasts.show(done(made), { undo: () => void takeBack(made) });
    return null;
  }
  return "lost" in outcome ? t("silence.moved") : outcome.refused;
}

async function takeBack(made: Silence): Promise<void> {
  const outcome = await send(made, "POST", "/undo");
  if ("done" in outcome) toasts.show(t("toast.undone"));
  else toasts.show("lost" in outcome ? t("silence.moved") : outcome.refused, { tone: "fault" });
}

/** Make one, or change one that stands; what stands in the way is returned in words. */
export async function save(known: Silence | null, body: Body): Promise<string | null> {
  const outcome = await send(known, known === null ? "POST" : "PATCH", "", body);
  return tell(outcome, (made) => t("silence.saved", { n: number(made.hides) }));
}

export async function extend(one: Silence): Promise<string | null> {
  const to = new Date(Date.parse(one.to) + HOUR_MS).toISOString();
  return tell(await send(one, "PATCH", "", { to }), () => t("silence.extended"));
}

export async function end(one: Silence): Promise<string | null> {
  return tell(await send(one, "DELETE"), () => t("silence.ended"));
}
