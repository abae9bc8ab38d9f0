/**
 * The tour as this screen knows it: beside the city how far its start is, inside it the clock that all visitors share.
 */
import { ask } from "../api/client";
import type { Label } from "../api/types";

export type Tour = {
  here: boolean;
  state: "none" | "starting" | "ready" | "over";
  title: Label | null;
  port?: number | null;
  started_by?: string | null;
  start?: string;
  end?: string;
  clock?: string;
  progress?: number;
  over?: boolean;
  paused?: boolean;
  speed?: number;
  speeds?: number[];
};
type Entry = { port: number; code: string };

const ASK_AGAIN_MS = 1_000;
const HOME = "ioc.tourHome";

/**
 * Start the tour if none runs, wait until it is ready, and go there signed in. `wanted` says whether somebody still
 * waits.
 */
export async function visitTour(mayStart: boolean, wanted: () => boolean): Promise<void> {
  let tour = await ask<Tour>("/tour", mayStart ? { method: "POST", body: {} } : {});
  while (wanted()) {
    if (tour.state === "ready" || tour.state === "over") {
      const entry = await ask<Entry>("/tour/entry", { method: "POST", body: {} });
      if (wanted())
        location.assign(
          `${location.protocol}//${location.hostname}:${entry.port}/tour#code=${entry.code}&home=${location.port}`,
        );
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    tour = await ask<Tour>("/tour");
  }
}

/** Use the code that the address brought, once; it is gone from the address before anything else happens. */
export async function enterTour(): Promise<void> {
  const given = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", "/tour");
  const home = given.get("home") ?? "";
  if (/^\d{0,5}$/.test(home)) sessionStorage.setItem(HOME, home);
  await ask("/tour/session", { method: "POST", body: { code: given.get("code") ?? "" }, quiet401: true });
}

/** The screens of the city beside the tour: the same machine, the port that the visitor came from. */
export function homeOfTour(): string | null {
  const port = sessionStorage.getItem(HOME);
  return port === null ? null : `${location.protocol}//${location.hostname}${port ? `:${port}` : ""}/`;
}
