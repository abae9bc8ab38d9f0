/** Whether somebody is writing into the shift log, what it is about, and when a line was added last. */
import type { ShiftNote } from "../api/types";

export const noting = $state<{ open: boolean; alert: string | null; corrects: ShiftNote | null; added: number }>({
  open: false,
  alert: null,
  corrects: null,
  added: 0,
});

export function note(about: { alert?: string | null; corrects?: ShiftNote | null } = {}): void {
  noting.alert = about.alert ?? null;
  noting.corrects = about.corrects ?? null;
  noting.open = true;
}
