/** What the overview looks at: everything, a zone, or one ward or commune; it lives in the address. */
import type { Area, Zone } from "../api/types";

export type Scope = { zone: string | null; area: string | null };
type Placed = { zone: string | null; area: string | null };

export function scopeOf(query: URLSearchParams): Scope {
  return { zone: query.get("zone"), area: query.get("area") };
}

export function inScope(placed: Placed, scope: Scope): boolean {
  if (scope.area !== null) return placed.area === scope.area;
  if (scope.zone !== null) return placed.zone === scope.zone;
  return true;
}

export function areasIn(scope: Scope, areas: readonly Area[], zones: readonly Zone[]): Area[] {
  if (scope.area !== null) return areas.filter((area) => area.code === scope.area);
  const covered = zones.find((zone) => zone.code === scope.zone)?.areas;
  return covered ? areas.filter((area) => covered.includes(area.code)) : [...areas];
}
