/**
 * What the server says of itself while the stream says nothing: /readyz needs no database and no session. It is asked
 * while a page cannot be filled or its line is cut, so that the reason stands there; the live stream's clock says the
 * same each second, and nothing is asked then.
 */
import { askReadiness } from "../api/client";
import { clock } from "./clock.svelte";
import { troubleOf } from "./readiness";
import { session } from "./session.svelte";
import { live } from "./stream.svelte";

const ASK_MILLISECONDS = 1500;

let told = $state(false);

export const health = {
  /** Whether what `clock.trouble` says is of now: from the stream, or asked a moment ago. */
  get told(): boolean {
    return told || live.state === "live";
  },
  watch,
};

/** Ask while it is needed, until the returned function is called. A session that could not be read is read again. */
function watch(): () => void {
  let busy = false;
  const timer = setInterval(() => {
    if (busy || !isNeeded()) {
      if (!busy) told = false;
      return;
    }
    busy = true;
    void ask().finally(() => (busy = false));
  }, ASK_MILLISECONDS);
  return () => {
    clearInterval(timer);
  };
}

function isNeeded(): boolean {
  return session.who === null ? session.unreachable : live.state !== "live";
}

async function ask(): Promise<void> {
  const readiness = await askReadiness();
  // The stream may have come back meanwhile: what it says is newer.
  if (live.state === "live") return;
  told = readiness !== null;
  if (readiness !== null) clock.hearTrouble(troubleOf(readiness), clock.now);
  if (session.who === null && session.unreachable) await session.check();
  if (session.who === null && !session.unreachable) clock.hearTrouble([], clock.now);
}
