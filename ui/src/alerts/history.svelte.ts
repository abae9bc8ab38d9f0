/** An alert's history, newest first and page by page; what happens while it is looked at comes on top. */
import { ask } from "../api/client";
import { WORK_ACTIONS, type AlertHistory, type AlertStep } from "../api/types";

const PAGE = 50;
/** What people do; all other lines are the condition's. */
const OF_PEOPLE = WORK_ACTIONS.join(",");

export class AlertHistoryPages {
  steps = $state.raw<AlertStep[]>([]);
  /** How many there are on the server; null before the first page has come. */
  total = $state<number | null>(null);
  failed = $state(false);
  loading = $state(false);
  #path = "";
  #next = $state<string | null>(null);

  get hasOlder(): boolean {
    return this.#next !== null;
  }

  /** Load the newest page: of another alert or other kinds anew, else what is new on top of what is known. */
  async newest(alert: string, peopleOnly: boolean, signal: AbortSignal): Promise<void> {
    const kinds = peopleOnly ? `&kind=${OF_PEOPLE}` : "";
    const path = `/alerts/${encodeURIComponent(alert)}/history?sort=newest&limit=${PAGE}${kinds}`;
    if (path !== this.#path) {
      this.#path = path;
      [this.steps, this.total, this.#next] = [[], null, null];
    }
    try {
      const page = await ask<AlertHistory>(path, { signal });
      const known = this.steps[0];
      if (known && page.items.some((step) => step.number === known.number)) {
        this.steps = [...page.items.filter((step) => step.number > known.number), ...this.steps];
      } else {
        this.steps = page.items;
        this.#next = page.next;
      }
      this.total = page.total;
      this.failed = false;
    } catch {
      if (!signal.aborted) this.failed = true;
    }
  }

  async older(): Promise<void> {
    const path = this.#path;
    if (this.#next === null || this.loading) return;
    this.loading = true;
    try {
      const page = await ask<AlertHistory>(`${path}&cursor=${encodeURIComponent(this.#next)}`);
      if (path !== this.#path) return;
      const last = this.steps.at(-1)?.number ?? Infinity;
      this.steps = [...this.steps, ...page.items.filter((step) => step.number < last)];
      this.#next = page.next;
      this.failed = false;
    } catch {
      this.failed = true;
    } finally {
      this.loading = false;
    }
  }
}
