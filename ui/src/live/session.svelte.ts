/** Who is signed in at this desk. */
import { ask, Problem, whenSignedOut } from "../api/client";
import type { Session } from "../api/types";
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
  /** May this person act on alerts? The server decides; the screen only hides what would be refused. */
  get mayAct(): boolean {
    return who !== null && !["viewer", "leader", "auditor", "wall", "display"].includes(who.role);
  },
  /** May this person change rules? A rule counts everywhere, so only an administrator of every area may. */
  get mayChangeRules(): boolean {
    return who !== null && who.role === "admin" && who.areas === null;
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
    await ask<void>("/session", { method: "DELETE", quiet401: true });
    who = null;
    live.stop();
    go("/signin", { replace: true });
  },
};

function enter(): void {
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
