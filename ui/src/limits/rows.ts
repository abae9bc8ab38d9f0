/** Limits as the page shows them: table by table, who each is for, and which are folded away. Pure. */
import type { DatedLimit, LimitTableNoun } from "../api/types";

export type TargetKind = "device" | "class" | "area";
export type TableRows = {
  name: string;
  /** Null: no rule asks for the table any more, and its rows count for nothing. */
  table: LimitTableNoun | null;
  rows: DatedLimit[];
  ended: DatedLimit[];
};
export type Filters = {
  table: string | null;
  device: string | null;
  class: string | null;
  area: string | null;
  on: string | null;
  removed: boolean;
};

/** The filters of an address. */
export function filtersOf(query: URLSearchParams): Filters {
  return {
    table: query.get("table"),
    device: query.get("device"),
    class: query.get("class"),
    area: query.get("area"),
    on: query.get("on"),
    removed: query.get("removed") === "1",
  };
}

/** What the server is asked: of a device also what its class and places have, for that holds for it too. */
export function askedOf(filters: Filters): string {
  const query = new URLSearchParams();
  if (filters.table) query.set("name", filters.table);
  if (filters.device) {
    query.set("device", filters.device);
    query.set("inherited", "true");
  }
  if (filters.class && !filters.device) query.set("class", filters.class);
  if (filters.area && !filters.device) query.set("area", filters.area);
  if (filters.on) query.set("on", filters.on);
  if (filters.removed) query.set("removed", "true");
  return query.toString();
}

/** Whether rows are left out that the tables have. */
export function narrowed(filters: Filters): boolean {
  return Boolean(filters.device || filters.class || filters.area || filters.on || filters.removed);
}

const STATES = ["holds", "coming", "replaced", "ended"];

/** Tables with their rows: those that hold first; a table without rows stands there too where nothing is narrowed. */
export function tablesOf(
  tables: readonly LimitTableNoun[],
  limits: readonly DatedLimit[],
  filters: Filters,
): TableRows[] {
  const names = new Set(limits.map((limit) => limit.name));
  if (!narrowed(filters)) {
    for (const table of tables) if (!filters.table || table.name === filters.table) names.add(table.name);
  }
  return [...names].sort().map((name) => {
    const own = limits
      .filter((limit) => limit.name === name)
      .sort((a, b) => targetOf(a).localeCompare(targetOf(b)) || STATES.indexOf(a.state) - STATES.indexOf(b.state));
    return {
      name,
      table: tables.find((table) => table.name === name) ?? null,
      rows: own.filter((limit) => limit.state !== "ended" || filters.removed),
      ended: own.filter((limit) => limit.state === "ended" && !filters.removed),
    };
  });
}

/** What a row is of, as a text that sorts. */
export function targetOf(limit: DatedLimit): string {
  return limit.device ?? limit.class ?? limit.area ?? "";
}

/** What a row of a table may be of; a zone and a unit are both places. */
export function kindsOf(table: LimitTableNoun | undefined): TargetKind[] {
  const kinds: TargetKind[] = [];
  if (table?.targets.includes("device")) kinds.push("device");
  if (table?.targets.includes("class")) kinds.push("class");
  if (table?.targets.some((target) => target === "area" || target === "zone")) kinds.push("area");
  return kinds;
}
