/** What people do with a unit or a contact: read them all, write one, take it out, take the last change back. */
import { ask, Problem } from "../api/client";
import type { Contact, Unit } from "../api/types";
import { t } from "../i18n/index.svelte";
import { toasts } from "../live/toasts.svelte";

export type Entry = { noun: "units" | "contacts"; id: string; version: number };
const PAGES_MAX = 20;

export function entryOf(value: Unit | Contact): Entry {
  return { noun: "unit" in value ? "contacts" : "units", id: value.id, version: value.version };
}

/** Every page of a list, up to what the directory may hold. */
export async function readAll<T>(path: string, signal?: AbortSignal): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const asked =
      cursor === null ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
    const told: { items: T[]; next: string | null } = await ask(asked, { signal });
    found.push(...told.items);
    cursor = told.next;
    if (cursor === null) break;
  }
  return found;
}

/** Write one, new or anew; what stands in the way is returned in words. */
export async function save(
  noun: Entry["noun"],
  known: Entry | null,
  body: Record<string, unknown>,
  onchanged: () => void,
): Promise<string | null> {
  try {
    const saved = await ask<Unit | Contact>(known ? `/${noun}/${encodeURIComponent(known.id)}` : `/${noun}`, {
      method: known ? "PUT" : "POST",
      body,
      ...(known ? { version: known.version } : {}),
    });
    toasts.show(t("contacts.saved"), { undo: () => void takeBack(entryOf(saved), t("action.undo")).then(onchanged) });
    onchanged();
    return null;
  } catch (cause) {
    return explain(cause, onchanged);
  }
}

export async function takeBack(entry: Entry, why: string): Promise<string | null> {
  return act(entry, "POST", "/undo", why, () => toasts.show(t("limits.undone")));
}

/** Take one out; the message brings it back. */
export async function takeOut(entry: Entry, why: string, onchanged: () => void): Promise<string | null> {
  return act(entry, "DELETE", "", why, (gone) =>
    toasts.show(t("contacts.takenOut"), {
      undo: () => void takeBack(entryOf(gone), t("action.undo")).then(onchanged),
    }),
  );
}

async function act(
  entry: Entry,
  method: "POST" | "DELETE",
  end: string,
  why: string,
  done: (value: Unit | Contact) => void,
): Promise<string | null> {
  try {
    const path = `/${entry.noun}/${encodeURIComponent(entry.id)}${end}`;
    done(await ask<Unit | Contact>(path, { method, body: { why }, version: entry.version }));
    return null;
  } catch (cause) {
    const told = explain(cause, () => undefined);
    toasts.show(told, { tone: "fault" });
    return told;
  }
}

function explain(cause: unknown, onchanged: () => void): string {
  if (!(cause instanceof Problem) || cause.status === 0) return t("action.unreachable");
  if (cause.status === 412) {
    onchanged();
    return t("contacts.lost");
  }
  return cause.status === 403 ? t("contacts.beyond") : cause.message;
}
