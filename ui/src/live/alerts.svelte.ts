/**
 * Every open alert, kept true by the list and then by the stream. Screens read `open`; it changes at most every 250 ms.
 */
import { askAll } from "../api/client";
import { isMuted, isOpen, RANK } from "../api/alerts";
import type { Alert, Severity } from "../api/types";
import { Batch } from "./batch";
import { isQuiet } from "./silenced";

const PAGE = 200;
const PAGES_MAX = 25;

type Listener = (alert: Alert, before: Alert | undefined) => void;

const known = new Map<string, Alert>();
const gone = new Map<string, string>();
const listeners = new Set<Listener>();
let open = $state.raw<Alert[]>([]);
let loaded = $state(false);
let truncated = $state(false);
let changes = $state(0);

const batch = new Batch(() => {
  open = [...known.values()].sort(byAttention);
  changes += 1;
});

/**
 * What needs somebody first: by severity, then what nobody has taken, then what has waited longest; what was found to
 * be a false alarm comes last. Readings that move on never move a row: none of this follows from them.
 */
export function byAttention(a: Alert, b: Alert): number {
  return (
    Number(isMuted(a)) - Number(isMuted(b)) ||
    RANK[b.severity] - RANK[a.severity] ||
    Number(a.state !== "new") - Number(b.state !== "new") ||
    (a.opened_at < b.opened_at ? -1 : a.opened_at > b.opened_at ? 1 : a.id < b.id ? -1 : 1)
  );
}

/** A snapshot that lies behind what is known, in any of its clocks, is old news: work, condition, reading. */
export function older(alert: Alert, than: Alert): boolean {
  if (alert.version < than.version || alert.changed_at < than.changed_at) return true;
  return alert.version === than.version && (alert.now?.position ?? 0) < (than.now?.position ?? 0);
}

function take(alert: Alert): boolean {
  const before = known.get(alert.id);
  if (before && older(alert, before)) return false;
  const closedAt = gone.get(alert.id);
  if (closedAt !== undefined && alert.changed_at < closedAt) return false;
  if (isOpen(alert)) {
    known.set(alert.id, alert);
    gone.delete(alert.id);
  } else {
    known.delete(alert.id);
    remember(alert);
  }
  return true;
}

/** An alert that has just opened, come back or become graver; readings and work that move on can wait for the batch. */
function needsSomebodyMore(alert: Alert, before: Alert | undefined): boolean {
  if (!before) return isOpen(alert);
  const graver = RANK[alert.severity] > RANK[before.severity];
  if (before.state === "shelved" && alert.state === "new") return true;
  return graver || (alert.condition === "firing" && before.condition !== "firing");
}

/** Closed alerts are remembered a while, so that a late list cannot open them again. Bounded. */
function remember(alert: Alert): void {
  gone.set(alert.id, alert.changed_at);
  if (gone.size > 2000) gone.delete(gone.keys().next().value as string);
}

export const alerts = {
  /** Open alerts, in the order in which they need somebody. */
  get open(): Alert[] {
    return open;
  },
  get loaded(): boolean {
    return loaded;
  },
  /** More alerts are open than this desk keeps. */
  get truncated(): boolean {
    return truncated;
  },
  /** Counts drawings; something that reads it runs again after each. */
  get changes(): number {
    return changes;
  },
  get(id: string): Alert | undefined {
    return known.get(id);
  },
  /** Read the open alerts; returns the position from which the stream goes on. */
  async load(): Promise<number> {
    const list = await askAll<Alert>(`/alerts?open=true&limit=${PAGE}`, PAGES_MAX);
    const listed = new Set(list.items.map((alert) => alert.id));
    for (const id of known.keys()) if (!listed.has(id)) known.delete(id);
    for (const alert of list.items) take(alert);
    truncated = list.truncated;
    loaded = true;
    batch.mark();
    return list.position;
  },
  /** One alert as the stream, or the answer to an action, has it. */
  hear(alert: Alert): void {
    const before = known.get(alert.id);
    if (!take(alert)) return;
    batch.mark({ urgent: needsSomebodyMore(alert, before) });
    for (const listener of listeners) listener(alert, before);
  },
  /** Draw at once what has been heard. */
  draw(): void {
    batch.flush();
  },
  listen(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

export type Counts = Record<Severity, number> & { total: number };

/** How many of each severity; what was found to be a false alarm, or is silenced, colours nothing. */
export function countBySeverity(list: readonly Alert[]): Counts {
  const counts: Counts = { critical: 0, high: 0, medium: 0, low: 0, info: 0, total: list.length };
  for (const alert of list) if (!isQuiet(alert)) counts[alert.severity] += 1;
  return counts;
}

export function worst(list: Iterable<Alert>): Severity | null {
  let found: Severity | null = null;
  for (const alert of list)
    if (!isQuiet(alert) && (found === null || RANK[alert.severity] > RANK[found])) found = alert.severity;
  return found;
}
