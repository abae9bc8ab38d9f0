/** Where the keyboard is in the list, and what is selected. Kept by alert id, so that rows arriving do not move it. */
import { SvelteSet } from "svelte/reactivity";

/** A row of the list: an alert, or an incident that stands for some. */
type Row = { id: string };

export class Walk {
  activeId = $state<string | null>(null);
  readonly selected = new SvelteSet<string>();
  #anchor: string | null = null;

  index(list: readonly Row[]): number {
    return this.activeId === null ? -1 : list.findIndex((row) => row.id === this.activeId);
  }

  step<T extends Row>(list: readonly T[], by: 1 | -1): T | undefined {
    const from = this.index(list);
    const to = from === -1 ? 0 : Math.max(0, Math.min(list.length - 1, from + by));
    const alert = list[to];
    if (alert) this.activeId = alert.id;
    return alert;
  }

  select(list: readonly Row[], id: string, on: boolean, range: boolean): void {
    const from = range && this.#anchor !== null ? list.findIndex((alert) => alert.id === this.#anchor) : -1;
    const to = list.findIndex((alert) => alert.id === id);
    const span = from === -1 ? list.slice(to, to + 1) : list.slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const alert of span) {
      if (on) this.selected.add(alert.id);
      else this.selected.delete(alert.id);
    }
    this.#anchor = id;
  }

  /** Selected alerts that are gone from the list stop being selected. */
  keep(list: readonly Row[]): void {
    if (this.selected.size === 0) return;
    const listed = new Set(list.map((alert) => alert.id));
    for (const id of this.selected) if (!listed.has(id)) this.selected.delete(id);
  }
}

/** True while typing or while a dialog is open: single keys then belong to it. */
export function keysTaken(event: KeyboardEvent): boolean {
  if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return true;
  return event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]), textarea, select");
}
