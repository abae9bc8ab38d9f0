/**
 * Whether what the screen shows is how things are now. It is not while the line is cut, the database stands still, or
 * a part of the server that figures and alerts come through says nothing. Then everything turns grey, with the words.
 */
import type { ProcessKind } from "../api/types";
import { clock } from "./clock.svelte";
import { live } from "./stream.svelte";

/** The keeper only tidies up: without it what is shown is still true. */
const CARRIES: readonly ProcessKind[] = ["rules", "rollup", "door", "bridge", "api"];

export const freshness = {
  /** Since when what is shown may be old; null while it is fresh. */
  get staleSince(): number | null {
    const since: number[] = [];
    if (live.state === "cut") since.push(live.cutSince ?? clock.now);
    if (clock.databaseAwaySince !== null) since.push(clock.databaseAwaySince);
    for (const role of CARRIES) {
      const moment = clock.stale[role];
      if (moment !== undefined) since.push(moment);
    }
    return since.length > 0 ? Math.min(...since) : null;
  },
};
