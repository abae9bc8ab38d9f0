/**
 * The map itself: areas, water, roads and devices on a plain ground; nothing is asked of any other machine. Loaded
 * lazily.
 */
import * as maplibregl from "maplibre-gl";
import type { GeoJSONSource, StyleSpecification } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { SEVERITIES } from "../api/alerts";
import type { Area, Device, Severity } from "../api/types";

export type CityMap = {
  project: (lonLat: [number, number]) => { x: number; y: number };
  setAreas: (areas: readonly Area[]) => void;
  setLine: (name: "water" | "roads", data: GeoJSON.GeoJSON) => void;
  setWorst: (worst: ReadonlyMap<string, Severity>) => void;
  setDevices: (devices: readonly Device[]) => void;
  show: (layer: "devices" | "water" | "roads", visible: boolean) => void;
  fit: (bounds: [number, number, number, number], animate: boolean) => void;
  zoom: (step: number) => void;
  paint: () => void;
  destroy: () => void;
};

const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const LAYERS = { devices: ["device-dot"], water: ["river"], roads: ["road"] } as const;

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** `#rrggbb` over `#rrggbb` at the given share, as an opaque colour: water and roads keep their own above it. */
function mixed(over: string, under: string, share: number): string {
  const part = (text: string, at: number): number => Number.parseInt(text.slice(at, at + 2), 16);
  const blend = (at: number): number => Math.round(part(over, at) * share + part(under, at) * (1 - share));
  return `rgb(${blend(1)}, ${blend(3)}, ${blend(5)})`;
}

function style(): StyleSpecification {
  const source = (promoteId?: string) => ({
    type: "geojson" as const,
    data: EMPTY,
    ...(promoteId ? { promoteId } : {}),
  });
  return {
    version: 8,
    sources: { areas: source("code"), water: source(), roads: source(), devices: source() },
    layers: [
      { id: "ground", type: "background", paint: {} },
      // Few kinds of layer, few shaders: each one costs a software-drawn screen a stall when it is first used.
      { id: "area", type: "fill", source: "areas", paint: { "fill-antialias": false } },
      {
        id: "road",
        type: "line",
        source: "roads",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-width": ["interpolate", ["linear"], ["zoom"], 9, 1.2, 13, 3] },
      },
      {
        id: "river",
        type: "line",
        source: "water",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-width": ["interpolate", ["linear"], ["zoom"], 9, 2.4, 13, 7] },
      },
      { id: "area-line", type: "line", source: "areas", paint: { "line-width": 1 } },
      { id: "area-worst", type: "line", source: "areas", paint: { "line-width": 1.5 } },
      {
        id: "device-dot",
        type: "circle",
        source: "devices",
        paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 2.6, 13, 5] },
      },
    ],
  };
}

function paintAll(map: maplibregl.Map): void {
  const worst: unknown[] = ["match", ["coalesce", ["feature-state", "rank"], "none"]];
  for (const severity of SEVERITIES) worst.push(severity, color(`${severity}-fill`));
  const ofWorst = (otherwise: string): never => [...worst, otherwise] as never;
  const tints: unknown[] = ["match", ["coalesce", ["feature-state", "rank"], "none"]];
  for (const severity of SEVERITIES) tints.push(severity, mixed(color(`${severity}-fill`), color("map-area"), 0.22));
  const silent: never = ["!=", ["get", "status"], "online"] as never;
  const set = (layer: string, name: string, value: unknown): void =>
    void map.setPaintProperty(layer, name as never, value as never);
  set("ground", "background-color", color("map-ground"));
  set("area", "fill-color", [...tints, color("map-area")]);
  set("area-line", "line-color", color("map-line"));
  set("area-worst", "line-color", ofWorst("rgba(0,0,0,0)"));
  set("river", "line-color", color("map-water"));
  set("road", "line-color", color("map-road"));
  set("device-dot", "circle-color", ["case", silent, color("map-ground"), color("ok-fill")]);
  set("device-dot", "circle-stroke-color", ["case", silent, color("no-data"), color("map-ground")]);
  set("device-dot", "circle-stroke-width", ["case", silent, 1.5, 1]);
}

export async function createMap(
  container: HTMLElement,
  options: { title: string; onmove: () => void },
): Promise<CityMap> {
  maplibregl.setWorkerUrl(workerUrl);
  const map = new maplibregl.Map({
    container,
    style: style(),
    center: [105.45, 20.8],
    zoom: 9.4,
    minZoom: 8,
    maxZoom: 16,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    attributionControl: false,
    cooperativeGestures: matchMedia("(pointer: coarse)").matches,
    locale: { "Map.Title": options.title },
    fadeDuration: 0,
  });
  map.touchZoomRotate.disableRotation();
  await new Promise<void>((resolve, reject) => {
    map.once("load", () => resolve());
    map.once("error", (event) => reject(new Error("the map does not load", { cause: event.error })));
  });
  paintAll(map);
  map.on("move", options.onmove);
  map.on("resize", options.onmove);
  let shown = new Map<string, Severity>();
  // None once the map is taken down: whoever leaves this screen early must not find an error on the next.
  const source = (name: string): GeoJSONSource | undefined => map.getSource<GeoJSONSource>(name);

  return {
    project: (lonLat) => map.project(lonLat),
    setAreas(areas) {
      const features = areas
        .filter((area) => area.shape)
        .map((area) => ({
          type: "Feature" as const,
          properties: { code: area.code, zone: area.zone },
          geometry: area.shape as GeoJSON.Geometry,
        }));
      void source("areas")?.setData({ type: "FeatureCollection", features });
    },
    setLine: (name, data) => void source(name)?.setData(data),
    setWorst(worst) {
      for (const code of shown.keys())
        if (!worst.has(code)) map.removeFeatureState({ source: "areas", id: code }, "rank");
      for (const [code, rank] of worst)
        if (shown.get(code) !== rank) map.setFeatureState({ source: "areas", id: code }, { rank });
      shown = new Map(worst);
    },
    setDevices(devices) {
      const features = devices
        .filter((device) => device.lon !== null && device.lat !== null)
        .map((device) => ({
          type: "Feature" as const,
          properties: { status: device.status },
          geometry: { type: "Point" as const, coordinates: [device.lon as number, device.lat as number] },
        }));
      void source("devices")?.setData({ type: "FeatureCollection", features });
    },
    show(layer, visible) {
      for (const id of LAYERS[layer]) map.setLayoutProperty(id, "visibility", visible ? "visible" : "none");
    },
    fit(bounds, animate) {
      const width = container.clientWidth;
      const padding =
        width < 600 ? { top: 16, bottom: 16, left: 12, right: 12 } : { top: 40, bottom: 40, left: 48, right: 48 };
      map.fitBounds(bounds, {
        padding,
        duration: animate && !matchMedia("(prefers-reduced-motion: reduce)").matches ? 500 : 0,
        maxZoom: 13,
      });
    },
    zoom: (step) => void map.zoomTo(map.getZoom() + step, { duration: 200 }),
    paint: () => paintAll(map),
    destroy: () => map.remove(),
  };
}

export function boundsOf(areas: readonly Area[]): [number, number, number, number] | null {
  let [west, south, east, north] = [180, 90, -180, -90];
  const take = (point: number[]): void => {
    const [lon = 0, lat = 0] = point;
    west = Math.min(west, lon);
    east = Math.max(east, lon);
    south = Math.min(south, lat);
    north = Math.max(north, lat);
  };
  for (const area of areas) {
    if (area.shape)
      for (const ring of area.shape.type === "Polygon" ? area.shape.coordinates : area.shape.coordinates.flat())
        ring.forEach(take);
    else if (area.lon !== null && area.lat !== null) take([area.lon, area.lat]);
  }
  return west < east ? [west, south, east, north] : null;
}
