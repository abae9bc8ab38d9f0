/** Closed alerts, page by page from the server; the newest question wins. */
import { ask } from "../api/client";
import type { Page } from "../api/client";
import type { Alert } from "../api/types";

export class ClosedAlerts {
  items = $state.raw<Alert[]>([]);
  loading = $state(false);
  fault = $state.raw<unknown>(null);
  #next: string | null = null;
  #query = "";
  #stop: AbortController | null = null;

  async load(query: string): Promise<void> {
    this.#query = query;
    this.items = [];
    this.#next = null;
    await this.#page();
  }

  async more(): Promise<void> {
    if (this.#next !== null && !this.loading) await this.#page();
  }

  async #page(): Promise<void> {
    this.#stop?.abort();
    const stop = (this.#stop = new AbortController());
    this.loading = true;
    this.fault = null;
    try {
      const cursor = this.#next === null ? "" : `&cursor=${encodeURIComponent(this.#next)}`;
      const page = await ask<Page<Alert>>(`/alerts?${this.#query}${cursor}`, { signal: stop.signal });
      this.items = [...this.items, ...page.items];
      this.#next = page.next;
    } catch (cause) {
      if (!stop.signal.aborted) this.fault = cause;
    } finally {
      if (this.#stop === stop) this.loading = false;
    }
  }
}
