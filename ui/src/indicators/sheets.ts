/** Sheets of figures and indicators as the screen shows them: pure, but for the two calls that carry a file. */
import { ask } from "../api/client";
import type { CellFault, ImportPreview, Indicator, IndicatorImport, Standing } from "../api/types";
import { number } from "../format/number";

export const FILE_BYTES_MAX = 2 * 1024 * 1024;
/** The code of a period as people say it: tháng 10/2026, quý 4/2026, năm 2026. */
export type PeriodWords = { key: "period.month" | "period.quarter" | "period.year"; number: string; year: string };

export function periodWords(code: string): PeriodWords {
  const [year = code, part = ""] = code.split("-");
  if (part.startsWith("Q")) return { key: "period.quarter", number: part.slice(1), year };
  return part ? { key: "period.month", number: String(Number(part)), year } : { key: "period.year", number: "", year };
}

/** Indicators by domain, in the order of the list. */
export function byDomain(items: readonly Indicator[]): [string, Indicator[]][] {
  const groups = new Map<string, Indicator[]>();
  for (const item of items) groups.set(item.domain, [...(groups.get(item.domain) ?? []), item]);
  return [...groups];
}

/** The faults of a preview by row and column, for the cells beside which they stand. */
export function faultsByCell(faults: readonly CellFault[]): Map<string, CellFault[]> {
  const found = new Map<string, CellFault[]>();
  for (const fault of faults) {
    const key = `${String(fault.row)} ${fault.column}`;
    found.set(key, [...(found.get(key) ?? []), fault]);
  }
  return found;
}

/** Growth on the year before: in per cent, of percentages in points; null where it cannot be told. */
export function growth(standing: Standing): { value: number; points: boolean } | null {
  if (standing.yoy_pct !== null) return { value: standing.yoy_pct, points: false };
  return standing.yoy_change === null ? null : { value: standing.yoy_change, points: true };
}

/** A number that says its direction: +8,4 and −2,1. */
export function signed(value: number, digits: number): string {
  const text = number(Math.abs(value), digits);
  return value > 0 ? `+${text}` : value < 0 ? `−${text}` : text;
}

/** Rows of a preview: those with faults first, as many as are drawn. */
export function shownRows(preview: ImportPreview, most: number): ImportPreview["items"] {
  return [...preview.items.filter((row) => !row.ok), ...preview.items.filter((row) => row.ok)].slice(0, most);
}

export async function previewOf(file: File): Promise<ImportPreview> {
  return ask<ImportPreview>("/indicators/import?dry_run=1", { method: "POST", body: file });
}

export async function sendFile(file: File): Promise<IndicatorImport> {
  return ask<IndicatorImport>(`/indicators/import?name=${encodeURIComponent(file.name.slice(0, 120))}`, {
    method: "POST",
    body: file,
  });
}
