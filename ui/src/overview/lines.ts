/** Rivers and roads that the pack brings along; a pack without them has a plainer map. */
import { ask, Problem } from "../api/client";
import type { Label } from "../api/types";

type Layer = { id: string; label?: Label; kind?: string };
export type Lines = { water: GeoJSON.FeatureCollection; roads: GeoJSON.FeatureCollection };

const WATER = /song|river|ho-|lake|suoi|stream|water|reservoir/i;

async function askOrNothing<T>(path: string): Promise<T | null> {
  try {
    return await ask<T>(path);
  } catch (cause) {
    if (cause instanceof Problem) return null; // no such layer here: the map does without
    throw cause;
  }
}

export async function loadLines(): Promise<Lines> {
  const list = await askOrNothing<{ items: Layer[] }>("/layers");
  const layers: Layer[] = list?.items ?? [{ id: "rivers" }, { id: "roads" }];
  const lines: Lines = {
    water: { type: "FeatureCollection", features: [] },
    roads: { type: "FeatureCollection", features: [] },
  };
  await Promise.all(
    layers.map(async (layer) => {
      const found = await askOrNothing<GeoJSON.FeatureCollection>(`/layers/${encodeURIComponent(layer.id)}`);
      const water = layer.kind ? layer.kind === "water" : WATER.test(layer.id);
      if (Array.isArray(found?.features)) lines[water ? "water" : "roads"].features.push(...found.features);
    }),
  );
  return lines;
}
