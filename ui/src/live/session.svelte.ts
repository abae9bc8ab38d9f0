/** Who is signed in at this desk. */
import { ask, Problem, whenSignedOut } from "../api/client";
import type { Capability, Session } from "../api/types";
import { go, router } from "../router.svelte";
import { live } from "./stream.svelte";

let who = $state.raw<Session | null>(null);
let checked = $state(false);
let unreachable = $state(false);

export const session = {
  get who(): Session | null {
    return who;
  },
  get checked(): boolean {
    return checked;
  },
  get unreachable(): boolean {
    return unreachable;
  },
  /** Must this person choose a password of their own before anything else? */
  get mustChange(): boolean {
    return who?.change_required === true;
  },
  /** May this person do that? The server decides; the screen only hides what would be refused. */
  has(capability: Capability): boolean {
    return who?.capabilities.includes(capability) ?? false;
  },
  get mayAct(): boolean {
    return session.has("handle");
  },
  /** A rule counts everywhere, so only who has every area may change one. */
  get mayChangeRules(): boolean {
    return session.has("rules") && who?.areas === null;
  },
  async check(): Promise<void> {
    try {
      who = await ask<Session>("/session", { quiet401: true });
      unreachable = false;
    } catch (cause) {
      who = null;
      unreachable = !(cause instanceof Problem) || cause.status !== 401;
    }
    checked = true;
    if (who) enter();
    else if (!unreachable) leave();
  },
  async signIn(username: string, password: string): Promise<void> {
    who = await ask<Session>("/session", { method: "POST", body: { username, password }, quiet401: true });
    enter();
  },
  async signOut(): Promise<void> {
    await ask<undefined>("/session", { method: "DELETE", quiet401: true });
    who = null;
    live.stop();
    go("/signin", { replace: true });
  },
};

function enter(): void {
  if (who?.change_required) return; // nothing else answers yet: the page asks for a password of their own
  if (router.place.screen === "signin") go(safeTarget(router.place.query.get("next")), { replace: true });
  void live.start();
}

function leave(): void {
  who = null;
  live.stop();
  if (router.place.screen === "signin") return;
  const path = router.place.path;
  go(path === "/" ? "/signin" : `/signin?next=${encodeURIComponent(path)}`, { replace: true });
}

/** Only a path of this site: a crafted link must not lead away after sign-in. */
function safeTarget(next: string | null): string {
  if (!next) return "/";
  const target = new URL(next, location.origin);
  return target.origin === location.origin && next.startsWith("/") ? target.pathname + target.search : "/";
}

whenSignedOut(leave);
