/**
 * The alert list's filter: read from the address, applied to the open alerts here or asked of the server for closed
 * ones.
 */
import { SEVERITIES } from "../api/alerts";
import type { Alert, Severity } from "../api/types";
import { pick, searchable } from "../format/search";
import { city } from "../live/city.svelte";
import { session } from "../live/session.svelte";

export type Filter = {
  view: "open" | "closed";
  severities: Severity[];
  /** Only those that this account has, or that wait for it to take them. */
  mine: boolean;
  /** Null: any but what was put aside, which stands apart under its own count. */
  state: "new" | "acknowledged" | "in_progress" | "false_alarm" | "shelved" | null;
  domain: string | null;
  zone: string | null;
  area: string | null;
  question: string;
  from: string | null;
  to: string | null;
  sort: "attention" | "newest";
  /** What a silence hides, alone; else it is left out and counted. */
  silenced: boolean;
};

const STATES: readonly string[] = ["new", "acknowledged", "in_progress", "false_alarm", "shelved"];

export function filterOf(query: URLSearchParams): Filter {
  const state = query.get("state");
  return {
    view: query.get("view") === "closed" ? "closed" : "open",
    severities: (query.get("severity") ?? "")
      .split(",")
      .filter((name): name is Severity => SEVERITIES.includes(name as Severity)),
    state: state !== null && STATES.includes(state) ? (state as Filter["state"]) : null,
    mine: query.get("mine") !== null,
    domain: query.get("domain"),
    zone: query.get("zone"),
    area: query.get("area"),
    question: query.get("q") ?? "",
    from: query.get("from"),
    to: query.get("to"),
    sort: query.get("sort") === "newest" ? "newest" : "attention",
    silenced: query.get("silenced") === "1",
  };
}

export const NO_FILTER: Record<string, null> = {
  view: null,
  severity: null,
  state: null,
  mine: null,
  domain: null,
  zone: null,
  area: null,
  q: null,
  from: null,
  to: null,
  silenced: null,
};

const texts = new WeakMap<Alert, string>();

/** An alert's own words, as search reads them. */
export function ownTextOf(alert: Alert): string {
  let text = texts.get(alert);
  if (text === undefined) {
    text = searchable(
      alert.number,
      alert.title.vi,
      alert.title.en,
      alert.summary.vi,
      alert.summary.en,
      alert.device,
      alert.device_name?.vi,
      alert.area_name?.vi,
      alert.owner,
      alert.rule,
    );
    texts.set(alert, text);
  }
  return text;
}

/** What search reads of an alert: its own words, and every name that its place has or had. */
export function searchTextOf(alert: Alert): string {
  return ownTextOf(alert) + city.placeText(alert.area);
}

function passes(alert: Alert, filter: Filter): boolean {
  if (filter.mine && alert.owner !== session.who?.username) return false;
  if (filter.severities.length > 0 && !filter.severities.includes(alert.severity)) return false;
  if (filter.state === null ? alert.state === "shelved" : alert.state !== filter.state) return false;
  if (filter.domain !== null && alert.domain !== filter.domain) return false;
  if (filter.zone !== null && alert.zone !== filter.zone) return false;
  return filter.area === null || alert.area === filter.area;
}

/** The open alerts that pass, in the order in which they came (of attention) or newest first. */
export function applyFilter(list: readonly Alert[], filter: Filter): Alert[] {
  const kept = pick(
    list.filter((alert) => passes(alert, filter)),
    filter.question,
    searchTextOf,
  );
  return filter.sort === "newest"
    ? kept.sort((a, b) => (a.opened_at < b.opened_at ? 1 : a.opened_at > b.opened_at ? -1 : 0))
    : kept;
}

/** The server's question for closed alerts; days are local days of the city. */
export function closedQuery(filter: Filter): string {
  const query = new URLSearchParams({ open: "false", limit: "100" });
  if (filter.severities.length > 0) query.set("severity", filter.severities.join(","));
  if (filter.mine && session.who) query.set("assignee", session.who.username);
  if (filter.domain) query.set("domain", filter.domain);
  if (filter.zone) query.set("zone", filter.zone);
  if (filter.area) query.set("area", filter.area);
  if (filter.question) query.set("q", filter.question);
  if (filter.from) query.set("from", new Date(`${filter.from}T00:00:00+07:00`).toISOString());
  if (filter.to) query.set("to", new Date(Date.parse(`${filter.to}T00:00:00+07:00`) + 86_400_000).toISOString());
  return query.toString();
}
