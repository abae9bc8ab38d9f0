/** The alert list's filter: read from the address, applied to the open alerts here or asked of the server for closed ones. */
import { RANK, SEVERITIES, type Alert, type Severity } from "../api/types";
import { fold, matches } from "../format/search";

export type Filter = {
  view: "open" | "closed";
  severities: Severity[];
  state: "new" | "acknowledged" | null;
  domain: string | null;
  zone: string | null;
  area: string | null;
  question: string;
  from: string | null;
  to: string | null;
  sort: "newest" | "severity";
};

export function filterOf(query: URLSearchParams): Filter {
  const state = query.get("state");
  return {
    view: query.get("view") === "closed" ? "closed" : "open",
    severities: (query.get("severity") ?? "").split(",").filter((name): name is Severity => SEVERITIES.includes(name as Severity)),
    state: state === "new" || state === "acknowledged" ? state : null,
    domain: query.get("domain"),
    zone: query.get("zone"),
    area: query.get("area"),
    question: query.get("q") ?? "",
    from: query.get("from"),
    to: query.get("to"),
    sort: query.get("sort") === "severity" ? "severity" : "newest",
  };
}

export const NO_FILTER: Record<string, null> = { view: null, severity: null, state: null, domain: null, zone: null, area: null, q: null, from: null, to: null };

const texts = new WeakMap<Alert, string>();

function textOf(alert: Alert): string {
  let text = texts.get(alert);
  if (text === undefined) {
    text = fold([alert.number, alert.title.vi, alert.title.en, alert.summary.vi, alert.summary.en, alert.device, alert.device_name?.vi, alert.area_name?.vi, alert.owner, alert.rule].filter(Boolean).join(" "));
    texts.set(alert, text);
  }
  return text;
}

function passes(alert: Alert, filter: Filter): boolean {
  if (filter.severities.length > 0 && !filter.severities.includes(alert.severity)) return false;
  if (filter.state !== null && alert.state !== filter.state) return false;
  if (filter.domain !== null && alert.domain !== filter.domain) return false;
  if (filter.zone !== null && alert.zone !== filter.zone) return false;
  if (filter.area !== null && alert.area !== filter.area) return false;
  return filter.question === "" || matches(textOf(alert), filter.question);
}

export function applyFilter(list: readonly Alert[], filter: Filter): Alert[] {
  const kept = list.filter((alert) => passes(alert, filter));
  return filter.sort === "severity" ? kept.sort((a, b) => RANK[b.severity] - RANK[a.severity]) : kept;
}

/** The server's question for closed alerts; days are local days of the city. */
export function closedQuery(filter: Filter): string {
  const query = new URLSearchParams({ open: "false", limit: "100" });
  if (filter.severities.length > 0) query.set("severity", filter.severities.join(","));
  if (filter.domain) query.set("domain", filter.domain);
  if (filter.zone) query.set("zone", filter.zone);
  if (filter.area) query.set("area", filter.area);
  if (filter.question) query.set("q", filter.question);
  if (filter.from) query.set("from", new Date(`${filter.from}T00:00:00+07:00`).toISOString());
  if (filter.to) query.set("to", new Date(Date.parse(`${filter.to}T00:00:00+07:00`) + 86_400_000).toISOString());
  return query.toString();
}
