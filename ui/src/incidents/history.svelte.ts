/** What the alerts of an incident did and what people did with them, newest first, page by page. */
import { ask } from "../api/client";
import type { IncidentHistory, IncidentStep } from "../api/types";

const PAGE = 50;

export class IncidentMoves {
  steps = $state.raw<IncidentStep[]>([]);
  failed = $state(false);
  loading = $state(false);
  #path = "";
  #next = $state<string | null>(null);

  get hasOlder(): boolean {
    return this.#next !== null;
  }

  /** Load the newest page; older ones that were asked for are asked for again. */
  async newest(incident: string, signal: AbortSignal): Promise<void> {
    this.#path = `/incidents/${encodeURIComponent(incident)}/history?limit=${PAGE}`;
    try {
      const page = await ask<IncidentHistory>(this.#path, { signal });
      [this.steps, this.#next, this.failed] = [page.items, page.next, false];
    } catch {
      if (!signal.aborted) this.failed = true;
    }
  }

  async older(): Promise<void> {
    if (this.#next === null || this.loading) return;
    this.loading = true;
    const path = this.#path;
    try {
      const page = await ask<IncidentHistory>(`${path}&cursor=${encodeURIComponent(this.#next)}`);
      if (path !== this.#path) return;
      [this.steps, this.#next, this.failed] = [[...this.steps, ...page.items], page.next, false];
    } catch {
      this.failed = true;
    } finally {
      this.loading = false;
    }
  }
}
