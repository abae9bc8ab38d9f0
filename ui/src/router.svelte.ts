/** Where the operator is: path and query, in the address bar. A drawer may lie over another screen (its background). */

export type Screen =
  | "overview"
  | "alerts"
  | "contacts"
  | "devices"
  | "drills"
  | "indicators"
  | "limits"
  | "lookups"
  | "manual"
  | "performance"
  | "quality"
  | "roster"
  | "rules"
  | "silences"
  | "shift-log"
  | "signin"
  | "tour"
  | "missing";
export type Place = {
  screen: Screen;
  alert: string | null;
  incident: string | null;
  device: string | null;
  rule: string | null;
  query: URLSearchParams;
  path: string;
};

/** Screens whose path names nothing on them. */
const PLAIN: readonly Screen[] = [
  "contacts",
  "drills",
  "indicators",
  "limits",
  "lookups",
  "manual",
  "performance",
  "quality",
  "silences",
  "roster",
  "shift-log",
  "signin",
  "tour",
];

type HistoryState = { background?: string };

let url = $state.raw(new URL(location.href));
let background = $state.raw<string | undefined>((history.state as HistoryState | null)?.background);

function screenOf(path: string): Omit<Place, "query" | "path"> {
  const [first = "", second = null] = path.split("/").filter(Boolean);
  const id = second && decodeURIComponent(second);
  const none = { alert: null, incident: null, device: null, rule: null };
  if (first === "") return { screen: "overview", ...none };
  if (first === "alerts") return { screen: "alerts", ...none, alert: id };
  if (first === "incidents") return { screen: "alerts", ...none, incident: id };
  if (first === "devices") return { screen: "devices", ...none, device: id };
  if (first === "rules") return { screen: "rules", ...none, rule: id };
  const plain = PLAIN.find((screen) => screen === first);
  if (plain) return { screen: plain, ...none };
  return { screen: "missing", ...none };
}

export const router = {
  /** What the address says. */
  get place(): Place {
    return { ...screenOf(url.pathname), query: url.searchParams, path: url.pathname + url.search };
  },
  /** The screen to draw under a drawer: the one it was opened from. */
  get base(): Place {
    if (background === undefined) return router.place;
    const below = new URL(background, location.origin);
    return { ...screenOf(below.pathname), query: below.searchParams, path: background };
  },
};

function take(): void {
  url = new URL(location.href);
  background = (history.state as HistoryState | null)?.background;
}

export function go(path: string, options: { replace?: boolean; background?: string } = {}): void {
  const state: HistoryState = options.background === undefined ? {} : { background: options.background };
  if (options.replace) history.replaceState(state, "", path);
  else history.pushState(state, "", path);
  take();
}

/** Open something in a drawer over the screen that is drawn now. */
export function openOver(path: string): void {
  go(path, { background: router.base.path, replace: router.place.path !== router.base.path });
}

export function closeDrawer(fallback: string): void {
  go(background ?? fallback);
}

/** Change query parameters of the base screen; null removes one. */
export function setQuery(changes: Record<string, string | null>): void {
  const query = new URLSearchParams(router.base.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  const path = (router.base.path.split("?")[0] ?? "/") + (text ? `?${text}` : "");
  if (background !== undefined) {
    history.replaceState({ background: path }, "", url.pathname + url.search);
    take();
  } else if (router.place.alert !== null || router.place.incident !== null || router.place.device !== null) {
    go(url.pathname + (text ? `?${text}` : ""), { replace: true });
  } else go(path, { replace: true });
}

/** Plain left clicks on links of this site stay in the page; everything else is the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const anchor = (event.target as Element | null)?.closest("a");
  if (!anchor || anchor.target || anchor.origin !== location.origin || anchor.hasAttribute("download")) return;
  if (anchor.pathname.startsWith("/api/") || anchor.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  const path = anchor.pathname + anchor.search;
  if (anchor.dataset.over !== undefined) openOver(path);
  else go(path);
}

window.addEventListener("popstate", take);
