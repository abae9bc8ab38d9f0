/** What the map can draw: places inside the site's box. One place that cannot be must not take the whole map away. */
import type { Alert, Area, Device } from "../api/types";

/** West, south, east, north in degrees. */
export type SiteBox = readonly [number, number, number, number];
/** As far as the map's projection reaches; until the server has said where the site lies. */
export const EVERYWHERE: SiteBox = [-180, -85, 180, 85];

type Place = { lat: number | null; lon: number | null };

/** True also for what says no place at all: it is not drawn, and nothing is wrong with it. */
export function isDrawable({ lat, lon }: Place, [west, south, east, north]: SiteBox): boolean {
  if (lat === null && lon === null) return true;
  return lat !== null && lon !== null && lat >= south && lat <= north && lon >= west && lon <= east;
}

function isShapeDrawable(shape: NonNullable<Area["shape"]>, box: SiteBox): boolean {
  const rings = shape.type === "Polygon" ? shape.coordinates : shape.coordinates.flat();
  return (
    rings.length > 0 &&
    rings.every(
      (ring) => ring.length >= 4 && ring.every(([lon = Number.NaN, lat = Number.NaN]) => isDrawable({ lat, lon }, box)),
    )
  );
}

/** The area with what of it can be drawn; the same object where that is all. */
export function drawableArea(area: Area, box: SiteBox): Area {
  const shape = area.shape && isShapeDrawable(area.shape, box) ? area.shape : null;
  const centred = isDrawable(area, box);
  return shape === area.shape && centred
    ? area
    : { ...area, shape, lat: centred ? area.lat : null, lon: centred ? area.lon : null };
}

/** An alert that says an impossible place is drawn where its area is. */
export function drawableAlert(alert: Alert, box: SiteBox): Alert {
  return isDrawable(alert, box) ? alert : { ...alert, lat: null, lon: null };
}

export type Undrawn = { devices: string[]; areas: string[] };

/** Splits what is there into what can be drawn and the names of what cannot. */
export function splitDrawable(
  devices: readonly Device[],
  areas: readonly Area[],
  box: SiteBox,
): { devices: Device[]; areas: Area[]; undrawn: Undrawn } {
  const drawn = areas.map((area) => drawableArea(area, box));
  return {
    devices: devices.filter((device) => isDrawable(device, box)),
    areas: drawn,
    undrawn: {
      devices: devices.filter((device) => !isDrawable(device, box)).map((device) => device.id),
      areas: areas.filter((area, index) => area !== drawn[index]).map((area) => area.code),
    },
  };
}
