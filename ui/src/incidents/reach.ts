/** How far a plan of an incident reaches: all its alerts lie on it. */
const METRES_A_DEGREE = 111_195;
const REACH_METRES_MIN = 250;

type Spot = { lat: number; lon: number };

export function reachOf(centre: Spot, spots: readonly Spot[]): number {
  const wide = Math.cos((centre.lat * Math.PI) / 180);
  const away = spots.map(
    (spot) => Math.max(Math.abs(spot.lat - centre.lat), Math.abs(spot.lon - centre.lon) * wide) * METRES_A_DEGREE,
  );
  // The plan is some two reaches wide on each side.
  return Math.max(REACH_METRES_MIN, Math.max(0, ...away) / 2);
}
