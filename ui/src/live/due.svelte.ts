/** When what an alert announces will be (a gate order's hour): asked once for each alert of such a feed. */
import { SvelteMap } from "svelte/reactivity";
import { ask, Problem } from "../api/client";
import type { Alert, StoredEvent } from "../api/types";
import { city } from "./city.svelte";

const KEPT_MAX = 200;
const known = new SvelteMap<string, number | null>();
const asked = new Set<string>();

function nameOf(alert: Alert): string {
  return `${alert.id} ${alert.transitions}`;
}

export const due = {
  /** Milliseconds since 1970; null where nothing is announced, or it is not known yet. */
  of(alert: Alert): number | null {
    return known.get(nameOf(alert)) ?? null;
  },
  /** Ask for it, unless that was done. What cannot be asked now is asked for when the alert is drawn again. */
  async want(alert: Alert): Promise<void> {
    const field = city.feed(alert.feed)?.due_field;
    const name = nameOf(alert);
    if (!field || asked.has(name)) return;
    if (asked.size >= KEPT_MAX) {
      asked.clear();
      known.clear();
    }
    asked.add(name);
    try {
      const found = await ask<{ items: StoredEvent[] }>(`/alerts/${encodeURIComponent(alert.id)}/events`);
      const moment = found.items[0]?.data[field];
      known.set(name, typeof moment === "string" ? Date.parse(moment) : null);
    } catch (cause) {
      if (!(cause instanceof Problem && cause.status === 403)) asked.delete(name);
    }
  },
};
